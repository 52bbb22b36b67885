// How a page reads answers and says what they are: as `Exercise.check` does in Python, and a test compares the two.
// `sheet` is what page.py made; of a page without a key only what cannot be read is said. Nothing is run as code.
// ASCII alone, as in stepper.js.

// Return by the places of the questions what is said of the answers that are given, texts by the same places.
function judge(sheet, given) {
  const names = [...sheet.questions.filter((each) => !each.choices.length).map((each) => each.name), ...sheet.givens.map(([name]) => name)];
  const said = {};
  const own = new Map(); // the numbers of the answers, by name
  const read = {};
  sheet.questions.forEach((question, place) => {
    if (given[place] === undefined) return;
    if (question.choices.length) return (said[place] = sheet.keyed ? turn(question, given[place], sheet) : noted());
    try {
      read[place] = readAnswer(given[place], names);
      if (!sheet.keyed) return (said[place] = noted());
      const known = numbers(sheet, own, question.name);
      const number = read[place].compute((name) => known.get(name));
      if (!Number.isFinite(number)) return (said[place] = remark("wrong", "The formula has no value at these numbers."));
      own.set(question.name, number);
    } catch (error) {
      said[place] = remark("unread", `This is not read: ${error.message}.`);
    }
  });
  sheet.questions.forEach((question, place) => {
    if (question.choices.length || !own.has(question.name)) return;
    said[place] = verdict(sheet, question, read[place], own, said);
  });
  return said;
}
const remark = (verdict, text, misconceptions = []) => ({ verdict, text, misconceptions });
const noted = () => remark("noted", "Noted.");

// Return all numbers by name: own ones, and what follows from them and from what is given by the rules.
function numbers(sheet, own, without) {
  const known = new Map(sheet.givens);
  for (const question of sheet.questions) {
    if (question.choices.length) continue;
    if (own.has(question.name) && question.name !== without) known.set(question.name, own.get(question.name));
    else known.set(question.name, ruled(question, question.rule, known));
  }
  return known;
}
function ruled(question, rule, known) {
  const [read, words] = [rules.get(rule) ?? readFormula(rule, Object.keys(question.uses)), question.uses];
  rules.set(rule, read);
  return read((word) => known.get(words[word]));
}
const rules = new Map(); // as they were read

function turn(question, name, sheet) {
  if (question.right.includes(name)) return remark("right", "Right.");
  const text = `${name} is an operand of a node that has not handed on, so its gradient is not complete.`;
  return remark("misconception", text, question.mistakes.map(([row]) => sheet.rows[row].name));
}
function verdict(sheet, question, answer, own, said) {
  const number = own.get(question.name);
  const known = numbers(sheet, own, question.name);
  const follows = known.get(question.name);
  const place = sheet.questions.indexOf(question);
  const slips = sheet.questions.slice(0, place).filter((_, i) => SLIPS.includes(said[i]?.verdict));
  if (matches(answer, number, question.answer)) return remark("right", "Right.");
  if (matches(answer, number, follows)) {
    if (!slips.length) return remark("right", "Right.");
    const near = slips.filter((each) => rests(sheet, question).has(each.name));
    const names = (near.length ? near : slips).map((each) => each.name);
    return remark("following", `Right, following from ${names.join(", ")}: look there again.`);
  }
  const rows = bent(sheet, question, answer, number, [question.answer, follows], known);
  const coarse = rounded(answer, number, question.answer) || rounded(answer, number, follows);
  if (coarse && !(rows.length && answer.digits < 2))
    return remark("rounded", `Rounded too far: at least ${MIN_DIGITS} digits are asked for.`);
  if (rows.length) return explained(rows);
  return remark("wrong", departs(sheet, question, said));
}
function explained([{ name, did, why, look }, ...others]) {
  const also = others.length ? ` It may also be: ${others.map((row) => row.name).join("; ")}.` : "";
  return remark("misconception", `${name}: ${did}. ${why} Look at ${look}.${also}`, [name, ...others.map((row) => row.name)]);
}
// Return the names of the questions that a question rests on, near and far.
function rests(sheet, question, found = new Set()) {
  for (const name of Object.values(question.uses)) {
    const other = sheet.questions.find((each) => each.name === name);
    if (!other || found.has(name)) continue;
    found.add(name);
    rests(sheet, other, found);
  }
  return found;
}
// Return where an answer that nothing explains departs from the right one.
function departs(sheet, question, said) {
  const places = Object.values(question.uses).map((name) => sheet.questions.findIndex((each) => each.name === name));
  const open = places.filter((place) => place >= 0 && !said[place]).map((place) => sheet.questions[place].name);
  if (open.length) return `Wrong: it departs here, or before, in ${open.join(", ")}, which has no answer.`;
  if (places.some((place) => place >= 0 && SLIPS.includes(said[place].verdict))) return "Wrong, also with the answers before it.";
  return "Wrong: it departs here.";
}
// Return the rows of the misconceptions that lead to an answer: following the answers before it, else from the start.
function bent(sheet, question, answer, number, right, known) {
  const alike = (x, y) => Math.abs(x - y) <= Math.max(1e-9 * Math.max(Math.abs(x), Math.abs(y)), 1e-12);
  const following = question.bent.map(([row, rule]) => [row, ruled(question, rule, known)]);
  const found = [...following, ...question.mistakes].filter(([, mistaken]) => {
    if (right.some((each) => alike(each, mistaken))) return false;
    return matches(answer, number, mistaken) || (answer.digits === 2 && rounded(answer, number, mistaken));
  });
  return [...new Set(found.map(([row]) => row))].map((row) => sheet.rows[row]);
}

