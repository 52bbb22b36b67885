// What a view shows of an answer: elements, built of data. The stepper, the training and the sheet are the package's own
// (PARTS); what they are given has gone through safe.js, or is written as text.

const TABS = { drawing: "Drawing", steps: "Steps", derivation: "Derivation", exercise: "Exercise", training: "Training" };

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== false && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

// The panel is narrower than a page of its own, and has a frame.
const NARROW = ".stepper { padding: 0; border: 0; } .stepper.dark { --paper: #1a1f24; } .canvas svg { width: clamp(calc(0.6 * var(--natural)), 100%, var(--natural)) !important; }";

// Return the place of a kind of view in an element: the one that is there, or a new one in place of what is.
function placeOf(panel, kind) {
  if (panel.firstElementChild?.dataset.kind === kind && panel.children.length === 1) return panel.firstElementChild;
  const place = make("div", { "data-kind": kind });
  panel.replaceChildren(place);
  return place;
}

// Each takes the panel, the data that bench.py gives, and what is called when its settings are changed.
const SHOW = {
  drawing(panel, { svg, numbers }) {
    if (numbers) return renumber(panel, numbers);
    const place = placeOf(panel, "drawing");
    const shadow = place.shadowRoot ?? place.attachShadow({ mode: "open" });
    if (!shadow.firstChild) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(`${PARTS.css.stepper} ${NARROW} .canvas { max-height: none; margin: 0; } g.node { cursor: default; }`);
      shadow.adoptedStyleSheets = [sheet];
      shadow.append(make("div", { class: "stepper" }, make("div", { class: "canvas", tabindex: "0", role: "group", "aria-label": "Drawing of the graph" })));
    }
    shadow.firstChild.classList.toggle("dark", matchMedia("(prefers-color-scheme: dark)").matches);
    const drawing = picture(svg);
    drawing.style.setProperty("--natural", `${drawing.width.baseVal.value}px`);
    const canvas = shadow.firstChild.firstChild;
    const { scrollLeft, scrollTop } = canvas;
    canvas.replaceChildren(drawing);
    canvas.scrollTo(scrollLeft, scrollTop);
  },

  // The stepper is made anew, and goes to where the old one was. Without a picture it has that of the old one.
  steps(panel, { svg, story }, change) {
    const last = panel.firstElementChild?.dataset.kind === "steps" ? panel.firstElementChild : null;
    const old = last?.shadowRoot;
    if (svg) {
      const [first, ...others] = story.views;
      const views = [first, ...others.map((view) => ({ ...view, svg: pictureText(view.svg) }))];
      story = { ...story, views };
      svg = pictureText(svg);
    } else if (last && shape(story) === shape(last.story)) {
      story = { ...story, views: last.story.views };
      svg = last.svg;
    } else return change({}); // another graph: ask for it whole
    const at = old?.querySelector("input[type=range]").value;
    const fine = old?.querySelector("button[aria-pressed]").getAttribute("aria-pressed") === "true";
    const focused = old?.activeElement ? [...old.querySelectorAll("button, select, input")].indexOf(old.activeElement) : -1;
    const place = make("div", { "data-kind": "steps" });
    Object.assign(place, { svg, story });
    panel.replaceChildren(place);
    PARTS.mount(place, svg, story, PARTS.css.stepper + NARROW, false);
    if (!old) return;
    if (fine) place.shadowRoot.querySelector("button[aria-pressed]").click();
    const slider = place.shadowRoot.querySelector("input[type=range]");
    slider.value = at;
    slider.dispatchEvent(new Event("input"));
    if (focused >= 0) place.shadowRoot.querySelectorAll("button, select, input")[focused]?.focus({ preventScroll: true });
  },

  derivation(panel, { lines, where, choices, wrt }, change) {
    const place = placeOf(panel, "derivation");
    const equations = lines.map(([target, rows]) => {
      return make("dl", { class: "equations" }, make("dt", {}, target), ...rows.map((row) => make("dd", {}, row)));
    });
    const stands = where.length ? [make("p", {}, "where"), ...where.map((line) => make("p", {}, line))] : [];
    if (!place.firstChild) place.append(...(choices ? [chooser("Derivative by", "wrt", change)] : []), make("div", { class: "derivation" }));
    if (choices) choose(place, choices, wrt);
    place.lastChild.replaceChildren(...equations, make("div", { class: "where" }, ...stands));
  },

  exercise(panel, { svg, sheet, choices, about, given }, change) {
    const place = placeOf(panel, "exercise");
    if (given) return give(place, given);
    if (!place.firstChild) place.append(...(choices ? [chooser("About", "about", change)] : []), make("div"));
    if (choices) choose(place, choices, about);
    const made = make("div", {}, make("img", { alt: "", src: address(pictureText(svg)) }));
    place.lastChild.replaceWith(made);
    place.sheet = sheet;
    PARTS.mountSheet(made, sheet, PARTS.css.sheet + NARROW);
  },

  training(panel, shown, change) {
    if (!shown.rows) return walk(panel, shown.detail);
    const place = placeOf(panel, "training");
    place.training ??= new Training(place, change);
    place.training.show(shown);
  },
};

