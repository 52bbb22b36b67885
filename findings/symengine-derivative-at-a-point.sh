#!/usr/bin/env bash
# SymEngine 0.15.0: f'(y) with x^2 put in for y has the derivative 0 by x; f_x(x, y) with x for y becomes a total derivative.
#
# Guess: 2 x f''(x^2), as SymPy answers and as SymEngine itself answers for the derivative of f(x^2); f_x at (x, x).
# Seen: 0; and the derivative of f(x, x) by x, in which both arguments move. A Subs object written by hand has 0, too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet symengine==0.15.0 sympy==1.14.0
cat >program.py <<'PY'
import symengine
import sympy

for library in (symengine, sympy):
    x, y = library.symbols("x y")
    f = library.Function("f")
    print(library.__name__)
    print(" f'(x^2) by x:", f(y).diff(y).subs({y: x**2}).diff(x))
    print(" Subs by x:", library.Subs(f(y).diff(y), [y], [x**2]).diff(x))
    print(" f_x at y = x:", f(x, y).diff(x).subs({y: x}))
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
symengine
 f'(x^2) by x: 0
 Subs by x: 0
 f_x at y = x: Derivative(f(x, x), x)
sympy
 f'(x^2) by x: 2*x*Subs(Derivative(f(y), (y, 2)), y, x**2)
 Subs by x: 2*x*Subs(Derivative(f(y), (y, 2)), y, x**2)
 f_x at y = x: Subs(Derivative(f(x, y), x), y, x)
TXT
diff expected seen && echo "as seen before"