// Return whether an answer is right to the digits that were given, and to three.
function matches(answer, number, right) {
  if (!Number.isFinite(number) || !Number.isFinite(right)) return false;
  const off = Math.abs(number - right);
  if (off <= 5e-4 * Math.abs(right) || off <= 1e-7) return true;
  if (number === Number(right.toPrecision(MIN_DIGITS)) || number === cutOff(right)) return true;
  const cut = Math.abs(number) < Math.abs(right); // digits that were cut off, not rounded
  return answer.digits >= MIN_DIGITS && off < answer.unit * (cut ? 1 : 0.5) * (1 + 1e-9);
}
// Return a number with all digits after the third cut off.
function cutOff(number) {
  const [digits, exponent] = number.toExponential(15).split("e");
  return Number(`${digits.slice(0, digits.indexOf(".") + MIN_DIGITS)}e${exponent}`);
}
// Return whether an answer is the right one with fewer than three digits.
function rounded(answer, number, right) {
  if (!(answer.digits > 0 && answer.digits < MIN_DIGITS) || number === 0) return false;
  return Math.abs(number - right) <= answer.unit * (0.5 + 1e-9);
}

// How answers are read.

const FUNCTIONS = {
  abs: Math.abs, acos: Math.acos, acosh: Math.acosh, asin: Math.asin, asinh: Math.asinh, atan: Math.atan, atan2: Math.atan2,
  atanh: Math.atanh, cbrt: Math.cbrt, cos: Math.cos, cosh: Math.cosh, exp: Math.exp, expm1: Math.expm1, hypot: Math.hypot,
  log: Math.log, log10: Math.log10, log1p: Math.log1p, log2: Math.log2, sign: Math.sign, sin: Math.sin, sinh: Math.sinh,
  sqrt: Math.sqrt, tan: Math.tan, tanh: Math.tanh, max: Math.max, min: Math.min, maximum: Math.max, minimum: Math.min,
  heaviside: (x, atZero = 0) => (x > 0 ? 1 : x < 0 ? 0 : atZero),
  relu: (x) => Math.max(x, 0),
  leaky_relu: (x, slope = 0.01) => (x > 0 ? x : slope * x),
  elu: (x, alpha = 1) => (x > 0 ? x : alpha * Math.expm1(x)),
  sech: (x) => 1 / Math.cosh(x),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  silu: (x) => x / (1 + Math.exp(-x)),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  erf, erfc: (x) => 1 - erf(x),
  gelu: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
  sum: (...xs) => xs.reduce((x, y) => x + y, 0),
  mean: (...xs) => xs.reduce((x, y) => x + y, 0) / xs.length,
  prod: (...xs) => xs.reduce((x, y) => x * y, 1),
};
const ALIASES = { ln: "log", sgn: "sign", arcsin: "asin", arccos: "acos", arctan: "atan", arctan2: "atan2" };
const CONSTANTS = { pi: Math.PI, e: Math.E };
const SLIPS = ["misconception", "wrong", "rounded"]; // verdicts on answers that others may follow from
const MIN_DIGITS = 3; // significant digits that are asked for
const MAX_CHARACTERS = 200; // of an answer
const MAX_LEVELS = 50; // parentheses inside one another
const SIGNS = { "\u2013": "-", "\u00d7": "*", "\u00b7": "*", "\u22c5": "*", "\u2217": "*", "\u00f7": "/", "\u00b2": "**2", "\u00b3": "**3", "^": "**" };
// Brackets of relations: 1 where it holds, else 0.
const BRACKET = /\[([^\][<>=!]+)(>=|<=|==|!=|>|<)([^\][<>=!]+)\]/g;
const RELATIONS = {
  ">": (x, y) => `heaviside((${x}) - (${y}))`,
  "<": (x, y) => `heaviside((${y}) - (${x}))`,
  ">=": (x, y) => `heaviside((${x}) - (${y}), 1)`,
  "<=": (x, y) => `heaviside((${y}) - (${x}), 1)`,
  "!=": (x, y) => `heaviside(abs((${x}) - (${y})))`,
  "==": (x, y) => `(1 - heaviside(abs((${x}) - (${y}))))`,
};

