#!/usr/bin/env bash
# PyTorch 2.13.0: the Hessian of x**y is not symmetric at y = 0, for any x.
#
# Guess: d2/dxdy = x**(y-1) (1 + y log x) = 0.5 at (2, 0), in both places.
# Seen: differentiated by x first it is 0, by y first 0.5: the slope by x is masked to 0 where the exponent is 0, and the mask is a
# constant. JAX 0.10.2 answers 0.5 in both places.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet torch==2.13.0 numpy==2.4.6
cat >program.py <<'PY'
import torch

for y in (0.0, 1e-9):
    at = torch.tensor([2.0, y], dtype=torch.float64, requires_grad=True)
    (slopes,) = torch.autograd.grad(at[0] ** at[1], at, create_graph=True)
    rows = [torch.autograd.grad(slope, at, retain_graph=True)[0].tolist() for slope in slopes]
    print(y, [[round(x, 4) + 0.0 for x in row] for row in rows])
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
0.0 [[0.0, 0.0], [0.5, 0.4805]]
1e-09 [[0.0, 0.5], [0.5, 0.4805]]
TXT
diff expected seen && echo "as seen before"
