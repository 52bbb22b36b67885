// The sheet: the stepper's picture with blanks, one question after the other. No network, no library, no random names.
// ASCII alone, so that a page is the same bytes in every encoding, and the hash of its script holds.

// Put a sheet into `element`, whose children are shown on paper alone.
//   sheet: see page.py; every text in it is written as text, never as markup.
function mountSheet(element, sheet, css) {
  element.dataset.live = "";
  const ofPage = "page" in element.dataset; // then its keys mean the sheet, and answers outlast a reload
  const bytes = Uint8Array.from(atob(element.querySelector("img").src.split(",")[1]), (c) => c.charCodeAt(0));
  const svg = new TextDecoder().decode(bytes);
  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  const button = (text, action, attributes = {}) => {
    const made = make("button", { type: "button", ...attributes }, text);
    made.addEventListener("click", action);
    return made;
  };
  const code = (text) => make("code", {}, text);
  const KEPT = `autodiff-${sheet.exercise}-${sheet.keyed}`; // where answers are kept
  const PLAIN = { autocapitalize: "off", autocomplete: "off", spellcheck: "false" };
  const questions = sheet.questions;
  const last = questions.length; // one further than the questions: the end
  const done = { position: 0, who: "", given: {}, hints: {}, shown: {}, met: [], ...recalled() };
  let position = done.position;

  // The parts.
  const first = button("First", () => go(0));
  const back = button("Back", () => go(position - 1));
  const next = button("Next", () => go(position + 1));
  const end = button("Last", () => go(last));
  const slider = make("input", { type: "range", min: 0, max: last, step: 1, "aria-label": "Question" });
  slider.addEventListener("input", () => go(Number(slider.value)));
  const count = make("output", { class: "count" });
  const bar = make("div", { class: "bar", role: "group", "aria-label": "Questions" });
  bar.append(make("span", { class: "buttons" }, first, back, next, end), slider, count);
  const drawing = document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true);
  drawing.removeAttribute("role"); // its nodes are buttons
  drawing.style.setProperty("--natural", `${drawing.width.baseVal.value}px`);
  const canvas = make("div", { class: "canvas" }, drawing);
  const givens = make("p", { class: "givens" }, "Given: ", code(sheet.given));
  const title = make("h2", { id: "asked", tabindex: "-1" });
  const asked = make("form", { class: "asked", autocomplete: "off", novalidate: "" });
  asked.addEventListener("submit", (event) => {
    event.preventDefault();
    answer();
  });
  const verdict = make("p", { class: "verdict", role: "status", "aria-live": "polite" });
  const hints = make("ol", { class: "hints", "aria-live": "polite" });
  const tools = make("div", { class: "buttons" });
  const told = make("div", { class: "told" }, title, asked, verdict, hints, tools);
  const overview = make("div", { class: "overview" });
  const panel = make("div", { class: "panel" }, told, overview);
  const keyed = "This page corrects answers where it is, so the right ones can be read in its source.";
  const bare = "This page carries no answers. It sends nothing: save yours at the end, and hand the file in.";
  const note = make("p", { class: "legend" }, sheet.keyed ? keyed : bare);
  const name = `Exercise: the gradient of ${sheet.root}`;
  const frame = make("section", { class: "stepper sheet", "aria-label": name }, bar, givens, canvas, panel, note);
  const shadow = element.attachShadow({ mode: "open" });
  const style = new CSSStyleSheet();
  style.replaceSync(css);
  shadow.adoptedStyleSheets = [style];
  shadow.append(frame, make("slot"));

  // The drawing.
  const groups = new Map([...drawing.querySelectorAll("g[id]")].map((group) => [group.id, group]));
  const boxes = sheet.nodes.map((node) => groups.get(node.id));
  const numbers = boxes.map((box) => box.querySelector("text.data"));
  const gradients = boxes.map((box) => box.querySelector("text.gradient"));
  boxes.forEach((box, index) => {
    box.setAttribute("tabindex", "0");
    box.setAttribute("role", "button");
    box.addEventListener("click", () => visit(index));
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      visit(index);
    });
  });
  // A click on a box answers whose turn it is; else it leads to the first question about that node without an answer.
  function visit(node) {
    if (questions[position]?.choices.includes(sheet.nodes[node].name)) return answer(sheet.nodes[node].name);
    const about = questions.flatMap((each, place) => (each.node === node ? [place] : []));
    go(about.find((place) => done.given[place] === undefined) ?? about[0] ?? position);
  }

  // What is done.
  function go(target) {
    position = Math.min(Math.max(target, 0), last);
    show(true);
    keep();
  }
  // Take down an answer. Enter on a good one that was not changed goes on, and where nothing is said of answers.
  function answer(chosen) {
    const typed = (chosen ?? asked.querySelector("input").value).trim();
    const changed = typed !== (done.given[position] ?? "");
    if (typed) done.given[position] = typed;
    else delete done.given[position];
    if (changed) delete done.shown[position];
    const found = verdicts()[position];
    if (changed) done.met.push(...(found?.misconceptions ?? []));
    keep();
    if (found?.verdict === "noted" || (good(found) && !changed)) go(position + 1);
    else show();
  }
  const good = (found) => ["right", "following", "rounded", "shown"].includes(found?.verdict);
  // The verdict on each answer that there is; on a page without a key only that it was noted, or cannot be read.
  function verdicts() {
    const found = judge(sheet, done.given);
    for (const place of Object.keys(done.shown)) found[place] = { verdict: "shown", text: questions[place].hints.at(-1), misconceptions: [] };
    return found;
  }
  function help(count) {
    done.hints[position] = count;
    keep();
    show();
  }
  function reveal() {
    done.shown[position] = true;
    done.given[position] = questions[position].shown;
    help(questions[position].hints.length - 1);
  }
  function restart() {
    Object.assign(done, { given: {}, hints: {}, shown: {}, met: [] });
    go(0);
  }
  function keep() {
    done.position = position;
    try {
      if (ofPage) sessionStorage.setItem(KEPT, JSON.stringify(done));
    } catch {} // without a place for them, answers last as long as the element
  }
  function recalled() {
    try {
      return ofPage && JSON.parse(sessionStorage.getItem(KEPT));
    } catch {
      return null;
    }
  }
  // Hand over the answers as a file, for the teacher.
  function save() {
    const answers = Object.fromEntries(questions.flatMap((each, place) => (place in done.given ? [[each.name, done.given[place]]] : [])));
    const { exercise, made } = sheet;
    const content = JSON.stringify({ autodiff: "answers", version: 1, exercise, made, who: done.who, answers }, null, 1);
    const link = make("a", { download: `${done.who.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "answers"}.json` });
    link.href = URL.createObjectURL(new Blob([content], { type: "application/json" }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  // What is shown.
  const SIGN = { right: "\u2713", following: "\u2713", rounded: "\u2248", shown: "\u2022", noted: "\u2022", misconception: "\u2717", wrong: "\u2717", unread: "?" };
  function show(moved) {
    const writing = asked.contains(shadow.activeElement);
    const helping = tools.contains(shadow.activeElement);
    const found = verdicts();
    const here = questions[position];
    slider.value = position;
    slider.setAttribute("aria-valuetext", here ? `${position + 1} of ${last}` : "the end");
    count.textContent = here ? `${position + 1} / ${last}` : "the end";
    // not `disabled`: a button that is must give up the focus, and the keys would be lost
    for (const made of [first, back]) made.setAttribute("aria-disabled", position === 0);
    for (const made of [next, end]) made.setAttribute("aria-disabled", position === last);
    paint(found, here);
    if (here) ask(here, found[position]);
    else finish(found);
    list(found);
    // what had the focus was made anew
    const chosen = here?.choices.indexOf(done.given[position]) ?? -1;
    if (writing && chosen >= 0 && !moved) asked.querySelectorAll("button")[chosen].focus({ preventScroll: true });
    else if (helping && !moved) (tools.querySelector("button") ?? title).focus({ preventScroll: true });
    else if (writing || helping) (asked.querySelector("input, button") ?? title).focus({ preventScroll: true });
  }
  // The drawing, with the numbers that were answered so far, and a mark where they are not right.
  function paint(found, here) {
    const texts = sheet.nodes.map(({ known: [value, gradient] }) => ({ value, gradient }));
    questions.forEach((each, place) => {
      const typed = done.given[place];
      if (typed === undefined || !(each.kind === "value" || each.kind === "gradient")) return;
      const mark = good(found[place]) || found[place].verdict === "noted" ? "" : "?";
      texts[each.node][each.kind] = (typed.length > 10 ? `${typed.slice(0, 9)}\u2026` : typed) + mark;
    });
    boxes.forEach((box, node) => {
      const { name } = sheet.nodes[node];
      numbers[node].textContent = texts[node].value || "?";
      gradients[node].textContent = `grad ${texts[node].gradient || "?"}`;
      box.classList.toggle("on", here?.node === node);
      box.classList.toggle("with", Boolean(here?.with.includes(node)));
      const numbersHere = `${numbers[node].textContent}, ${gradients[node].textContent}`;
      box.setAttribute("aria-label", `${name}, ${numbersHere}: ${here?.choices.includes(name) ? "its turn" : "go to its questions"}`);
    });
    for (const [id, group] of groups) {
      if (group.classList.contains("edge")) group.classList.toggle("on", Boolean(here?.arrows.includes(id)));
    }
    if (here) reach([here.node, ...here.with].filter((node) => node !== null).map((node) => boxes[node]));
  }
  function ask(here, found) {
    title.replaceChildren(`${position + 1}. `, here.prompt);
    const typed = done.given[position] ?? "";
    if (here.choices.length) {
      const choices = here.choices.map((name) => {
        return button(name, () => answer(name), { class: "choice", "aria-pressed": typed === name });
      });
      asked.replaceChildren(make("div", { class: "choices", role: "group", "aria-labelledby": "asked" }, ...choices));
    } else {
      const input = make("input", { type: "text", id: "answer", "aria-describedby": "asked", ...PLAIN });
      input.value = typed;
      const label = make("label", { for: "answer" }, code(`${here.name} =`));
      asked.replaceChildren(label, input, make("button", { type: "submit" }, sheet.keyed ? "Check" : "Write down"));
    }
    verdict.className = `verdict ${found?.verdict ?? ""}`;
    const sign = found && make("b", { "aria-hidden": "true" }, `${SIGN[found.verdict]} `);
    verdict.replaceChildren(...(found ? [sign, found.text] : []));
    const given = done.hints[position] ?? 0;
    hints.replaceChildren(...here.hints.slice(0, given).map((text) => make("li", {}, text)));
    const ladder = Math.max(here.hints.length - 1, 0); // the last one is the answer
    const more = [];
    if (given < ladder) more.push(button(given ? "Another hint" : "Hint", () => help(given + 1)));
    else if (sheet.keyed && !good(found)) more.push(button("Show the answer", reveal));
    if (good(found) || found?.verdict === "noted") more.push(button("Go on", () => go(position + 1)));
    tools.replaceChildren(...more);
  }
  function finish(found) {
    const places = questions.map((_, place) => place);
    const open = places.filter((place) => done.given[place] === undefined);
    const own = places.filter((place) => good(found[place]) && found[place].verdict !== "shown");
    title.replaceChildren(sheet.keyed ? `${own.length} of ${last} found by yourself` : `${last - open.length} of ${last} answered`);
    const words = open.length ? [`Without an answer: ${open.map((place) => questions[place].name).join(", ")}.`] : [];
    if (sheet.keyed) words.push(...practice());
    verdict.className = "verdict";
    verdict.replaceChildren(...words.map((text) => make("span", { class: "line" }, text)));
    hints.replaceChildren();
    asked.replaceChildren();
    tools.replaceChildren(button("Start again", restart));
    if (sheet.keyed) return;
    const who = make("input", { type: "text", id: "who", ...PLAIN, autocomplete: "name" });
    who.value = done.who;
    who.addEventListener("input", () => {
      done.who = who.value;
      keep();
    });
    asked.replaceChildren(make("label", { for: "who" }, "Your name"), who, button("Save the answers", save));
  }
  // What was mistaken, most often first.
  function practice() {
    const times = new Map();
    for (const each of done.met) times.set(each, (times.get(each) ?? 0) + 1);
    const most = [...times].sort((x, y) => y[1] - x[1]).map(([each, n]) => (n > 1 ? `${each} (${n} times)` : each));
    return most.length ? [`To practise: ${most.join("; ")}.`] : [];
  }
  function list(found) {
    const rows = questions.map((each, place) => {
      const state = found[place]?.verdict;
      const current = place === position ? { "aria-current": "step" } : {};
      const there = button("", () => go(place), { class: state ?? "open", ...current });
      const sign = make("span", { class: "sign", "aria-hidden": "true" }, SIGN[state] ?? "");
      const typed = make("span", { class: "typed" }, done.given[place] ?? "");
      there.append(sign, code(each.name), typed, make("span", { class: "heard" }, `, ${state ?? "open"}`));
      return make("li", {}, there);
    });
    const listed = make("ol", {}, ...rows);
    overview.replaceChildren(make("h3", {}, "All questions"), listed);
    const there = rows[Math.min(position, last - 1)];
    listed.scrollTop = there.offsetTop - (listed.clientHeight - there.clientHeight) / 2;
  }
  // Scroll the drawing, and nothing else, to some boxes; the first of them counts most.
  function reach(some) {
    if (!some.length) return;
    const here = canvas.getBoundingClientRect();
    const there = some.map((box) => box.getBoundingClientRect());
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
    if (event.composedPath()[0].value) return; // in a field with something in it they move the caret
    event.preventDefault();
    event.stopPropagation(); // a notebook has its own use for arrows
    go(target);
  }
  frame.addEventListener("keydown", key);
  frame.addEventListener("keydown", (event) => event.stopPropagation()); // nor are letters commands of a notebook
  function dress() {
    for (let around = element; around; around = around.parentElement ?? around.getRootNode().host) {
      const [r, g, b, a = 1] = (getComputedStyle(around).backgroundColor.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
      if (a > 0.5) return frame.classList.toggle("dark", 0.3 * r + 0.6 * g + 0.1 * b < 128);
    }
  }
  dress();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", dress);
  new MutationObserver(dress).observe(document.body, { attributes: true }); // where notebooks note their theme
  if (ofPage) document.addEventListener("keydown", (event) => event.target === document.body && key(event));
  show();
}
