#!/usr/bin/env bash
# SymPy 1.14.0: the derivatives of Max(x, y, z) where all are equal add up to 3/2, so it is not the slope of Max(x, x, x) = x.
#
# Guess: 1/3 each, or an expression left as it is.
# Seen: 1/2 each, of three as of two: Heaviside(0) = 1/2 is right for two operands alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet sympy==1.14.0
cat >program.py <<'PY'
import sympy

x, y, z = sympy.symbols("x y z", real=True)
for names in ((x, y), (x, y, z)):
    at = dict.fromkeys(names, 2)
    print([sympy.diff(sympy.Max(*names), name).subs(at) for name in names], sympy.Max(*names).subs(dict.fromkeys(names, x)))
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
[1/2, 1/2] x
[1/2, 1/2, 1/2] x
TXT
diff expected seen && echo "as seen before"
