#!/usr/bin/env bash
# PyTensor 3.0.7: the slope of gammaincc by its first argument is wrong from about 10 on, without bound; gammainc's is right.
#
# Guess: the negative slope of gammainc, since the two add up to 1.
# Seen: at (30, 29) 2.6e6 for 0.073, at (100, 50) 2.2e15 for 2.3e-10; at (2, 3) it has five right digits.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet pytensor==3.0.7 numpy==2.4.6 scipy==1.17.1 mpmath==1.3.0
export PYTENSOR_FLAGS=cxx=,base_compiledir="$folder"
cat >program.py <<'PY'
import mpmath
import pytensor
import pytensor.tensor as pt

k, x = pt.dscalars("k", "x")
slopes = [pytensor.grad(f(k, x), k) for f in (pt.gammainc, pt.gammaincc)]
program = pytensor.function([k, x], slopes, mode=pytensor.compile.mode.Mode("py", None))
mpmath.mp.dps = 40
for at in ((2.0, 3.0), (10.0, 8.0), (20.0, 19.0), (30.0, 29.0), (100.0, 50.0)):
    true = mpmath.diff(lambda k, x=at[1]: mpmath.gammainc(k, x, regularized=True), at[0], h=mpmath.mpf("1e-12"))
    print(at, *(f"{float(s):.4g}" for s in program(*at)), "for", f"{float(true):.4g}")
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
(2.0, 3.0) -0.1974 0.1974 for 0.1974
(10.0, 8.0) -0.1126 0.1113 for 0.1126
(20.0, 19.0) -0.08955 -206.2 for 0.08955
(30.0, 29.0) -0.07303 2.642e+06 for 0.07303
(100.0, 50.0) -2.264e-10 2.202e+15 for 2.264e-10
TXT
diff expected seen && echo "as seen before"
