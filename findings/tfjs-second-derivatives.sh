#!/usr/bin/env bash
# TensorFlow.js 4.22.0 (CPU): a gradient of a gradient loses what a rule reads from its own output.
#
# Guess: either right, as in TensorFlow for Python, or an error.
# Seen: (x exp(x))'' at 1 is 5.4366 (2e; right is 3e = 8.1548), (x tanh(x))'' is 0.8399 (right 0.2002), and one row of the
# Hessian of the sum of softmax(x)**2 is wrong in every entry, all without a word. Where nothing but the saved output is left
# (the second derivative of exp alone), it does raise. Operations whose rules read their input (pow, sqrt, div) are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 >/dev/null 2>&1
cat >program.js <<'JS'
const tf = require("@tensorflow/tfjs");
const second = (f) => {
  const first = tf.grad(f);
  return tf.grad((x) => first(x).mul([1, 0, 0]).sum());
};
tf.setBackend("cpu").then(() => {
  const x = tf.tensor([1, 2, 3]);
  const at = (name, f) => {
    try {
      console.log(name, Array.from(second(f)(x).dataSync()).map((v) => v.toFixed(4)).join(" "));
    } catch (error) {
      console.log(name, "raises");
    }
  };
  at("x exp(x)", (x) => x.exp().mul(x).sum());
  at("x tanh(x)", (x) => x.tanh().mul(x).sum());
  at("sum of softmax(x)^2", (x) => tf.softmax(x).square().sum());
  at("exp(x)", (x) => x.exp().sum());
  at("x sqrt(x)", (x) => x.sqrt().mul(x).sum());
});
JS
node program.js >seen 2>/dev/null
cat >expected <<'TXT'
x exp(x) 5.4366 0.0000 0.0000
x tanh(x) 0.8399 0.0000 0.0000
sum of softmax(x)^2 0.0216 0.0077 -0.0293
exp(x) raises
x sqrt(x) 0.7500 0.0000 0.0000
TXT
diff expected seen && echo "as seen before"