// Put numbers into the drawing that is there, whose boxes stay as they are until the drag rests.
function renumber(panel, numbers) {
  for (const group of panel.firstElementChild?.shadowRoot?.querySelectorAll("g.node, g.edge") ?? []) {
    const texts = numbers[group.id.slice(group.id.indexOf("-") + 1)] ?? [];
    group.querySelectorAll("text:is(.data, .gradient, .local-derivative)").forEach((text, i) => (text.textContent = texts[i] ?? ""));
  }
}

// A list to choose a name from, for one of the settings; "" is all.
function chooser(title, setting, change) {
  const list = make("select", { id: setting, change: () => change({ [setting]: list.value }) });
  return make("div", { class: "settings" }, make("label", { for: setting }, title), list);
}
function choose(place, choices, chosen) {
  const list = place.querySelector("select");
  if ([...list.options].map((option) => option.value).join("\n") !== choices.join("\n"))
    list.replaceChildren(...choices.map((name) => make("option", { value: name }, name || "everything")));
  list.value = chosen;
}

// What makes the pictures of two stories alike but for their numbers.
const shape = ({ nodes }) => JSON.stringify(nodes.map(({ name, parents }) => [name, parents]));

// Put numbers that are given into the exercise that is there, whose answers stay as they are until the drag rests.
function give(place, given) {
  const { sheet, lastChild: made } = place;
  for (const { id, name } of sheet.nodes) {
    const text = made.shadowRoot.getElementById(id)?.querySelector("text.data");
    if (text && name in given) text.textContent = given[name];
  }
  const names = sheet.givens.map(([name]) => name);
  if (names.every((name) => name in given)) made.shadowRoot.querySelector(".givens code").textContent = names.map((name) => `${name} = ${given[name]}`).join(", ");
}

const address = (svg) => `data:image/svg+xml;base64,${btoa(Array.from(new TextEncoder().encode(svg), (byte) => String.fromCharCode(byte)).join(""))}`;

// Put the package's training, each step to step through, into an element.
function walk(panel, { rounds, heads, surface, root }) {
  const place = make("div", { "data-kind": "walk" });
  panel.replaceChildren(place);
  const safe = rounds.map((round) => ({ ...round, svg: pictureText(round.svg) }));
  PARTS.train(place, { rounds: safe, heads, root, surface: pictureText(surface) }, PARTS.css.training, false);
}

// The walk of a training on the error surface, which goes as one looks on.
class Training {
  constructor(place, change) {
    this.change = change;
    this.at = null; // the step that is shown; null is the last
    this.moved = make("fieldset", {}, make("legend", {}, "Moved:"));
    this.rate = make("input", { type: "range", min: -5, max: 0.5, step: 0.01, id: "rate", "aria-label": "Step size, on a logarithmic scale", input: () => this.set({ rate: Number((10 ** this.rate.value).toPrecision(3)) }, true) });
    this.exact = make("input", { type: "number", step: "any", min: 0, "aria-label": "Step size", change: () => this.exact.value > 0 && this.set({ rate: Number(this.exact.value) }) });
    this.steps = make("input", { type: "number", min: 1, max: 300, id: "steps", change: () => this.steps.value >= 1 && this.set({ steps: Math.min(Math.round(this.steps.value), 300) }) });
    this.train = make("button", { type: "button", class: "main", click: () => (this.timer ? this.pause() : this.play()) }, "Train");
    this.slider = make("input", { type: "range", min: 0, step: 1, "aria-label": "Step of the training", input: () => (this.pause(), this.look(Number(this.slider.value))) });
    this.surface = make("div", { class: "surface" });
    this.readout = make("dl", { class: "readout", role: "status" });
    this.ending = make("p", { class: "ending" });
    this.inner = make("div");
    this.detail = make("details", { class: "detail", toggle: () => this.set({}) }, make("summary", {}, "Step through it: forward, backward, update"), this.inner);
    const rate = make("label", { class: "rate" }, "Step size", this.rate, this.exact);
    const settings = make("div", { class: "settings" }, this.moved, rate, make("label", {}, "Steps", this.steps));
    const side = make("div", {}, make("div", { class: "going" }, this.train, this.slider), this.readout, this.ending);
    place.append(settings, make("div", { class: "training" }, this.surface, side, this.detail));
  }

