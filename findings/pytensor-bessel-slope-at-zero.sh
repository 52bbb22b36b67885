#!/usr/bin/env bash
# PyTensor 3.0.7: iv(0, x) has the slope 1 and the curvature 3/2 at x = 0; iv(1, x) the curvature 1.
#
# Guess: 0 and 1/2, as its own i0(x) answers; 0. The functions are even and odd, and smooth at 0.
# Seen: 1 and 3/2; 1; right from 1e-6 on. jv is right at 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet pytensor==3.0.7 numpy==2.4.6 scipy==1.17.1
export PYTENSOR_FLAGS=cxx=,base_compiledir="$folder"
cat >program.py <<'PY'
import pytensor
import pytensor.tensor as pt

x = pt.dscalar("x")
for name, y in (("iv(0, x)", pt.iv(0.0, x)), ("i0(x)", pt.i0(x)), ("iv(1, x)", pt.iv(1.0, x)), ("jv(0, x)", pt.jv(0.0, x))):
    slope = pytensor.grad(y, x)
    outputs = [y, slope, pytensor.grad(slope, x)]
    program = pytensor.function([x], outputs, mode=pytensor.compile.mode.Mode("py", None))
    for at in (0.0, 1e-6):
        print(name, at, *(round(float(v), 4) + 0.0 for v in program(at)))
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
iv(0, x) 0.0 1.0 1.0 1.5
iv(0, x) 1e-06 1.0 0.0 0.5
i0(x) 0.0 1.0 0.0 0.5
i0(x) 1e-06 1.0 0.0 0.5
iv(1, x) 0.0 0.0 0.5 1.0
iv(1, x) 1e-06 0.0 0.5 0.0
jv(0, x) 0.0 1.0 0.0 -0.5
jv(0, x) 1e-06 1.0 0.0 -0.5
TXT
diff expected seen && echo "as seen before"
