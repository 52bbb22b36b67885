// The stepper: a drawing, and the steps of a gradient one by one. No network, no library, no random names.
// ASCII alone, so that a page is the same bytes in every encoding, and the hash of its script holds.

// Put a stepper into `element`, whose children are shown on paper alone.
//   svg: the drawing as text, whose groups have the ids that the first of the story's views speaks of.
//   story: see frames.py; every text in it is written as text, never as markup.
//   ofPage: whether all keys of the page mean the stepper, and links such as #step=7 lead to its steps.
//   leave: what happens beyond the last step (1) and before the first (-1), if anything does.
// The answer is what takes the keys.
function mount(element, svg, story, css, ofPage, leave) {
  const parents = (node) => story.nodes[node].parents;
  // All that happens, one thing at a time: an operation, or, on the way back, what one arrow carries.
  const moments = [
    ...story.forward.map((step) => ({ ...step, step, forward: true })),
    ...story.backward.flatMap((step) =>
      step.given.map((given, place) => {
        return { ...given, step, forward: false, node: step.node, place, to: parents(step.node)[place] };
      }),
    ),
  ];
  const turn = story.forward.length; // where the way back begins
  let view = null; // one of story.views, with its elements
  let edges = false; // whether each arrow is a step on the way back
  let stops = [0]; // where steps end, as counts of moments
  let nodes = stops; // the same, where arrows are no steps
  let position = 0; // how many steps were made
  let selected = null; // the node whose ledger is shown; without one, that of the step
  let timer = null; // of Play
  let noting = null; // the timer that puts a link into the address

  // The parts.
  const first = button("First", () => go(0));
  const back = button("Back", () => go(position - 1));
  const play = button("Play", () => (timer ? pause() : start()));
  const next = button("Next", () => go(position + 1));
  const end = button("Last", () => go(stops.length - 1));
  const grain = button("Edge by edge", () => regrain(!edges), { "aria-pressed": false, title: "key: e" });
  const speed = make("select", { "aria-label": "Speed of Play" });
  for (const factor of [0.5, 1, 2, 4]) speed.append(make("option", { value: factor }, `${factor}\u00d7 speed`));
  speed.value = "1";
  speed.addEventListener("change", () => timer && start());
  const slider = make("input", { type: "range", min: 0, step: 1, "aria-label": "Step" });
  slider.addEventListener("input", () => go(Number(slider.value)));
  const count = make("span", { class: "count" });
  const bar = make("div", { class: "bar", role: "group", "aria-label": "Steps" });
  const buttons = make("span", { class: "buttons" }, first, back, play, next, end);
  const where = make("span", { class: "where" }, slider, count);
  bar.append(buttons, make("span", { class: "buttons" }, speed, grain), where);
  const ways = make("div", { class: "ways" }); // out of an opened module
  const canvas = make("div", { class: "canvas" });
  const words = teller(story, moments, (made) => go(after(made)), () => visit(view.boxOf(moments[stops[position] - 1].node)));
  const name = `Steps of the gradient of ${story.root}`;
  const frame = make("section", { class: "stepper", "aria-label": name }, words.formulas, bar, ways, canvas);
  frame.append(words.legend, words.beside, words.panel);
  const shadow = element.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  shadow.adoptedStyleSheets = [sheet];
  shadow.append(frame, make("slot"));

  // Show one of the views: its drawing, whose boxes are buttons.
  function look(index) {
    const data = story.views[index];
    const source = new DOMParser().parseFromString(data.svg ?? svg, "image/svg+xml").documentElement;
    const drawing = document.importNode(source, true);
    drawing.removeAttribute("role"); // its nodes are buttons
    drawing.style.setProperty("--natural", `${drawing.width.baseVal.value}px`);
    canvas.replaceChildren(drawing);
    const groups = new Map([...drawing.querySelectorAll("g[id]")].map((group) => [group.id.slice(data.prefix.length), group]));
    const boxes = new Map(); // by id, with the nodes in each
    data.boxes.forEach((id, node) => {
      if (!boxes.has(id)) boxes.set(id, { group: groups.get(id), nodes: [], folded: data.folded[id] });
      boxes.get(id).nodes.push(node);
    });
    const arrows = data.arrows.map((ids) => ids.map((id) => groups.get(id))); // none inside of a box
    view = { ...data, ids: data.boxes, boxes, arrows, edges: new Set(arrows.flat().filter(Boolean)) };
    view.boxOf = (node) => boxes.get(data.boxes[node]);
    for (const box of boxes.values()) {
      box.number = box.group.querySelector("text.data");
      box.gradient = box.group.querySelector("text.gradient");
      box.group.setAttribute("tabindex", "0");
      box.group.setAttribute("role", "button");
      box.group.append(target(box.group));
      box.group.addEventListener("click", () => visit(box));
      box.group.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        visit(box);
      });
    }
    divide();
  }
  // What takes the clicks on a box, high enough for a finger.
  function target(group) {
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const { x, y, width, height } = group.getBBox();
    const more = Math.max(0, 60 - height) / 2;
    const size = { x, y: y - more, width, height: height + 2 * more, fill: "transparent" };
    for (const [name, value] of Object.entries(size)) rect.setAttribute(name, value);
    return rect;
  }
  // Divide the moments into steps: those of a folded box are one, those of a node are one, or each is its own.
  function divide() {
    const made = stops[position];
    const ends = (whole) => {
      const changes = (_, i) => i + 1 === moments.length || whole(moments[i]) !== whole(moments[i + 1]);
      return [0, ...moments.map((_, i) => i + 1).filter(changes)];
    };
    const folded = ({ node, forward }) => view.boxOf(node).folded && view.ids[node] + forward;
    nodes = ends((moment) => folded(moment) || moment.step);
    stops = edges ? ends((moment) => folded(moment) || moment) : nodes;
    position = after(made);
    slider.max = stops.length - 1;
  }
  const after = (made) => stops.findIndex((stop) => stop >= made);

  // Where steps are: forward, the one that computes a node or first uses it; backward, the one in which it hands its
  // gradient on or, for a leaf, in which its gradient is complete.
  function stepOf(node, forward) {
    const leaf = !parents(node).length;
    const own = (moment) => moment.node === node && moment.forward === forward;
    const used = (moment) => moment.forward && parents(moment.node).includes(node);
    const found = !leaf
      ? moments.findIndex(own)
      : forward ? moments.findIndex(used) : moments.findLastIndex((moment) => moment.to === node);
    return after(found + 1);
  }
  // Go to the step of a box, or open it.
  function visit(box) {
    pause();
    const node = box.nodes.find((node) => parents(node).length) ?? box.nodes[0];
    const step = stepOf(node, stops[position] <= turn);
    if (box.folded?.opens === undefined) {
      go(step);
      selected = box.folded ? null : node;
      show();
    } else {
      position = Math.max(step - 1, 0);
      open(box.folded.opens);
    }
  }
  function open(index) {
    look(index);
    ways.replaceChildren();
    if (view.up !== undefined) {
      const up = story.views[view.up].path || "the whole";
      ways.append(button(`\u2190 ${up}`, () => open(view.up), { title: "close it (Escape)" }), code(view.path));
    }
    selected = null;
    show();
  }
  function regrain(fine) {
    edges = fine;
    grain.setAttribute("aria-pressed", edges);
    divide();
    show();
  }
  function go(target) {
    if (leave && (target < 0 || target >= stops.length)) return leave(Math.sign(target));
    if (target !== position + 1) pause();
    position = Math.min(Math.max(target, 0), stops.length - 1);
    selected = null;
    if (position === stops.length - 1) pause();
    show();
  }
  function start() {
    if (position === stops.length - 1) go(0);
    clearInterval(timer);
    timer = setInterval(() => go(position + 1), 1400 / Number(speed.value));
    play.textContent = "Pause";
  }
  function pause() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }

  // What is shown.
  function show() {
    const made = stops[position];
    const now = position ? moments.slice(stops[position - 1], made) : [];
    const forward = made <= turn;
    const phase = position === 0 ? "start" : forward ? "forward" : "backward";
    const done = moments.slice(0, made);
    const computed = new Set(done.filter((moment) => moment.forward).map((moment) => moment.node));
    const soFar = new Map(); // the gradients, as texts
    if (!forward || !moments.length) soFar.set(story.rootNode, "1");
    for (const moment of done) if (!moment.forward) soFar.set(moment.to, moment.after);
    const here = now.length ? view.boxOf(now[0].node) : null;
    const touched = now.flatMap((moment) => (moment.forward ? parents(moment.node) : [moment.to]));
    const there = new Set(touched.map(view.boxOf));
    there.delete(here);
    for (const box of view.boxes.values()) {
      const node = box.nodes.at(-1);
      const todo = box.nodes.some((node) => parents(node).length && !computed.has(node));
      box.group.classList.toggle("todo", todo);
      box.group.classList.toggle("on", box === here);
      box.group.classList.toggle("with", there.has(box));
      box.group.classList.toggle("selected", selected !== null && view.boxOf(selected) === box);
      box.number.textContent = todo ? "?" : (box.folded ?? story.nodes[node]).value;
      if (box.folded) {
        const complete = !moments.slice(made).some((moment) => box.nodes.includes(moment.node));
        box.gradient.textContent = complete ? box.folded.gradient : "|grad| not yet";
      } else box.gradient.textContent = soFar.has(node) ? `grad ${soFar.get(node)}` : "grad not yet";
      const act = box.folded?.opens !== undefined ? "open it" : "go to its step";
      const name = (box.folded ?? story.nodes[node]).name;
      box.group.setAttribute("aria-label", `${name}, ${box.number.textContent}, ${box.gradient.textContent}: ${act}`);
    }
    const wrong = new Set(done.filter((moment) => moment.other?.mark).map((moment) => view.boxOf(moment.to ?? moment.node)));
    for (const box of view.boxes.values()) box.group.classList.toggle("wrong", wrong.has(box));
    flow(now, computed);
    frame.classList.toggle("backward", phase === "backward");
    slider.value = position;
    slider.setAttribute("aria-valuetext", `${number()} of ${nodes.length - 1}, ${phase}`);
    count.textContent = `${number()} / ${nodes.length - 1} ${phase}`;
    // not `disabled`: a button that is must give up the focus, and the keys would be lost
    for (const made of [first, back]) made.setAttribute("aria-disabled", position === 0);
    for (const made of [next, end]) made.setAttribute("aria-disabled", position === stops.length - 1);
    const ofNode = selected ?? (now.length && !forward && !here.folded ? now[0].node : null);
    const inside = (node) => view.boxOf(node) === here;
    words.tell({ phase, now, made, soFar, box: here?.folded, inside, edges, node: ofNode });
    if (now.length) reveal([here, ...there].map((box) => box.group));
    if (ofPage && (position || location.hash) && location.protocol !== "about:") note(); // "about:" is a page in a frame
  }
  // The arrows of the step, and what flows through them on the way back.
  function flow(now, computed) {
    const on = new Map(); // what is to be read on each
    const todo = new Set();
    for (const moment of now) {
      const arrows = view.arrows[moment.node];
      if (moment.forward) for (const arrow of arrows) on.set(arrow, []);
      else on.set(arrows[moment.place], view.boxOf(moment.node).folded ? [] : moment.flow);
    }
    view.arrows.forEach((arrows, node) => arrows.forEach((arrow) => computed.has(node) || todo.add(arrow)));
    for (const arrow of view.edges) {
      arrow.classList.toggle("on", on.has(arrow));
      arrow.classList.toggle("todo", todo.has(arrow));
      const lines = on.get(arrow) ?? [];
      arrow.querySelectorAll("text.flow").forEach((text, i) => (text.textContent = lines[i] ?? ""));
    }
  }
  // The number of the step: 7, or 7.2 for the second arrow of step 7, where arrows are steps.
  function number() {
    const made = stops[position];
    const step = nodes.findIndex((stop) => stop >= made);
    const before = step ? nodes[step - 1] : 0;
    return stops.includes(before + 1) && nodes[step] > before + 1 ? `${step}.${made - before}` : `${step}`;
  }
  // The same as a link, in the address, and where a link leads.
  function link() {
    return `#step=${number()}${view.path ? `&open=${encodeURIComponent(view.path)}` : ""}`;
  }
  function note() {
    clearTimeout(noting); // browsers refuse many a second
    noting = setTimeout(() => history.replaceState(null, "", link()), 300);
  }
  function follow(hash) {
    const asked = new URLSearchParams(hash.slice(1));
    const [, step, arrow] = /^(\d{1,9})(?:\.(\d{1,9}))?$/.exec(asked.get("step") ?? "") ?? [];
    if (step === undefined || hash === link()) return;
    const found = story.views.findIndex((view) => view.path === (asked.get("open") ?? ""));
    if (found >= 0) open(found);
    if (arrow) regrain(true);
    const made = arrow ? (nodes[step - 1] ?? moments.length) + Number(arrow) : nodes[step] ?? moments.length;
    go(after(Math.min(made, moments.length)));
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

  // Keys, links, and the page's colours.
  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.composedPath()[0] === speed) return; // which has its own keys
    const target = { ArrowRight: position + 1, ArrowLeft: position - 1, Home: 0, End: stops.length - 1 }[event.key];
    if (target !== undefined) go(target);
    else if (event.key === "e") regrain(!edges);
    else if (event.key === "Escape" && view.up !== undefined) open(view.up);
    else return;
    event.preventDefault();
    event.stopPropagation(); // a notebook has its own use for arrows
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
  open(0);
  if (!ofPage) return key;
  follow(location.hash);
  addEventListener("hashchange", (event) => follow(new URL(event.newURL).hash)); // a note may have changed the address since
  document.addEventListener("keydown", (event) => event.target === document.body && key(event));
  return key;
}
