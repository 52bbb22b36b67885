#!/usr/bin/env bash
# MyGrad 2.5.0: the slope of arcsin and arccos at 1 and -1 is 0; the limits are inf and -inf.
#
# Guess: inf and -inf, as NumPy's division answers, and as its sqrt, arccosh and arctanh do at their edges.
# Seen: 0, so a step of gradient descent stands still where the function is steepest.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet mygrad==2.5.0 numpy==2.4.6
cat >program.py <<'PY'
import mygrad as mg

for name, at in (("arcsin", 1.0), ("arcsin", -1.0), ("arccos", 1.0), ("arccosh", 1.0), ("arctanh", 1.0), ("sqrt", 0.0)):
    x = mg.tensor(at)
    getattr(mg, name)(x).backward()
    print(name, at, float(x.grad))
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
arcsin 1.0 0.0
arcsin -1.0 0.0
arccos 1.0 0.0
arccosh 1.0 inf
arctanh 1.0 inf
sqrt 0.0 inf
TXT
diff expected seen && echo "as seen before"