  set(options, dragged = false) {
    this.change({ ...options, detail: this.detail.open }, dragged);
  }

  show({ choices, on, rate, steps, heads, rows, surface, ending, detail }) {
    this.heads = heads;
    this.rows = rows;
    if (this.moved.dataset.names !== choices.join("\n")) {
      this.moved.dataset.names = choices.join("\n");
      this.ticks = choices.map((name) => make("input", { type: "checkbox", value: name, change: () => this.tick() }));
      this.moved.replaceChildren(this.moved.firstChild, ...this.ticks.map((tick) => make("label", { class: "tick" }, tick, tick.value)));
    }
    for (const tick of this.ticks) tick.checked = on.includes(tick.value);
    const root = this.surface.getRootNode();
    if (root.activeElement !== this.rate) this.rate.value = Math.log10(rate);
    if (root.activeElement !== this.exact) this.exact.value = rate;
    if (root.activeElement !== this.steps) this.steps.value = steps;
    const drawn = picture(surface);
    this.path = drawn.querySelector("polyline.walk");
    this.points = this.path.getAttribute("points").split(" ");
    const whole = this.path.cloneNode();
    whole.setAttribute("class", "whole");
    this.path.before(whole);
    this.dots = [...drawn.querySelectorAll("circle.walk")];
    this.ring = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    this.ring.setAttribute("class", "now");
    this.ring.setAttribute("r", 7);
    drawn.append(this.ring);
    this.surface.replaceChildren(drawn);
    const words = { diverges: "It diverges: each step leads further away. Take a smaller step size.", settled: "It has arrived.", "no better": "It is no better than at the start.", "goes on": "" };
    this.ending.textContent = words[ending] ?? "";
    this.ending.className = `ending ${{ diverges: "bad", settled: "good" }[ending] ?? ""}`;
    this.slider.max = rows.length - 1;
    if (!this.timer) this.look(this.at === null ? rows.length - 1 : Math.min(this.at, rows.length - 1));
    if (detail) walk(this.inner, detail);
  }

  tick() {
    const on = this.ticks.filter((tick) => tick.checked).map((tick) => tick.value);
    if (on.length) this.set({ on });
    else this.ticks.find((tick) => tick === document.activeElement).checked = true; // something must move
  }

  look(step) {
    this.at = step === this.rows.length - 1 ? null : step;
    const row = this.rows[step];
    this.slider.value = step;
    this.path.setAttribute("points", this.points.slice(0, step + 1).join(" "));
    this.dots.forEach((dot, i) => dot.classList.toggle("later", i > step));
    const here = this.dots[step];
    for (const name of ["cx", "cy"]) if (here) this.ring.setAttribute(name, here.getAttribute(name));
    this.readout.replaceChildren(...this.heads.flatMap((head, i) => [make("dt", {}, head), make("dd", {}, row[i])]));
  }

  // Go through all steps, in at most eight seconds.
  play() {
    const pace = Math.max(1, this.rows.length / 160);
    let at = 0;
    this.look(0);
    this.train.textContent = "Pause";
    this.timer = setInterval(() => {
      at = Math.min(at + pace, this.rows.length - 1);
      if (!this.surface.isConnected) return this.pause();
      this.look(Math.floor(at));
      if (at >= this.rows.length - 1) this.pause();
    }, 50);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    this.train.textContent = "Train";
  }
}

// Put what a cell of a lesson shows into an element.
function showThing(place, shown) {
  if (SHOW[shown.kind]) SHOW[shown.kind](place, shown, () => {});
  else if (shown.kind === "html") place.replaceChildren(words(shown.html));
  else place.replaceChildren(make("pre", {}, shown.text));
}
