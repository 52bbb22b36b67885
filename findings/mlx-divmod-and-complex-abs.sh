#!/usr/bin/env bash
# MLX 0.32.4: the remainder that divmod answers has the slopes 0, and the curvature of the size of a complex number is 0.
#
# Guess: divmod(x, y)[1] has the slopes of remainder(x, y), 1 and -floor(x/y); abs(a + ib) has the Hessian of
# sqrt(a^2 + b^2). First derivatives of abs are right, so that of an optimizer only the second-order ones go astray.
# Seen: 0 and 0 for 1 and -3; four zeros for 0.128, -0.096, -0.096, 0.072.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet 'mlx[cpu]==0.32.4'
cat >program.py <<'PY'
import mlx.core as mx

mx.set_default_device(mx.cpu)


def told(name, *numbers):
    print(name, *[f"{number:.3f}" for number in numbers])


x = mx.array([7.5, 2.0])
for name, function in (("divmod", lambda v: mx.divmod(v[0], v[1])[1]), ("remainder", lambda v: mx.remainder(v[0], v[1]))):
    told(name, function(x).item(), *mx.grad(function)(x).tolist())

z = mx.array([3.0, 4.0])
for name, size in (("abs", lambda v: mx.abs(v[0] + 1j * v[1])), ("sqrt", lambda v: mx.sqrt(v[0] ** 2 + v[1] ** 2))):
    rows = [mx.grad(lambda u: mx.grad(size)(u)[i])(z).tolist() for i in range(2)]
    told(name, size(z).item(), *mx.grad(size)(z).tolist(), *rows[0], *rows[1])
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
divmod 1.500 0.000 0.000
remainder 1.500 1.000 -3.000
abs 5.000 0.600 0.800 0.000 0.000 0.000 0.000
sqrt 5.000 0.600 0.800 0.128 -0.096 -0.096 0.072
TXT
diff expected seen && echo "as seen before"
