#!/usr/bin/env bash
# PyTorch 2.13.0: forward mode answers that the determinant of a singular matrix has the derivative 0; reverse mode is right.
#
# Guess: both modes answer the adjugate, as they do when the same polynomial is written out in * and -.
# Seen: jacrev 4 -2 -2 1 at ((1, 2), (2, 4)), jacfwd 0 0 0 0, without a word. Of a matrix that is not singular both agree.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet torch==2.13.0 numpy==2.4.6
cat >program.py <<'PY'
import torch
from torch.func import jacfwd, jacrev

torch.set_default_dtype(torch.float64)


def written_out(m):
    return m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0]


for name, rows in (("singular", [[1.0, 2.0], [2.0, 4.0]]), ("regular", [[1.0, 2.0], [2.0, 5.0]])):
    matrix = torch.tensor(rows)
    for det in (torch.linalg.det, written_out):
        for mode in (jacrev, jacfwd):
            slopes = [round(slope, 9) + 0.0 for slope in mode(det)(matrix).flatten().tolist()]
            print(name, getattr(det, "__name__", "det").removeprefix("linalg_"), mode.__name__, *slopes)
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
singular det jacrev 4.0 -2.0 -2.0 1.0
singular det jacfwd 0.0 0.0 0.0 0.0
singular written_out jacrev 4.0 -2.0 -2.0 1.0
singular written_out jacfwd 4.0 -2.0 -2.0 1.0
regular det jacrev 5.0 -2.0 -2.0 1.0
regular det jacfwd 5.0 -2.0 -2.0 1.0
regular written_out jacrev 5.0 -2.0 -2.0 1.0
regular written_out jacfwd 5.0 -2.0 -2.0 1.0
TXT
diff expected seen && echo "as seen before"
