#!/usr/bin/env bash
# Paddle 3.3.1: the slope of silu is nan for x below -709 (float32: below -88); that of swish, the same function, is 0.
#
# Guess: 0 from both, or nan from both.
# Seen: silu -inf, then nan, in float32 from an x of -88 on, which a pre-activation may have; swish right everywhere.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet paddlepaddle==3.3.1
cat >program.py <<'PY'
import paddle
from paddle.nn import functional


def slope(f, at, dtype):
    x = paddle.to_tensor(at, dtype=dtype, stop_gradient=False)
    return f"{float(paddle.grad([f(x)], [x])[0]):.3g}"


for dtype, points in (("float32", (-80.0, -88.0, -90.0)), ("float64", (-80.0, -709.0, -800.0))):
    for at in points:
        print(dtype, at, slope(functional.silu, at, dtype), slope(functional.swish, at, dtype))
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
float32 -80.0 -1.43e-33 -1.43e-33
float32 -88.0 -inf -5.27e-37
float32 -90.0 nan 0
float64 -80.0 -1.43e-33 -1.43e-33
float64 -709.0 -inf -8.61e-306
float64 -800.0 nan 0
TXT
diff expected seen && echo "as seen before"
