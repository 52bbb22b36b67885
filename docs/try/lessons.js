// The lessons: the notebooks' words, and their code in cells that run here. LESSONS: [{name, title, cells}]; a cell is
// {html}, or {code, saved}: what it printed or drew when the notebook was made, until it is run.

let opened = null;

function openLesson(name) {
  const lesson = LESSONS.find((each) => each.name === name) ?? LESSONS[0];
  if (opened === lesson.name) return;
  opened = lesson.name;
  at("contents").replaceChildren(
    ...LESSONS.map((each) => make("li", {}, make("a", { href: `#lesson=${each.name}`, "aria-current": each === lesson ? "page" : false }, each.title))),
  );
  const cells = [];
  const parts = lesson.cells.map((cell) => {
    if (cell.html !== undefined) return make("section", {}, words(cell.html));
    const made = new Cell(cells, lesson.name, cell);
    cells.push(made);
    return made.element;
  });
  at("lesson").replaceChildren(...parts);
  scrollTo(0, 0);
}

class Cell {
  constructor(cells, lesson, { code, saved }) {
    Object.assign(this, { cells, lesson, ran: null });
    const lines = code.split("\n").length;
    this.text = make("textarea", { rows: lines, spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-label": "Code" });
    this.text.value = code;
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey || event.shiftKey)) return;
      event.preventDefault();
      this.run();
    });
    this.out = make("div", { class: "out", "aria-live": "polite" });
    if (saved) showThing(this.out, saved);
    const button = make("button", { type: "button", click: () => this.run() }, "Run");
    this.element = make("div", { class: "cell" }, this.text, make("div", { class: "row" }, button), this.out);
  }

  // Run what comes before, as far as it has not been run as it stands, then this.
  async run() {
    const place = this.cells.indexOf(this);
    let from = this.cells.findIndex((cell) => cell.ran !== cell.text.value);
    if (from < 0 || from > place) from = place;
    for (let i = from; i <= place; i++) {
      const cell = this.cells[i];
      const request = { lesson: this.lesson, code: cell.text.value, anew: i === 0 };
      cell.ran = request.code;
      const answer = await python.ask("cell", request, `cell ${i}`);
      if (answer === null || answer.stopped) return this.forget(answer && "Stopped.");
      cell.show(answer);
      if (answer.error) return this.forget();
    }
  }

  forget(words) {
    for (const cell of this.cells) cell.ran = null;
    if (words) this.out.replaceChildren(make("p", { class: "error" }, words));
  }

  show({ printed, shown, error, without }) {
    this.out.replaceChildren(...(without ? this.out.querySelectorAll("img") : [])); // a picture that was saved stays
    if (printed) this.out.append(make("pre", {}, printed));
    if (shown) {
      const place = make("div");
      this.out.append(place);
      showThing(place, shown);
    }
    if (without) this.out.append(make("p", { class: "caption" }, "Lines that need matplotlib or NumPy were left out: they are not in this page."));
    if (error) this.out.append(make("p", { class: "error" }, error.line ? `Line ${error.line}: ${error.words}` : error.words));
  }
}
