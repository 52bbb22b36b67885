// The page: the program, its sliders, the views of what it computes, and the link that holds them all.

const at = (id) => document.getElementById(id);
const text = at("text");
const panel = at("panel");
let state = { text: EXAMPLES[0].text, view: "drawing", ...EXAMPLES[0].options };
let numbers = []; // of the program as it was read last: {name, value, line, start, end, whole}
let read = null; // that program; where another one stands now, the places of its numbers are not known yet
let trusted = false; // whether the learner has said that this program may run, whatever it is
let ranges = new Map(); // of the sliders, by name
let linked = false; // whether the program came with a link
let noting = null; // the timer that puts the link into the address
let resting = null; // the timer that waits until a drag rests
let asked = 0; // questions about the view
let typing = null; // the timer that waits until typing rests
const python = new Python(hear);

// The interpreter's state, in words.
function hear(news) {
  const start = at("start");
  if (news.total) {
    at("progress").value = (0.85 * news.loaded) / news.total;
    at("status").textContent = `Python is starting: ${(news.loaded / 1e6).toFixed(0)} of ${(news.total / 1e6).toFixed(0)} MB`;
  } else if (news.stage === "packages") {
    at("progress").value = 0.9;
    at("status").textContent = "Python is starting: its packages";
  } else if (news.stage === "ready") {
    start.classList.add("ready");
    at("status").textContent = "Python is ready";
    if (INSTALL) INSTALL();
  } else if (news.stage === "busy") {
    at("status").textContent = "Python is computing";
    at("stop").hidden = false;
  } else if (news.stage === "idle") {
    if (!at("stop").hidden) at("status").textContent = "Python is ready";
    at("stop").hidden = true;
  } else if (news.stage === "stopped") {
    at("stop").hidden = true;
    at("progress").removeAttribute("value");
    start.classList.remove("ready");
    at("status").textContent = "Stopped. Python starts again";
  } else if (news.failed) {
    at("progress").hidden = true;
    at("status").textContent = `Python could not be started: ${news.failed}`;
  }
}
at("stop").addEventListener("click", stop);
function stop() {
  clearTimeout(typing);
  clearTimeout(resting);
  trusted = false; // it would only start again
  python.stop();
}

// Ask for what the view shows of the program.
async function update(typed = false, dragged = false) {
  clearTimeout(typing);
  clearTimeout(resting);
  note();
  if (trusted) remember();
  const options = { wrt: state.wrt, about: state.about, on: state.on, rate: state.rate, steps: state.steps, detail: state.detail };
  const { view } = state;
  if (dragged && panel.firstElementChild?.dataset.kind === view) {
    options.drag = true; // a layout waits until the drag rests
    resting = setTimeout(update, 250);
  }
  panel.classList.add("old");
  const question = ++asked;
  const about = { program: state.text, view, typed, dragged: options.drag };
  const answer = await python.ask("answer", { text: state.text, view, trusted, options }, "view");
  if (answer === null) return; // a later question is on its way
  if (answer.stopped) return say("Stopped. Change the program, or press Run to run it again.");
  try {
    const shown = take(answer, about);
    if (question === asked) panel.classList.toggle("old", !shown);
  } catch (error) {
    fail({ words: `This page could not show it (${error.message}).` });
    throw error;
  }
}

// Show what was answered about a program; return whether the panel shows it now.
function take(answer, { program, view, typed, dragged }) {
  const stands = program === state.text; // in the middle of a drag another number may stand there already
  if (!stands && !answer.shown) return false;
  if (answer.missing && typed) return say(`No number yet for ${answer.missing.join(", ")}: press Run.`);
  if (answer.missing) return complete(answer.missing);
  if (stands) {
    numbers = answer.numbers ?? [];
    read = program;
    slide();
  }
  at("value").textContent = answer.value === undefined ? "" : `= ${answer.value}`;
  at("printed").hidden = !answer.printed;
  at("printed").lastElementChild.textContent = answer.printed ?? "";
  if (answer.waiting) {
    say(linked ? "This program came with a link, and is more than formulas: read it, then press Run if it may run." : "Press Run to run it.");
    if (panel.firstElementChild && !linked) return false; // what it showed before
    panel.replaceChildren(make("p", { class: "empty" }, "Not run yet."));
    return true;
  }
  if (answer.error) return fail(answer.error);
  say("");
  // In the middle of a drag it is a part, for the view that was there: if another one is there now, more was asked.
  if (view !== state.view || (dragged && panel.firstElementChild?.dataset.kind !== view)) return false;
  SHOW[view](panel, answer.shown, set);
  return true;
}

