#!/usr/bin/env bash
# OpenTURNS 1.27: the gradient of a SymbolicFunction is the exact formula with each constant rounded to six digits.
#
# Guess: exact to a few units in the last place; no difference quotient is taken, and none is announced.
# Seen: the slope of (x - 1234567)^2 at 1234568 is 6 for 2, that of sin(1234567 x) at 0.1 is 320599 for -46044, and erf'(0)
# is 1.12838 for 1.12837916709551. The values are right to all digits. The formula prints as (-2.46913e+06)+(2*x).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet openturns==1.27.post1 mpmath==1.3.0
cat >program.py <<'PY'
import mpmath
import openturns

mpmath.mp.dps = 50
for text, at, f in (
    ("(x-1234567)^2", 1234568.0, lambda x: (x - 1234567) ** 2),
    ("sin(1234567*x)", 0.1, lambda x: mpmath.sin(1234567 * x)),
    ("1.23456789*x", 1.0, lambda x: mpmath.mpf("1.23456789") * x),
    ("erf(x)", 0.0, mpmath.erf),
    ("log2(x)", 2.0, lambda x: mpmath.log(x) / mpmath.log(2)),
):
    asked = openturns.SymbolicFunction(["x"], [text])
    value = abs(asked([at])[0] - f(mpmath.mpf(at))) < 1e-9
    print(text, at, "value", bool(value), f"slope {asked.gradient([at])[0, 0]:.10g} for {float(mpmath.diff(f, at)):.10g}")
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
(x-1234567)^2 1234568.0 value True slope 6 for 2
sin(1234567*x) 0.1 value True slope 320598.7823 for -46044.15554
1.23456789*x 1.0 value True slope 1.23457 for 1.23456789
erf(x) 0.0 value True slope 1.12838 for 1.128379167
log2(x) 2.0 value True slope 0.72135 for 0.7213475204
TXT
diff expected seen && echo "as seen before"
