#!/usr/bin/env bash
# JAX 0.10.2: elu and celu with alpha = 1 are one function, and differ in their second and third derivative at 0.
#
# Guess: the same numbers, 1 and 1 (the side of e**x) or 0 and 0.
# Seen: elu 1, 1, 1; celu 1, 1/4, 1/8, since it is written with maximum and minimum, and both halve at the tie.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
cat >program.py <<'PY'
import jax

jax.config.update("jax_enable_x64", True)
for f in (jax.nn.elu, jax.nn.celu):
    first = jax.grad(f)
    second = jax.grad(first)
    print(f.__name__, float(first(0.0)), float(second(0.0)), float(jax.grad(second)(0.0)))
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
elu 1.0 1.0 1.0
celu 1.0 0.25 0.125
TXT
diff expected seen && echo "as seen before"