// Give each name of a formula that has no number a line of its own.
function complete(names) {
  state.text = `${names.map((name) => `${name} = 1`).join("\n")}\n${state.text}`;
  text.value = state.text;
  grow();
  update().then(() => at("told").textContent || say(`${names.join(", ")} had no number yet, and ${names.length > 1 ? "start" : "starts"} at 1. Drag ${names.length > 1 ? "them" : "it"}.`));
}

function say(words, ...more) {
  const told = at("told");
  told.className = "told";
  told.replaceChildren(...(words ? [make("p", {}, words, ...more)] : []));
}

function fail({ words: reason, line }) {
  const lines = state.text.split("\n");
  const where = line && line <= lines.length ? [make("button", { type: "button", click: () => point(line) }, `Line ${line}`), ": ", make("code", {}, lines[line - 1].trim())] : [];
  at("told").className = "told error";
  at("told").replaceChildren(...(where.length ? [make("p", {}, ...where)] : []), make("p", {}, reason));
  panel.classList.add("old");
}

function point(line) {
  const before = text.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1);
  text.focus();
  text.setSelectionRange(before, before + text.value.split("\n")[line - 1].length);
}

// The sliders: one for each number of the program, in its order. A drag writes the number into the program.
function slide() {
  const group = at("sliders");
  const names = numbers.map(({ name, whole }) => name + whole).join("\n");
  if (group.dataset.names !== names) {
    group.dataset.names = names;
    group.replaceChildren(
      ...numbers.map(({ name, whole }) => {
        const range = make("input", { type: "range", id: `n-${name}`, input: () => put(name, Number(range.value)) });
        const exact = make("input", { type: "number", step: whole ? 1 : "any", "aria-label": `${name}, exactly`, change: () => exact.value && put(name, Number(exact.value)) });
        return make("div", { class: "slider" }, make("label", { for: `n-${name}`, title: name }, name), range, exact);
      }),
    );
  }
  numbers.forEach(({ name, value, whole }, place) => {
    const [, range, exact] = group.children[place].children;
    const [low, high] = ranges.get(name) ?? [0, 0];
    if (!(value >= low && value <= high) || low === high) ranges.set(name, around(value, whole));
    const [from, to] = ranges.get(name);
    if (document.activeElement !== range || Number(range.value) !== value) {
      Object.assign(range, { min: from, max: to, step: whole ? 1 : (to - from) / 200 });
      range.value = value;
    }
    if (document.activeElement !== exact) exact.value = value;
  });
}

// Return where a slider begins and ends: round numbers, with its number inside.
function around(value, whole) {
  const size = Math.max(2 * Math.abs(value), Math.abs(value) < 1e-9 ? 2 : 0);
  const power = 10 ** Math.floor(Math.log10(size));
  const most = Math.max([1, 2, 5, 10].find((digit) => digit * power >= size * 0.999) * power, whole ? 5 : 0);
  return [whole && value >= 0 ? 0 : -most, most];
}

function put(name, value) {
  const number = numbers.find((each) => each.name === name);
  if (!number || !Number.isFinite(value) || read !== state.text || text.value !== state.text) return;
  const written = String(number.whole ? Math.round(value) : Number(value.toPrecision(6)));
  const lines = state.text.split("\n");
  const line = lines[number.line];
  lines[number.line] = line.slice(0, number.start) + written + line.slice(number.end);
  const longer = written.length - (number.end - number.start);
  for (const other of numbers) {
    if (other.line !== number.line || other.start <= number.start) continue;
    other.start += longer;
    other.end += longer;
  }
  number.end += longer;
  number.value = Number(written);
  state.text = read = lines.join("\n");
  text.value = state.text;
  slide();
  update(false, true);
}

function set(options, dragged = false) {
  Object.assign(state, options);
  update(false, dragged);
}

