#!/usr/bin/env bash
# math.js 15.2.0: cbrt and nthRoot are real for a negative x, their derivatives are complex there.
#
# Guess: 1/(3 cbrt(x)**2) = 1/12 at -8, as the value is the real root, -2.
# Seen: the rule is written x**(-2/3)/3, and that power takes the principal root: -0.0417 - 0.0722i at -8.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund mathjs@15.2.0 >/dev/null 2>&1
cat >program.js <<'JS'
const math = require("mathjs");
for (const text of ["cbrt(x)", "nthRoot(x, 3)"]) {
  const slope = math.derivative(text, "x");
  console.log(text, math.evaluate(text, { x: -8 }), slope.toString(), math.format(slope.evaluate({ x: -8 }), 3));
}
JS
node program.js >seen 2>/dev/null
cat >expected <<'TXT'
cbrt(x) -2 x ^ (-2 / 3) / 3 -0.0417 - 0.0722i
nthRoot(x, 3) -2 x ^ (-2 / 3) / 3 -0.0417 - 0.0722i
TXT
diff expected seen && echo "as seen before"
