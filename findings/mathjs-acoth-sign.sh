#!/usr/bin/env bash
# math.js 15.2.0: the derivative of acoth has the wrong sign at every real x.
#
# Guess: 1/(1 - x**2), as its own value says (acoth(x) = atanh(1/x) falls for x > 1), and as it has it for atanh.
# Seen: 0.641 at 1.6, where the difference quotient of its own acoth is -0.641; atanh and acot are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund mathjs@15.2.0 >/dev/null 2>&1
cat >program.js <<'JS'
const math = require("mathjs");
for (const [name, x] of [["acoth", 1.6], ["acoth", -1.7], ["atanh", 0.4], ["acot", 0.4]]) {
  const f = (y) => math.evaluate(`${name}(x)`, { x: y });
  const slope = math.derivative(`${name}(x)`, "x").evaluate({ x });
  console.log(name, x, slope.toFixed(4), ((f(x + 1e-6) - f(x - 1e-6)) / 2e-6).toFixed(4));
}
JS
node program.js >seen 2>/dev/null
cat >expected <<'TXT'
acoth 1.6 0.6410 -0.6410
acoth -1.7 0.5291 -0.5291
atanh 0.4 1.1905 1.1905
acot 0.4 -0.8621 -0.8621
TXT
diff expected seen && echo "as seen before"
