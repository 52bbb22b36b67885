// The engines in JavaScript, as engines.py has those in Python: `node engines.js tfjs` reads rows and writes answers.
// Expressions are read by math.js; TensorFlow.js is handed each of their parts.
const math = require("mathjs");

const inPlace = { Infinity, NaN };
const parse = (expression) => math.parse(expression.replaceAll("**", "^"));
const shown = (number) => {
  if (typeof number !== "number") return String(number);
  if (!Number.isFinite(number)) return String(number).replace("Infinity", "inf").replace("NaN", "nan");
  if (number === 0) return "0";
  const size = Math.abs(number);
  const text = size < 1e-4 || size >= 1e4 ? number.toExponential(3) : number.toPrecision(4);
  const [digits, power] = text.split("e");
  const short = digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
  return power === undefined ? short : `${short}e${power[0]}${power.slice(1).padStart(2, "0")}`;
};

function tfjs() {
  const tf = require("@tensorflow/tfjs");
  const of = (f) => (...xs) => f(tf.stack(xs));
  const own = {
    "+": tf.add, "-": tf.sub, "*": tf.mul, "/": tf.div, "^": tf.pow, ">": tf.greater, unaryMinus: tf.neg,
    clip: (x, low, high) => tf.clipByValue(x, low.arraySync(), high.arraySync()),
    leaky_relu: (x, slope) => tf.leakyRelu(x, slope.arraySync()), max: of(tf.max), min: of(tf.min), prod: of(tf.prod),
    cumprod: of((v) => tf.cumprod(v).slice([2], [1]).sum()), logsumexp: of(tf.logSumExp), norm: of(tf.norm),
    norm_1: of((v) => tf.norm(v, 1)), norm_inf: of((v) => tf.norm(v, Infinity)),
    softmax_first: of((v) => tf.softmax(v).slice([0], [1]).sum()), var: of((v) => tf.moments(v).variance),
  };
  const derivatives = (f, xs, order) => {
    const gradient = (ys) => tf.grads((...zs) => f(...zs))(ys);
    if (order === 1) return gradient(xs);
    return xs.flatMap((_, i) => derivatives((...ys) => gradient(ys)[i], xs, order - 1));
  };
  const answer = (expression, at, order) => {
    const value = (node, names) => {
      if (node.isParenthesisNode) return value(node.content, names);
      if (node.isConstantNode) return tf.scalar(node.value);
      if (node.isSymbolNode) return names[node.name];
      const name = node.isOperatorNode && node.fn !== "unaryMinus" ? node.op : node.fn.name ?? node.fn;
      const f = own[name] ?? tf[name];
      if (f === undefined) throw { missing: name };
      return f(...node.args.map((argument) => value(argument, names)));
    };
    const f = (...xs) => value(parse(expression), Object.fromEntries(xs.map((x, i) => ["xyz"[i], x])));
    return derivatives(f, at.map((x) => tf.scalar(x)), order).map((slope) => shown(slope.dataSync()[0]));
  };
  return { answer, version: tf.version.tfjs, ready: tf.setBackend("cpu") };
}

function mathjs() {
  const answer = (expression, at, order) => {
    const scope = Object.fromEntries(at.map((x, i) => ["xyz"[i], x]));
    parse(expression).traverse((node) => {
      if (node.isFunctionNode && !(node.fn.name in math)) throw { missing: node.fn.name };
    });
    const derivatives = (node, rest) =>
      rest === 0 ? [node] : Object.keys(scope).flatMap((name) => derivatives(math.derivative(node, name), rest - 1));
    return derivatives(parse(expression), order).map((slope) => shown(slope.evaluate(scope)));
  };
  return { answer, version: math.version };
}

const engine = { tfjs, mathjs }[process.argv[2]]();
const one = ([expression, at, order]) => {
  try {
    return engine.answer(expression, at.map((x) => inPlace[x] ?? (x === "-Infinity" ? -Infinity : x)), order).join(" ");
  } catch (error) {
    return error.missing ? `- it has no ${error.missing}` : `! ${error.name}`;
  }
};
Promise.resolve(engine.ready).then(() => {
  const rows = JSON.parse(require("fs").readFileSync(0, "utf8").replace(/(-?Infinity|NaN)/g, '"$1"'));
  console.log(JSON.stringify({ version: engine.version, answers: rows.map(one) }));
});
