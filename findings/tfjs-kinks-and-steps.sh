#!/usr/bin/env bash
# TensorFlow.js 4.22.0 (CPU) answers other slopes at kinks and steps than TensorFlow for Python (2.21.0: 0, halves, no slope).
#
# Guess: the same rules as in Python.
# Seen: abs'(0) is -1, while relu'(0) is 0; the maximum of (2, 2) hands the whole gradient to each of the equal entries
# (1 1: they sum to 2, not 1); floorDiv, a step function, has the slopes of a true division (1/3 and -7/9 at 7 and 3).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 >/dev/null 2>&1
cat >program.js <<'JS'
const tf = require("@tensorflow/tfjs");
tf.setBackend("cpu").then(() => {
  const show = (name, ...slopes) =>
    console.log(name, slopes.map((t) => Array.from(t.dataSync()).map((v) => v.toFixed(4)).join(" ")).join(" | "));
  show("abs'(0)", tf.grad((x) => x.abs().sum())(tf.tensor([0])));
  show("relu'(0)", tf.grad((x) => x.relu().sum())(tf.tensor([0])));
  show("max of two equal", tf.grad((x) => x.max())(tf.tensor([2, 2])));
  show("floorDiv(7, 3)", ...tf.grads((x, y) => tf.floorDiv(x, y))([tf.scalar(7), tf.scalar(3)]));
});
JS
node program.js >seen 2>/dev/null
cat >expected <<'TXT'
abs'(0) -1.0000
relu'(0) 0.0000
max of two equal 1.0000 1.0000
floorDiv(7, 3) 0.3333 | -0.7778
TXT
diff expected seen && echo "as seen before"
