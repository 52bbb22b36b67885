// The page's interpreter: started, asked, stopped. A stopped one is ended and started anew.

class Python {
  // tell: is called with {loaded, total}, {stage}, or {failed}.
  constructor(tell) {
    this.tell = tell;
    this.waiting = []; // [{call, request, kind, done}]; of one kind only the last one is of interest
    this.current = null;
    this.start();
  }

  start() {
    this.ready = false;
    const code = HELD ? HELD.worker : `importScripts(${JSON.stringify(new URL("worker.js", document.baseURI).href)})`;
    const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const worker = new Worker(address);
    this.worker = worker;
    worker.onmessage = ({ data }) => worker === this.worker && this.hear(data); // of one that was ended nothing counts
    worker.onerror = (event) => this.tell({ failed: event.message || "the worker could not be started" });
    const base = HELD ? "https://offline.invalid/" : new URL(".", document.baseURI).href;
    const send = (held) => worker.postMessage({ base, files: FILES, held });
    if (HELD) HELD.files().then(send, (error) => this.tell({ failed: String(error) }));
    else send(null);
  }

  hear(data) {
    if (data.stage === "ready") this.ready = true;
    if (data.failed && data.id === undefined) return this.tell(data);
    if (data.id === undefined) {
      this.tell(data);
      return this.next();
    }
    if (data.id !== this.current?.id) return; // a program can send what it likes
    const { done } = this.current;
    this.current = null;
    clearTimeout(this.timer);
    this.tell({ stage: "idle" });
    let answer;
    try {
      if (data.failed !== undefined) throw new Error(data.failed);
      answer = JSON.parse(data.answer);
    } catch ({ message }) {
      answer = { error: { words: `Python broke down over this, and starts again (${message.split("\n")[0]}).`, line: null } };
      this.renew(); // an interpreter that fails, and not its program, cannot be trusted with another one
    }
    done(answer);
    this.next();
  }

  // Promise what a function of bench.py answers; or null, if another question of the same kind has come since.
  ask(call, request, kind) {
    return new Promise((done) => {
      for (const old of this.waiting.filter((each) => each.kind === kind)) old.done(null);
      this.waiting = [...this.waiting.filter((each) => each.kind !== kind), { call, request, kind, done }];
      this.next();
    });
  }

  next() {
    if (!this.ready || this.current || !this.waiting.length) return;
    this.current = this.waiting.shift();
    this.current.id = (this.last = (this.last ?? 0) + 1);
    const { id, call, request } = this.current;
    this.worker.postMessage({ id, call, request: JSON.stringify(request) });
    this.timer = setTimeout(() => this.tell({ stage: "busy" }), 700);
  }

  // End what runs, and start anew. What was asked is answered as stopped.
  stop() {
    const stopped = [...(this.current ? [this.current] : []), ...this.waiting];
    this.waiting = [];
    for (const { done } of stopped) done({ stopped: true });
    this.renew();
  }

  // The same, but what waits is asked of the new interpreter.
  renew() {
    this.worker.terminate();
    clearTimeout(this.timer);
    this.current = null;
    this.tell({ stage: "stopped" });
    this.start();
  }
}
