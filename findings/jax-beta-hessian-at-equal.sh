#!/usr/bin/env bash
# JAX 0.10.2: the Hessians of scipy.special.beta and betaln are wrong wherever the arguments are equal.
#
# Guess: betaln(a, b) is smooth there; at (2, 2) the entries are psi1(2) - psi1(4) = 0.3611 and -psi1(4) = -0.2838.
# Seen: 0.0386 in all four, without a word; at (2, 2.0001) right, and the first derivatives are right everywhere.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 scipy==1.17.1
cat >program.py <<'PY'
import jax

jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
from jax.scipy.special import beta, betaln

for f in (betaln, beta):
    for b in (2.0, 2.0001):
        hessian = jax.hessian(lambda v, f=f: f(v[0], v[1]))(jnp.array([2.0, b]))
        print(f.__name__, b, [[round(float(x), 3) for x in row] for row in hessian])
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
betaln 2.0 [[0.039, 0.039], [0.039, 0.039]]
betaln 2.0001 [[0.361, -0.284], [-0.284, 0.361]]
beta 2.0 [[0.122, 0.122], [0.122, 0.122]]
beta 2.0001 [[0.176, 0.068], [0.068, 0.176]]
TXT
diff expected seen && echo "as seen before"
