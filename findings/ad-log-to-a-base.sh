#!/usr/bin/env bash
# ad 1.5.1: log(x, base) has slope 0 by its base, in the first and second order, though the value is right.
#
# Guess: -log(x)/(base log(base)^2), -0.7213 for log(8, base 2), since the base is a number with derivatives, too.
# Seen: 0, where log(x)/log(base) answers -2.164; the slope by x is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet ad==1.5.1
cat >program.py <<'PY'
from ad import adnumber
from ad.admath import log

x, base = adnumber(8.0), adnumber(2.0)
for f in (log(x, base), log(x) / log(base)):
    print(round(f.x, 4), *(round(d, 4) for d in (f.d(x), f.d(base), f.d2c(x, base), f.d2(base))))
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
3.0 0.1803 0.0 0.0 0.0
3.0 0.1803 -2.164 -0.1301 4.2041
TXT
diff expected seen && echo "as seen before"
