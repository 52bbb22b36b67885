#!/usr/bin/env bash
# SymPy 1.14.0 with mpmath 1.3.0: erfc(-x) is turned into 2 - erfc(x) as it is written down, so a lambdified tail is 0.
#
# Guess: erfc(-x/sqrt(2))/2, the normal distribution's integral as one writes it to keep its lower tail, keeps it: at -20
# it is 2.75e-89, in floats and in 40 digits alike.
# Seen: 0 from lambdify with math and with mpmath at 40 digits. evalf takes more digits by itself and is right; so is the
# slope, which is no difference, and the upper tail, erfc(x/sqrt(2))/2 at 20.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet sympy==1.14.0 mpmath==1.3.0
cat >program.py <<'PY'
import math

import mpmath
import sympy

x = sympy.Symbol("x", real=True)
lower, upper = sympy.erfc(-x / sympy.sqrt(2)) / 2, sympy.erfc(x / sympy.sqrt(2)) / 2
print(lower, "|", upper)
print("truth", mpmath.nstr(mpmath.ncdf(-20), 6))
with mpmath.workdps(40):
    for name, formula, at in (("lower", lower, -20), ("upper", upper, 20), ("slope", sympy.diff(lower, x), -20)):
        floats, digits = (sympy.lambdify(x, formula, modules) for modules in ("math", "mpmath"))
        print(name, f"{floats(float(at)):.5g}", mpmath.nstr(digits(mpmath.mpf(at)), 6), sympy.N(formula.subs(x, at), 6))
PY
v/bin/python program.py >seen
cat >expected <<'TXT'
1 - erfc(sqrt(2)*x/2)/2 | erfc(sqrt(2)*x/2)/2
truth 2.75362e-89
lower 0 0.0 2.75362e-89
upper 2.7536e-89 2.75362e-89 2.75362e-89
slope 5.5209e-88 5.52095e-88 5.52095e-88
TXT
diff expected seen && echo "as seen before"
