#!/usr/bin/env bash
# tinygrad 0.14.0: the Hessian of prod is 0 where two entries are 0; true is the product of the others.
#
# Guess: right, since it is right with one entry of 0, where dividing would have failed.
# Seen: at (0, 2, 3) right; at (0, 0, 3) nothing but 0, where d2/dxdy is 3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet tinygrad==0.14.0
cat >program.py <<'PY'
from tinygrad import Tensor, dtypes

for at in ([1.0, 2.0, 3.0], [0.0, 2.0, 3.0], [0.0, 0.0, 3.0]):
    x = Tensor(at, dtype=dtypes.float64)
    slopes = x.prod().gradient(x)[0]
    print(at, [[h + 0.0 for h in slopes[i].gradient(x)[0].tolist()] for i in range(3)])
PY
DEV=PYTHON v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
[1.0, 2.0, 3.0] [[0.0, 3.0, 2.0], [3.0, 0.0, 1.0], [2.0, 1.0, 0.0]]
[0.0, 2.0, 3.0] [[0.0, 3.0, 2.0], [3.0, 0.0, 0.0], [2.0, 0.0, 0.0]]
[0.0, 0.0, 3.0] [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
TXT
diff expected seen && echo "as seen before"
