// What is told of a step beside its drawing: a title, tables, and whose numbers differ. It knows no drawing.
// ASCII alone, as in stepper.js.

const MOST = 40; // rows of a table; of more it is said how many

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
function code(text) {
  return make("code", {}, text);
}
function button(text, action, attributes = {}) {
  const made = make("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", action);
  return made;
}

// Return the elements in which a story is told, and `tell`, which tells a step in them.
//   story, moments: see frames.py and stepper.js.
//   goTo, open: what leads to the step in which a count of moments is made, and into a box that is folded.
function teller(story, moments, goTo, open) {
  const { whole, parts } = story.written; // the formulas, and what the names v1, v2 ... in the drawing stand for
  const formulas = make("details", { class: "formulas" }, make("summary", {}, code(whole.at(-1) ?? story.root)));
  formulas.open = whole.length + parts.length <= 8;
  formulas.append(...[...whole.slice(0, -1), ...parts].map((text) => make("p", {}, code(text))));
  const legend = make("p", { class: "legend", "aria-hidden": "true" });
  const beside = make("div", { class: "beside" }); // numbers of somebody else, if there are any
  const title = make("h2");
  const work = make("div", { class: "work" });
  const ledger = make("div", { class: "ledger" });
  const told = make("div", { class: "told", "aria-live": "polite", "aria-atomic": "true" }, title, work);
  const panel = make("div", { class: "panel" }, told, ledger);

  // now: the moments of the step; made: how many were made in all; soFar: the gradients, by node;
  // box: what is folded, and `inside` says of a node whether it is in it; node: whose ledger is wanted.
  function tell({ phase, now, made, soFar, box, inside, edges, node }) {
    explain(phase);
    compare(made);
    if (!now.length) begin();
    else if (box) passing(box, inside, now, soFar);
    else if (now[0].forward) computing(now[0]);
    else handingOn(now, edges);
    if (node === null) ledger.replaceChildren();
    else balance(node, made);
  }
  const equation = (parts) => parts.join(" = ");
  const by = (node) => `d${story.root}/d${story.nodes[node].name}`;
  function explain(phase) {
    const way = phase === "backward";
    const marks = [["here", way ? "hands on its gradient" : "computed in this step"]];
    marks.push(["there", way ? "receivers" : "operands"]);
    if (!way) marks.push(["todo", "not computed yet"]);
    if (story.beside) marks.push(["wrong", `another number: ${story.beside.name}`]);
    legend.replaceChildren(...marks.map(([mark, text]) => make("span", {}, make("i", { class: mark }), text)));
  }
  function head(phase, ...rest) {
    title.replaceChildren(make("span", { class: "phase" }, `${phase}: `), ...rest);
  }
  function begin() {
    title.replaceChildren("Start");
    const known = story.nodes.filter((node) => !node.parents.length && node.name !== node.value);
    work.replaceChildren(...known.slice(0, MOST).map((node) => make("p", {}, code(`${node.name} = ${node.value}`))));
    if (known.length > MOST) work.append(make("p", {}, `... and ${known.length - MOST} more`));
  }
  function computing({ node, work: texts, other }) {
    head("Forward", "compute ", code(story.nodes[node].name));
    work.replaceChildren(make("p", {}, code(equation([story.nodes[node].name, ...texts]))));
    if (other) work.append(make("p", { class: other.mark }, `${story.beside.name}: `, code(theirs(other).text)));
  }
  function handingOn(now, edges) {
    const { node, step } = now[0];
    const name = story.nodes[node].name;
    const why = step === story.backward[0] ? " by definition" : "";
    const to = edges ? [" to ", code(story.nodes[now[0].to].name)] : [];
    head("Backward", code(name), " hands on ", code(`${by(node)} = ${step.incoming}`), why, ...to);
    const rows = now.map((given) => {
      const receiver = story.nodes[given.to].name;
      const local = equation([`\u2202${name}/\u2202${receiver}`, ...given.rule]);
      return [receiver, local, given.product, `${by(given.to)} = ${given.sum}`, ...(story.beside ? [theirs(given.other)] : [])];
    });
    const heads = ["to", "local derivative", "incoming \u00d7 local", "gradient so far"];
    if (story.beside) heads.push(story.beside.name);
    if (!edges) work.replaceChildren(table(heads, rows));
    else work.replaceChildren(lines(heads.slice(1).map((text, i) => [text, rows[0][i + 1]])));
    if (step.other) work.append(make("p", { class: step.other.mark }, `${story.beside.name}: `, code(theirs(step.other).text)));
  }
  // What somebody else has in the place of a number, and where the first one departs.
  function theirs(other) {
    return { mark: other?.mark ?? "", text: (other?.mark === "departs" ? "first departs: " : "") + (other?.text ?? "") };
  }
  function compare(made) {
    if (!story.beside) return;
    const { name, words, departs, moment } = story.beside;
    const [did, ...why] = words;
    const there = button("Go there", () => goTo(moment + 1));
    beside.replaceChildren(
      make("p", {}, make("strong", {}, `Beside: ${name}`), did ? `, ${did}.` : "."),
      make("p", {}, `${departs}. `, ...(moment === undefined ? [] : [there])),
      ...(made > moment ? why.map((text) => make("p", {}, text)) : []),
    );
  }
  // What a folded box computes, or hands on: for others alone, if it can be opened.
  function passing(box, inside, now, soFar) {
    const opens = box.opens !== undefined;
    const shown = (node) => !opens || !inside(node);
    if (now[0].forward) {
      head("Forward", "compute ", code(box.name));
      const used = new Set(story.nodes.flatMap((node, i) => (shown(i) ? node.parents : [])).concat(story.rootNode));
      const made = new Map(now.map((moment) => [moment.node, moment.work]));
      const rows = [...used].filter((node) => made.has(node));
      some(["computed", "value"], rows.map((node) => [story.nodes[node].name, equation(made.get(node))]));
    } else {
      head("Backward", code(box.name), " hands on its gradients");
      const rows = [...new Set(now.map((moment) => moment.to))].filter(shown);
      some(["to", "gradient so far"], rows.map((node) => [story.nodes[node].name, `${by(node)} = ${soFar.get(node)}`]));
      if (opens) work.append(make("p", {}, "and to its own parameters, ", code(box.gradient)));
    }
    if (opens) work.append(button(`Open ${box.name}`, open));
  }
  function some(heads, rows) {
    work.replaceChildren(table(heads, rows.slice(0, MOST)));
    if (rows.length > MOST) work.append(make("p", {}, `... and ${rows.length - MOST} more`));
  }
  function table(heads, rows) {
    const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
    const cell = (text, place) => make("td", { "data-head": heads[place], class: text.mark ?? "" }, code(text.text ?? text));
    const body = rows.map((row) => make("tr", {}, ...row.map(cell)));
    return make("table", {}, make("thead", {}, head), make("tbody", {}, ...body));
  }
  function lines(rows) {
    const line = ([text, value]) => make("tr", {}, make("th", { scope: "row" }, text), make("td", { class: value.mark ?? "" }, code(value.text ?? value)));
    return make("table", { class: "lines" }, make("tbody", {}, ...rows.map(line)));
  }
  // Every contribution to the gradient of a node so far.
  function balance(node, made) {
    const given = moments.flatMap((moment, index) => (moment.to === node ? [[moment, index < made]] : []));
    const entries = given.filter(([, done]) => done).map(([moment]) => moment);
    const all = given.length;
    const state = entries.length < all ? `${entries.length} of ${all} contributions so far` : "complete";
    ledger.replaceChildren(make("h3", {}, "Gradient of ", code(story.nodes[node].name), `: ${all ? state : "1 by definition"}`));
    const rows = entries.map((moment) => [story.nodes[moment.node].name, moment.product, moment.after]);
    if (rows.length) ledger.append(table(["from", "contribution", "sum"], rows));
  }
  return { formulas, legend, beside, panel, tell };
}
