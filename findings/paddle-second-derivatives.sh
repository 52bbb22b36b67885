#!/usr/bin/env bash
# Paddle 3.3.1: the curvature of sinc at 0 is 0 (true -3.29), and at a tie the Hessian of maximum^2/2 is not symmetric.
#
# Guess: -3.29, or nan; 1/4 in all four entries, since the gradient at the tie is 1/2 1/2.
# Seen: 0, and -4.71 at 1e-8; the rows 0 0 and 1/2 1/2: the second order sends all to the second operand, the first order half.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet paddlepaddle==3.3.1
cat >program.py <<'PY'
import paddle


def hessian(f, *at):
    xs = [paddle.to_tensor(v, dtype="float64", stop_gradient=False) for v in at]
    slopes = paddle.grad([f(*xs)], xs, create_graph=True)
    return [[round(float(paddle.grad([s], [x], retain_graph=True)[0]), 2) for x in xs] for s in slopes]


for at in (0.0, 1e-8, 1e-4):
    print("sinc", at, hessian(paddle.sinc, at))
x, y = (paddle.to_tensor(1.0, stop_gradient=False) for _ in range(2))
print("maximum", [float(s) for s in paddle.grad([paddle.maximum(x, y)], [x, y])])
print("maximum^2/2", hessian(lambda x, y: paddle.maximum(x, y) ** 2 / 2, 1.0, 1.0))
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
sinc 0.0 [[0.0]]
sinc 1e-08 [[-4.71]]
sinc 0.0001 [[-3.29]]
maximum [0.5, 0.5]
maximum^2/2 [[0.0, 0.0], [0.5, 0.5]]
TXT
diff expected seen && echo "as seen before"
