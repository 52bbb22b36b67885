#!/usr/bin/env bash
# JAX 0.10.2: the slope of boxcox and boxcox1p by lambda is 0 at lambda = 0, where most people start to fit it.
#
# Guess: log(x)**2/2, the limit from both sides: 0.2402 for x = 2.
# Seen: 0.0 at exactly 0, 0.2402 at 1e-6 and -1e-6: a descent that starts from 0 never moves.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 scipy==1.17.1
cat >program.py <<'PY'
import jax

jax.config.update("jax_enable_x64", True)
from jax.scipy.special import boxcox, boxcox1p

for f in (boxcox, boxcox1p):
    print(f.__name__, *[round(float(jax.grad(f, 1)(2.0, lam)), 4) for lam in (-1e-6, 0.0, 1e-6)])
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
boxcox 0.2402 0.0 0.2402
boxcox1p 0.6035 0.0 0.6035
TXT
diff expected seen && echo "as seen before"
