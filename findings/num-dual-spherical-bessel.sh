#!/usr/bin/env bash
# num-dual 0.15.1: the spherical Bessel function j2 is -1 at 1e-9 (true 7e-20), and derivatives of j0, j1, j2 too.
#
# Guess: right at small x, since values and slopes at 0 itself are right: there must be a series.
# Seen: the series is used up to 2e-16 alone; from there on the quotients cancel: j0'' at 1e-9 is -256 for -1/3. And the series
# of j1 is a line: its third derivative at 0 is 0 for -1/5.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv v && v/bin/pip install --quiet num-dual==0.15.1 mpmath==1.3.0
cat >program.py <<'PY'
import mpmath
import num_dual

mpmath.mp.dps = 60
for at in (0.0, 1e-16, 1e-9):
    for n in (0, 1, 2):
        got = num_dual.third_derivative(lambda x: getattr(x, f"sph_j{n}")(), at)
        # j_n(x) = x^n/(2n+1)!! (1 - x^2/2/(2n+3) + x^4/8/(2n+3)/(2n+5) - ...)
        odd = mpmath.fac2(2 * n + 1)
        series = [mpmath.mpf(0)] * n + [1 / odd, 0, -1 / odd / 2 / (2 * n + 3), 0, 1 / odd / 8 / (2 * n + 3) / (2 * n + 5)]
        true = mpmath.taylor(lambda x: mpmath.polyval(series[::-1], x), at, 3)
        wrong = [f"order {k}: {g:.2g} for {float(t * mpmath.fac(k)):.2g}" for k, (g, t) in enumerate(zip(got, true)) if abs(g - t * mpmath.fac(k)) > 0.01]
        print(at, f"j{n}", *wrong)
PY
v/bin/python program.py >seen 2>/dev/null
cat >expected <<'TXT'
0.0 j0
0.0 j1 order 3: 0 for -0.2
0.0 j2
1e-16 j0
1e-16 j1 order 3: 0 for -0.2
1e-16 j2
1e-09 j0 order 2: -2.6e+02 for -0.33
1e-09 j1 order 1: 0 for 0.33 order 2: 2e+09 for -2e-10 order 3: -1e+19 for -0.2
1e-09 j2 order 0: -1 for 6.7e-20 order 2: 6e+18 for 0.13 order 3: -4.8e+28 for -1.1e-10
TXT
diff expected seen && echo "as seen before"
