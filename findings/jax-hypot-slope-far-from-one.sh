#!/usr/bin/env bash
# JAX 0.10.2: the slopes of hypot are wrong above 1e154 and below 1e-154, where its value is right; both silently.
#
# Guess: 0.6 and 0.8 at (3, 4) times anything, since hypot exists in order to hold there.
# Seen: at (3e160, 4e160) 0.6 and 1.25, a slope above 1 that no hypot has; at (3e-160, 4e-160) nan and -inf.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
cat >program.py <<'PY'
import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)
for scale in (1.0, 1e150, 1e160, 1e200, 1e-150, 1e-160, 1e-200):
    at = 3 * scale, 4 * scale
    x, y = jax.grad(jnp.hypot, (0, 1))(*at)
    print(f"{scale:g}", f"{float(jnp.hypot(*at)) / scale:.4g}", f"{float(x):.4g} {float(y):.4g}")
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
1 5 0.6 0.8
1e+150 5 0.6 0.8
1e+160 5 0.6 1.25
1e+200 5 0.6 1.25
1e-150 5 0.6 0.8
1e-160 5 nan -inf
1e-200 5 nan -inf
TXT
diff expected seen && echo "as seen before"
