#!/usr/bin/env bash
# nerdamer 1.1.13: second arguments are not differentiated, nor do they count.
#
# Guess: d log(x, 2)/dx = 1/(x log 2) and d atan2(2, x)/dx = -2/(4 + x**2), or an error.
# Seen: the logarithm to the base 2 has the derivative 1/x (0.25 at 4; right is 0.3607), and atan2 by its second argument 0
# (right is -0.4 at 1); by its first it is right, and so are the values themselves.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund nerdamer@1.1.13 >/dev/null 2>&1
cat >program.js <<'JS'
const nerdamer = require("nerdamer/all");
const at = (text, x) => Number(nerdamer(text).evaluate({ x }).text("decimals"));
for (const [text, x] of [["log(x,2)", 4], ["atan2(2,x)", 1], ["atan2(x,2)", 1]]) {
  const quotient = (at(text, x + 1e-5) - at(text, x - 1e-5)) / 2e-5;
  console.log(text, nerdamer(`diff(${text},x)`).text(), at(`diff(${text},x)`, x).toFixed(4), quotient.toFixed(4));
}
JS
node program.js >seen 2>/dev/null
cat >expected <<'TXT'
log(x,2) x^(-1) 0.2500 0.3607
atan2(2,x) 0 0.0000 -0.4000
atan2(x,2) 2*(4+x^2)^(-1) 0.4000 0.4000
TXT
diff expected seen && echo "as seen before"
