// A training: each step has a stepper of its own, then the update of its parameters, and a place on the error surface.
// ASCII alone, as in words.js and stepper.js, which come before this.
//   training: {root, heads, surface, rounds: [{step, svg, story, cells, updates, loss}]}, all texts ready made; an
//   update is [name, rule, numbers, after], and the surface is SVG, in whose circles of class "walk" are the steps.
function train(element, training, css, ofPage) {
  const { rounds, root } = training;
  let now = 0; // the place of the round
  let updated = false; // whether its update is shown
  let key = null; // what takes the keys of its stepper
  const surface = make("div", { class: "surface" });
  surface.append(document.importNode(new DOMParser().parseFromString(training.surface, "image/svg+xml").documentElement, true));
  const ring = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  ring.setAttribute("class", "now");
  ring.setAttribute("r", 7);
  surface.firstChild.append(ring);
  const rows = rounds.map(({ step, cells }, place) => {
    const first = make("td", { "data-head": "step" }, button(`Step ${step}`, () => look(place)));
    return make("tr", {}, first, ...cells.slice(1).map((text, i) => make("td", { "data-head": training.heads[i + 1] }, code(text))));
  });
  const heads = make("tr", {}, ...training.heads.map((text) => make("th", { scope: "col" }, text)));
  const table = make("div", { class: "rounds" }, make("table", {}, make("thead", {}, heads), make("tbody", {}, ...rows)));
  const side = make("div", { class: "walk-side" }, surface, table);
  const before = button("Step before", () => look(now - 1));
  const after = button("Step after", () => look(now + 1));
  const title = make("strong", { "aria-live": "polite", tabindex: -1 });
  const stage = make("div");
  const update = make("div", { class: "update", "aria-live": "polite" });
  const bar = make("div", { class: "bar", role: "group", "aria-label": "Steps of the training" }, before, title, after);
  const main = make("div", { class: "main" }, bar, stage, update);
  const frame = make("section", { class: "training", "aria-label": `Training by the gradient of ${root}` }, side, main);
  const shadow = element.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css.join("\n"));
  shadow.adoptedStyleSheets = [sheet];
  shadow.append(frame, make("slot"));

  // Show a round, from its start, or from its end.
  function look(place, atEnd = false) {
    if (place < 0 || place >= rounds.length) return;
    now = place;
    updated = false;
    const { step, svg, story } = rounds[now];
    const inside = make("div");
    stage.replaceChildren(inside);
    update.replaceChildren();
    key = mount(inside, svg, story, css[0], false, leave);
    if (atEnd) key(new KeyboardEvent("keydown", { key: "End" }));
    title.textContent = `Step ${step} of the training`;
    before.setAttribute("aria-disabled", now === 0);
    after.setAttribute("aria-disabled", now === rounds.length - 1);
    mark();
  }
  // Beyond the last step of a round comes its update, then the next round.
  function leave(way) {
    if (way < 0) look(now - 1, true);
    else if (updated || !rounds[now].updates.length) look(now + 1);
    else change();
  }
  function change() {
    updated = true;
    const told = rounds[now].updates.map(([name, ...texts]) => make("p", {}, code([`new ${name}`, ...texts].join(" = "))));
    const next = button("On with these", () => {
      leave(1);
      title.focus(); // the button is gone, and the keys go on
    });
    update.replaceChildren(make("h2", {}, "Update: a step of gradient descent"), ...told, next);
    const further = rounds[now + 1].step - rounds[now].step - 1;
    if (further) next.before(make("p", {}, `${further} more steps like this one lead to step ${rounds[now + 1].step}.`));
    next.focus();
    mark();
  }
  // The place on the surface, and in the table.
  function mark() {
    const at = surface.querySelector(`circle.walk[data-step="${rounds[now].step + (updated ? 1 : 0)}"]`);
    for (const name of ["cx", "cy"]) if (at) ring.setAttribute(name, at.getAttribute(name));
    rows.forEach((row, place) => (place === now ? row.setAttribute("aria-current", "step") : row.removeAttribute("aria-current")));
  }
  frame.addEventListener("keydown", (event) => {
    if (!event.defaultPrevented && event.target.closest?.(".update, .bar, .rounds")) key(event);
  });
  if (ofPage) document.addEventListener("keydown", (event) => event.target === document.body && key(event));
  look(0);
}