// The program.
function run() {
  state.text = text.value;
  trusted = true;
  linked = false;
  update();
}
at("run").addEventListener("click", run);
text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    return run();
  }
  const before = text.value.slice(0, text.selectionStart).split("\n").at(-1);
  const indent = /^[ \t]*/.exec(before)[0] + (/:\s*$/.test(before) ? "    " : "");
  if (!indent || event.shiftKey) return;
  event.preventDefault();
  text.setRangeText(`\n${indent}`, text.selectionStart, text.selectionEnd, "end");
  text.dispatchEvent(new Event("input"));
});
// Formulas are computed as one types; anything else waits for Run.
text.addEventListener("input", () => {
  grow();
  clearTimeout(typing);
  trusted = linked = false;
  typing = setTimeout(() => {
    state.text = text.value;
    update(true);
  }, 400);
});
function grow() {
  text.rows = Math.min(Math.max(text.value.split("\n").length + 1, 4), 16);
}

// Examples, views, and the parts of the page.
at("examples").append(
  ...EXAMPLES.map(({ title, about, text: program, ...options }) => {
    const choose = () => load({ view: state.view, ...options.options, text: program }, true);
    return make("li", {}, make("button", { type: "button", click: choose }, title, make("small", {}, about)));
  }),
);
at("tabs").append(
  ...Object.entries(TABS).map(([view, title]) => make("button", { type: "button", role: "tab", id: `tab-${view}`, "aria-controls": "panel", click: () => look(view) }, title)),
);
at("tabs").addEventListener("keydown", (event) => {
  const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!way) return;
  const views = Object.keys(TABS);
  look(views[(views.indexOf(state.view) + way + views.length) % views.length]);
  at(`tab-${state.view}`).focus();
});
function look(view) {
  state.view = view;
  mark();
  clear();
}
// Ask for a view in place of what is shown; while Python starts, that of the first example is there.
function clear() {
  panel.replaceChildren();
  const first = FIRST[state.view]; // which was made when the page was built
  if (!python.ready && state.text === EXAMPLES[0].text && first) take(first, { program: state.text, view: state.view });
  return update();
}
function mark() {
  for (const view of Object.keys(TABS)) {
    at(`tab-${view}`).setAttribute("aria-selected", view === state.view);
    at(`tab-${view}`).tabIndex = view === state.view ? 0 : -1;
  }
  panel.setAttribute("aria-labelledby", `tab-${state.view}`);
  [...at("examples").querySelectorAll("button")].forEach((button, i) => button.setAttribute("aria-pressed", state.text === EXAMPLES[i].text));
}

// Take a state over: of an example, which may run, or of a link, which may if it was run here before.
function load(found, ours) {
  state = found;
  trusted = ours || remembered() === state.text;
  linked = !trusted;
  ranges = new Map();
  text.value = state.text;
  grow();
  mark();
  say("");
  return clear();
}
function remember() {
  try {
    sessionStorage.setItem("autodiff-ran", state.text);
  } catch {} // then a reload asks for Run again
}
function remembered() {
  try {
    return sessionStorage.getItem("autodiff-ran");
  } catch {
    return null;
  }
}

// The link. Browsers refuse many changes of the address a second.
const link = () => toLink({ text: state.text, view: state.view, wrt: state.wrt, about: state.about, on: state.on, rate: state.rate, steps: state.steps });
function note() {
  clearTimeout(noting);
  mark();
  noting = setTimeout(() => at("try").hidden || history.replaceState(null, "", link()), 400);
}
at("share").addEventListener("click", async () => {
  history.replaceState(null, "", link());
  try {
    await navigator.clipboard.writeText(location.href);
    at("share").textContent = "Copied";
  } catch {
    at("share").textContent = "Copy it from the address bar";
  }
  setTimeout(() => (at("share").textContent = "Copy link"), 2500);
});

// What the address asks for: a state, a lesson, or the first example.
function follow(hash) {
  const lesson = /^#lessons?(?:=([\w-]+))?$/.exec(hash);
  at("try").hidden = Boolean(lesson);
  at("lessons").hidden = !lesson;
  at(lesson ? "to-lessons" : "to-try").setAttribute("aria-current", "page");
  at(lesson ? "to-try" : "to-lessons").removeAttribute("aria-current");
  if (lesson) {
    clearTimeout(noting);
    return openLesson(lesson[1]);
  }
  const found = fromLink(hash);
  if (found) load(found, false);
  else if (hash.startsWith("#s=")) {
    const words = "The link could not be read: it is too long, or was cut off.";
    load({ ...state }, trusted).then(() => say(words));
  } else load(state, trusted || EXAMPLES.some((example) => example.text === state.text));
}
// The event's own address: until it is heard, `note` may have written another one.
addEventListener("hashchange", ({ newURL }) => follow(new URL(newURL).hash));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => update());
follow(location.hash);
