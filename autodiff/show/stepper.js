// The stepper: a drawing, and the steps of a gradient one by one. No network, no library, no random names.
// ASCII alone, so that a page is the same bytes in every encoding, and the hash of its script holds.

// Put a stepper into `element`.
//   svg: the drawing as text, whose groups have the ids that `story` speaks of.
//   story: {root, nodes, forward, backward}, see page.py; every text in it is written as text, never as markup.
// Returns what acts on a keyboard event, for a page whose keys all mean the stepper.
function mount(element, svg, story, css) {
  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  const steps = [...story.forward, ...story.backward];
  const last = steps.length;
  let position = 0; // how many steps were made
  let selected = null; // the node whose ledger is shown; without one, that of the step
  let timer = null;

  // The parts.
  const button = (text, action) => {
    const made = make("button", { type: "button" }, text);
    made.addEventListener("click", action);
    return made;
  };
  const first = button("First", () => go(0));
  const back = button("Back", () => go(position - 1));
  const play = button("Play", () => (timer ? pause() : start()));
  const next = button("Next", () => go(position + 1));
  const end = button("Last", () => go(last));
  const slider = make("input", { type: "range", min: 0, max: last, step: 1, "aria-label": "Step" });
  slider.addEventListener("input", () => go(Number(slider.value)));
  const count = make("output", { class: "count" });
  const bar = make("div", { class: "bar", role: "group", "aria-label": "Steps" });
  bar.append(make("span", { class: "buttons" }, first, back, play, next, end), slider, count);
  const drawing = document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true);
  drawing.removeAttribute("role"); // its nodes are buttons
  drawing.style.setProperty("--natural", `${drawing.width.baseVal.value}px`);
  const canvas = make("div", { class: "canvas" }, drawing);
  const legend = make("p", { class: "legend" });
  legend.append(make("i", { class: "here" }), "this step", make("i", { class: "there" }), "its operands");
  legend.append(make("i"), "not computed yet");
  const title = make("h2");
  const work = make("div", { class: "work" });
  const told = make("div", { class: "told", "aria-live": "polite" }, title, work);
  const ledger = make("div", { class: "ledger" });
  const panel = make("div", { class: "panel" }, told, ledger);
  const name = `Steps of the gradient of ${story.root}`;
  const frame = make("section", { class: "stepper", "aria-label": name }, bar, canvas, legend, panel);
  const shadow = element.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  shadow.adoptedStyleSheets = [sheet];
  shadow.append(frame);

  // The drawing.
  const groups = new Map([...drawing.querySelectorAll("g[id]")].map((group) => [group.id, group]));
  const boxes = story.nodes.map((node) => groups.get(node.id));
  const gradients = boxes.map((box) => box.querySelector("text.gradient"));
  const numbers = boxes.map((box) => box.querySelector("text.data"));
  const arrows = story.nodes.map((node) => node.arrows.map((id) => groups.get(id)));
  boxes.forEach((box, index) => {
    box.setAttribute("tabindex", "0");
    box.setAttribute("role", "button");
    box.setAttribute("aria-label", `${story.nodes[index].name}: go to its step`);
    box.addEventListener("click", () => visit(index));
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        visit(index);
      }
    });
  });

  // Where steps are: forward, the one that computes a node or first uses it; backward, the one in which it hands its
  // gradient on or, for a leaf, in which its gradient is complete.
  const parents = (node) => story.nodes[node].parents;
  function stepOf(node, forward) {
    const own = (step) => step.node === node;
    const touched = (step) => own(step) || parents(step.node).includes(node);
    if (forward) return story.forward.findIndex(parents(node).length ? own : touched) + 1;
    const found = parents(node).length ? story.backward.findIndex(own) : story.backward.findLastIndex(touched);
    return story.forward.length + found + 1;
  }
  function visit(node) {
    const target = stepOf(node, position <= story.forward.length);
    go(target);
    selected = node;
    show();
  }

  function go(target) {
    if (target !== position + 1) pause();
    position = Math.min(Math.max(target, 0), last);
    selected = null;
    if (position === last) pause();
    show();
  }
  function start() {
    if (position === last) go(0);
    timer = setInterval(() => go(position + 1), 1400);
    play.textContent = "Pause";
  }
  function pause() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }

  // What is shown.
  function show() {
    const step = position ? steps[position - 1] : null;
    const forward = position <= story.forward.length;
    const computed = new Set(steps.slice(0, Math.min(position, story.forward.length)).map((made) => made.node));
    const soFar = new Map(); // the gradients, as texts
    if (position > story.forward.length || (position === last && !story.forward.length)) soFar.set(story.rootNode, "1");
    for (const made of steps.slice(story.forward.length, position)) {
      made.given.forEach((given, place) => soFar.set(parents(made.node)[place], given.after));
    }
    boxes.forEach((box, node) => {
      const leaf = !parents(node).length;
      box.classList.toggle("todo", !leaf && !computed.has(node));
      box.classList.toggle("on", step !== null && step.node === node);
      box.classList.toggle("with", step !== null && parents(step.node).includes(node));
      box.classList.toggle("selected", selected === node);
      numbers[node].textContent = leaf || computed.has(node) ? story.nodes[node].value : "?";
      gradients[node].textContent = soFar.has(node) ? `grad ${soFar.get(node)}` : "grad not yet";
      arrows[node].forEach((arrow) => arrow.classList.toggle("on", step !== null && step.node === node));
      arrows[node].forEach((arrow) => arrow.classList.toggle("todo", !computed.has(node)));
    });
    frame.classList.toggle("backward", !forward);
    slider.value = position;
    const phase = position === 0 ? "start" : forward ? "forward" : "backward";
    slider.setAttribute("aria-valuetext", `${position} of ${last}, ${phase}`);
    count.textContent = `${position} / ${last} ${phase}`;
    // not `disabled`: a button that is must give up the focus, and the keys would be lost
    for (const made of [first, back]) made.setAttribute("aria-disabled", position === 0);
    for (const made of [next, end]) made.setAttribute("aria-disabled", position === last);
    if (step === null) begin();
    else if (forward) computing(step);
    else handingOn(step);
    if (selected !== null || !forward) balance(selected ?? step.node);
    else ledger.replaceChildren();
    if (step) reveal([step.node, ...parents(step.node)].map((node) => boxes[node]));
  }
  const code = (text) => make("code", {}, text);
  const equation = (parts) => parts.join(" = ");
  function begin() {
    title.replaceChildren("Start");
    const known = story.nodes.filter((node) => !node.parents.length && node.name !== node.value);
    work.replaceChildren(...known.map((node) => make("p", {}, code(`${node.name} = ${node.value}`))));
  }
  function computing(step) {
    title.replaceChildren("Forward: compute ", code(story.nodes[step.node].name));
    work.replaceChildren(make("p", {}, code(equation([story.nodes[step.node].name, ...step.work]))));
  }
  function handingOn(step) {
    const name = story.nodes[step.node].name;
    const why = step === story.backward[0] ? " by definition" : "";
    const gradient = `d${story.root}/d${name} = ${step.incoming}`;
    title.replaceChildren("Backward: ", code(name), " hands on ", code(gradient), why);
    const rows = step.given.map((given, place) => {
      const parent = story.nodes[parents(step.node)[place]].name;
      const local = equation([`\u2202${name}/\u2202${parent}`, ...given.rule]);
      return [parent, local, given.product, `d${story.root}/d${parent} = ${given.sum}`];
    });
    work.replaceChildren(table(["to", "local derivative", "incoming \u00d7 local", "gradient so far"], rows));
  }
  function table(heads, rows) {
    const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
    const cell = (text, place) => make("td", { "data-head": heads[place] }, code(text));
    const body = rows.map((row) => make("tr", {}, ...row.map(cell)));
    return make("table", {}, make("thead", {}, head), make("tbody", {}, ...body));
  }
  // Every contribution to the gradient of a node so far.
  function balance(node) {
    const name = story.nodes[node].name;
    const entries = [];
    let ahead = 0;
    story.backward.forEach((step, index) => {
      step.given.forEach((given, place) => {
        if (parents(step.node)[place] !== node) return;
        if (story.forward.length + index >= position) ahead += 1;
        else entries.push([story.nodes[step.node].name, given.product, given.after]);
      });
    });
    const all = entries.length + ahead;
    const state = ahead ? `${entries.length} of ${all} contributions so far` : all ? "complete" : "1 by definition";
    ledger.replaceChildren(make("h3", {}, "Gradient of ", code(name), `: ${state}`));
    if (entries.length) ledger.append(table(["from", "contribution", "sum"], entries));
  }
  // Scroll the drawing, and nothing else, to some boxes; the first of them counts most.
  function reveal(boxes) {
    const here = canvas.getBoundingClientRect();
    const there = boxes.map((box) => box.getBoundingClientRect());
    const shift = (low, high, size) => {
      const lows = Math.min(...there.map((rect) => rect[low]));
      const highs = Math.max(...there.map((rect) => rect[high]));
      const [from, to] = highs - lows < size ? [lows, highs] : [there[0][low], there[0][high]];
      return from < here[low] || to > here[high] ? (from + to - here[low] - here[high]) / 2 : 0;
    };
    canvas.scrollLeft += shift("left", "right", here.width);
    canvas.scrollTop += shift("top", "bottom", here.height);
  }

  // Keys, and the page's colours.
  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = { ArrowRight: position + 1, ArrowLeft: position - 1, Home: 0, End: last }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    event.stopPropagation(); // a notebook has its own use for arrows
    go(target);
  }
  frame.addEventListener("keydown", key);
  function dress() {
    for (let around = element; around; around = around.parentElement ?? around.getRootNode().host) {
      const [r, g, b, a = 1] = (getComputedStyle(around).backgroundColor.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
      if (a > 0.5) return frame.classList.toggle("dark", 0.3 * r + 0.6 * g + 0.1 * b < 128);
    }
  }
  dress();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", dress);
  new MutationObserver(dress).observe(document.body, { attributes: true }); // where notebooks note their theme
  show();
  return key;
}
