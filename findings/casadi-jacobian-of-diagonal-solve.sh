#!/usr/bin/env bash
# CasADi 3.8.2: the Jacobian of an MX through solve or inv of a diagonal (or 1 x 1) matrix is 0.
#
# Guess: d (1/x)/dx = -0.25 at 2, whichever of jacobian, gradient and jtimes is asked.
# Seen: jacobian is a structural 0; gradient, jtimes forward and reverse are right, as is jacobian of SX, of 1/x, and of solve
# with a full matrix. So a Newton step that is fed with it divides by 0 or stands still.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet casadi==3.8.2 numpy==2.4.6
cat >program.py <<'PY'
import casadi as ca

x = ca.MX.sym("x", 2)
full = ca.vertcat(ca.horzcat(x[0], 1), ca.horzcat(1, x[1]))
for name, y in {
    "inv(x)": ca.inv(x[0]),
    "1/x": 1 / x[0],
    "solve, diagonal": ca.solve(ca.diag(x), ca.DM([1, 2]))[0],
    "solve, full": ca.solve(full, ca.DM([1, 2]))[0],
}.items():
    answers = [ca.jacobian(y, x)[0], ca.gradient(y, x)[0], ca.jtimes(y, x, ca.DM([1, 0])), ca.jtimes(y, x, ca.DM([1]), True)[0]]
    print(name, *[round(float(v), 4) for v in ca.Function("f", [x], answers)([2.0, 5.0])])
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
inv(x) 0.0 -0.25 -0.25 -0.25
1/x -0.25 -0.25 -0.25 -0.25
solve, diagonal 0.0 -0.25 -0.25 -0.25
solve, full -0.1852 -0.1852 -0.1852 -0.1852
TXT
diff expected seen && echo "as seen before"
