#!/usr/bin/env bash
# PyTorch 2.13.0: at a kink or a tie, forward and reverse mode of one function take different sides.
#
# Guess: an engine has one convention for each function, whichever mode asks.
# Seen: fmax(1, 1) is 1 0 in reverse and 0 1 forward; prelu at 0 with the weight 1/4 is 1/4 and 1; atan2(0, 0) is 0 0 and
# nan nan. maximum, relu, leaky_relu and abs have one answer for both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet torch==2.13.0 numpy==2.4.6
cat >program.py <<'PY'
import torch
from torch.func import jacfwd, jacrev

torch.set_default_dtype(torch.float64)
f = torch.nn.functional
QUESTIONS = {
    "fmax": (lambda v: torch.fmax(v[0], v[1]), [1.0, 1.0]),
    "prelu": (lambda v: f.prelu(v, torch.tensor([0.25])), [0.0]),
    "atan2": (lambda v: torch.atan2(v[0], v[1]), [0.0, 0.0]),
    "maximum": (lambda v: torch.maximum(v[0], v[1]), [1.0, 1.0]),
    "relu": (torch.relu, [0.0]),
    "leaky_relu": (lambda v: f.leaky_relu(v, 0.25), [0.0]),
    "abs": (torch.abs, [0.0]),
}
for name, (function, at) in QUESTIONS.items():
    print(name, *[mode(function)(torch.tensor(at)).flatten().tolist() for mode in (jacrev, jacfwd)])
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
fmax [1.0, 0.0] [0.0, 1.0]
prelu [0.25] [1.0]
atan2 [0.0, 0.0] [nan, nan]
maximum [0.5, 0.5] [0.5, 0.5]
relu [0.0] [0.0]
leaky_relu [0.25] [0.25]
abs [0.0] [0.0]
TXT
diff expected seen && echo "as seen before"
