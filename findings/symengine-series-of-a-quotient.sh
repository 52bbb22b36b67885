#!/usr/bin/env bash
# SymEngine 0.15.0: series() of a quotient whose denominator is 0 at the point has wrong coefficients below the order asked for.
#
# Guess: each coefficient that it writes is right; that is what the order is for.
# Seen: x/(e^x - 1), which has no pole and whose coefficients are Bernoulli's numbers, ends to order 5 in x^4/144 for -x^4/720,
# the sign, too; to order 7 x^4 is right and x^6 wrong. With a pole of order two, 1/sin(x)^2, the last two terms are wrong.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet symengine==0.15.0 sympy==1.14.0
cat >program.py <<'PY'
import symengine
import sympy

x = sympy.Symbol("x")
for text in ("x/(exp(x)-1)", "1/sin(x)**2", "1/cos(x)"):
    right = sympy.series(sympy.sympify(text), x, 0, 8).removeO()
    for order in (3, 5, 7):
        got = sympy.sympify(str(symengine.series(symengine.sympify(text), symengine.Symbol("x"), 0, order)))
        wrong = [(n, got.coeff(x, n), right.coeff(x, n)) for n in range(-3, order) if got.coeff(x, n) != right.coeff(x, n)]
        print(text, order, *(f"x^{n}: {a} for {b}" for n, a, b in wrong))
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
x/(exp(x)-1) 3 x^2: 1/4 for 1/12
x/(exp(x)-1) 5 x^4: 1/144 for -1/720
x/(exp(x)-1) 7 x^6: 1/4320 for 1/30240
1/sin(x)**2 3 x^0: 0 for 1/3 x^2: 0 for 1/15
1/sin(x)**2 5 x^2: 1/12 for 1/15 x^4: 1/108 for 2/189
1/sin(x)**2 7 x^4: 11/1080 for 2/189 x^6: 43/43200 for 1/675
1/cos(x) 3
1/cos(x) 5
1/cos(x) 7
TXT
diff expected seen && echo "as seen before"
