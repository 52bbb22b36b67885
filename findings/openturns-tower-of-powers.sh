#!/usr/bin/env bash
# OpenTURNS 1.27: a tower of powers is read from the right for its value and from the left for its gradient and Hessian.
#
# Guess: one reading for all three, whichever it is.
# Seen: x^2^3 at 2 is 256 = x^8, but its slope 192 and curvature 480 are those of x^6; 2^-x^2 likewise. With parentheses all
# is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet openturns==1.27.post1
cat >program.py <<'PY'
import openturns

for text, at in (("x^2^3", 2.0), ("x^(2^3)", 2.0), ("(x^2)^3", 2.0), ("2^-x^2", 1.5), ("2^(-(x^2))", 1.5), ("(2^(-x))^2", 1.5)):
    f = openturns.SymbolicFunction(["x"], [text])
    print(text, at, f"{f([at])[0]:.5g} {f.gradient([at])[0, 0]:.5g} {f.hessian([at])[0, 0, 0]:.5g}")
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
x^2^3 2.0 256 192 480
x^(2^3) 2.0 256 1024 3584
(x^2)^3 2.0 64 192 480
2^-x^2 1.5 0.21022 -0.17329 0.24023
2^(-(x^2)) 1.5 0.21022 -0.43715 0.61759
(2^(-x))^2 1.5 0.125 -0.17329 0.24023
TXT
diff expected seen && echo "as seen before"
