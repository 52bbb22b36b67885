#!/usr/bin/env bash
# Algebrite 1.4.0: log(x^2) becomes 2 log(x) when it is written, and is complex at a negative x; log((x+1)^2) stays and is right.
#
# Guess: log(9) at -3, since sqrt(x^2) is |x| there: the library knows that x may be negative.
# Seen: 2.197225 + 6.283185 i; log(x^4) and log(5 x^2) likewise. With the number in its place from the start it is log(9).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund algebrite@1.4.0 >/dev/null 2>&1
cat >program.js <<'JS'
const algebrite = require("algebrite");

for (const text of ["log(x^2)", "log(x^4)", "log(5*x^2)", "log((x+1)^2)", "sqrt(x^2)"]) {
  console.log(text, "is", algebrite.run(text), "and at -3", algebrite.run(`float(subst(-3,x,${text}))`));
}
console.log("log((-3)^2)", algebrite.run("float(log((-3)^2))"));
JS
node program.js >seen
cat >expected <<'TXT'
log(x^2) is 2*log(x) and at -3 2.197225...+6.283185...*i
log(x^4) is 4*log(x) and at -3 4.394449...+12.566371...*i
log(5*x^2) is log(5)+2*log(x) and at -3 3.806662...+6.283185...*i
log((x+1)^2) is log(x^2+2*x+1) and at -3 1.386294...
sqrt(x^2) is abs(x) and at -3 3.0
log((-3)^2) 2.197225...
TXT
diff expected seen && echo "as seen before"