// Return erf(x) by its series, which is exact enough for comparing answers where it is not 1 anyway.
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let [sum, term] = [0, x];
  for (let n = 0; Math.abs(term) > 1e-17 * Math.abs(sum); n += 1) {
    sum += term / (2 * n + 1);
    term *= -(x * x) / (n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const DECIMAL = /^([+-]?)(\d+(?:[.,]\d*)?|[.,]\d+)(?:e([+-]?\d+))?$/i;

// Return what somebody answered: {compute, unit, digits}, see `Answer` in reading.py; or throw an Error that says why not.
//   compute: its number, from a function that answers those of its names.
//   unit: the worth of the last digit of a decimal number; 0 where nothing was rounded.
//   digits: how many significant digits it has; 0 of a formula.
function readAnswer(typed, names) {
  const text = typed.trim().replaceAll("\u2212", "-");
  if (!text) throw new Error("there is no answer yet");
  if (text.length > MAX_CHARACTERS) throw new Error(`an answer has at most ${MAX_CHARACTERS} characters`);
  const decimal = text.match(DECIMAL);
  if (decimal) {
    const number = Number(text.replace(",", "."));
    if (!Number.isFinite(number)) throw new Error("a finite number is asked for");
    const [whole, decimals] = decimal[2].split(/[.,]/);
    const significant = (whole + (decimals ?? "")).replace(/^0+/, "").length;
    const zeros = decimals === undefined ? whole.length - whole.replace(/0+$/, "").length : 0; // 400 may be 398 to one digit
    const unit = 10 ** (Number(decimal[3] ?? 0) - (decimals ?? "").length + zeros);
    return { compute: () => number, unit, digits: Math.max(significant - zeros, 1) };
  }
  if (/^[+-]?[\d.,]+$/.test(text)) throw new Error("only one point or comma is read, as the decimal mark");
  const written = text.replace(BRACKET, (_, x, relation, y) => RELATIONS[relation](x, y));
  const separated = written.includes("(") && written.includes(","); // then commas stand between the operands of a function
  return { compute: readFormula(separated ? written : written.replace(/(?<=\d),(?=\d)/g, "."), names), unit: 0, digits: 0 };
}

// Return a formula as a function of what answers the numbers of its names; or throw an Error that says what is wrong.
//   names: what may stand in it beside numbers, functions, + - * / ** ( ), pi and e.
function readFormula(text, names) {
  const tokens = words(text, names);
  let place = 0;
  let level = 0;
  const next = (sign) => tokens[place]?.kind === "sign" && tokens[place].word === sign;
  const take = (sign) => next(sign) && Boolean((place += 1));
  function sum() {
    let left = product();
    while (next("+") || next("-")) {
      const [x, plus] = [left, tokens[place++].word === "+"];
      const y = product();
      left = plus ? (at) => x(at) + y(at) : (at) => x(at) - y(at);
    }
    return left;
  }
  function product() {
    let left = signed();
    while (next("*") || next("/")) {
      const [x, times] = [left, tokens[place++].word === "*"];
      const y = signed();
      left = times ? (at) => x(at) * y(at) : (at) => x(at) / y(at);
    }
    return left;
  }
  function signed() {
    if (take("+")) return signed();
    if (!take("-")) return power();
    const x = signed();
    return (at) => -x(at);
  }
  function power() {
    const base = operand();
    if (!take("**")) return base;
    const exponent = signed(); // to the right first, and -2 needs no parentheses
    return (at) => base(at) ** exponent(at);
  }
  function inside(read) {
    if ((level += 1) > MAX_LEVELS) throw new Error("it is nested too deeply");
    const read_ = read();
    if (!take(")")) throw new Error("a ) is missing");
    level -= 1;
    return read_;
  }
  function operand() {
    if (take("(")) return inside(sum);
    const { kind, word } = tokens[place] ?? { kind: "end" };
    if (kind === "end") throw new Error("it ends too early");
    if (kind === "sign") throw new Error(`a number or a name is missing before ${word}`);
    place += 1;
    if (kind === "number") return () => Number(word);
    if (kind === "name") return (at) => at(word);
    const called = Object.hasOwn(ALIASES, word) ? ALIASES[word] : word;
    if (Object.hasOwn(FUNCTIONS, called)) {
      if (!take("(")) throw new Error(`${word} is a function: write ${word}(...)`);
      const operands = inside(() => {
        const found = [sum()];
        while (take(",")) found.push(sum());
        return found;
      });
      return (at) => FUNCTIONS[called](...operands.map((each) => each(at)));
    }
    if (Object.hasOwn(CONSTANTS, word)) return () => CONSTANTS[word];
    throw new Error(`${word} is no name on this sheet`);
  }
  const formula = sum();
  if (place < tokens.length) {
    const { kind, word } = tokens[place];
    throw new Error(kind === "sign" && word !== "(" ? `${word} has no meaning there` : `write * for a product, before ${word}`);
  }
  return formula;
}

// Return the words of a formula: names on the sheet first, whatever is in them, then numbers, other words and signs.
function words(text, names) {
  let rest = text.trim();
  const known = [...names].sort((x, y) => y.length - x.length);
  const found = [];
  while (rest) {
    const name = known.find((each) => rest.startsWith(each) && !/^[\p{L}\p{Nd}_]/u.test(rest.slice(each.length)));
    const match = name ? null : rest.match(/^(?:((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)|([\p{L}_][\p{L}\p{Nd}_]*)|(\*\*|.)|\s+)/isu);
    const word = name ?? match[0];
    rest = rest.slice(word.length);
    const sign = SIGNS[word] ?? word;
    if (name) found.push({ kind: "name", word });
    else if (match[1]) found.push({ kind: "number", word });
    else if (match[2]) found.push({ kind: "word", word });
    else if (/^(\*\*|[-+*/(),])$/.test(sign)) found.push({ kind: "sign", word: sign });
    else if (/^\*\*\d$/.test(sign)) found.push({ kind: "sign", word: "**" }, { kind: "number", word: sign[2] });
    else if (word.trim()) throw new Error(`${word} has no meaning here`);
  }
  return found;
}
