// The interpreter, in a worker of its own: what never ends is stopped by ending the worker. It is made from a Blob, so
// that the page's content-security policy holds here, too, and answers with text alone.
//   {base, files, held}: where the files are, their sizes by name, and, without a server, all files themselves.
//   {id, call, request}: a function of bench.py, and what it is given.

"use strict";
const TYPES = { wasm: "application/wasm", json: "application/json" };
const PACKAGES = "/lib/python3.14/site-packages"; // as in try_page.py
let bench = null;

self.onmessage = async ({ data }) => {
  try {
    if (data.files) await start(data);
    else self.postMessage({ id: data.id, answer: bench[data.call](data.request) });
  } catch (error) {
    self.postMessage({ id: data.id, failed: String(error?.message ?? error).slice(0, 2000) });
  }
};

async function start({ base, files, held }) {
  const address = (name) => new URL(name, base).href;
  const total = Object.values(files).reduce((sum, size) => sum + size, 0);
  let loaded = 0;
  const tell = () => self.postMessage({ loaded, total });
  const typed = (name) => ({ headers: { "Content-Type": TYPES[name.split(".").at(-1)] ?? "application/octet-stream" } });
  // Each file is asked for once, all at the same time; the interpreter gets them by the same names.
  const network = self.fetch.bind(self);
  const asked = new Map(Object.keys(files).map((name) => [address(name), held ? fromMemory(name) : fromNetwork(name)]));
  self.fetch = (what, options) => {
    const name = String(what?.url ?? what);
    const found = asked.get(name);
    asked.delete(name);
    return found ?? network(what, options);
  };
  async function fromMemory(name) {
    return new Response(held[name], typed(name));
  }
  async function fromNetwork(name) {
    const response = await network(address(name));
    if (!response.ok) throw new Error(`${name} is not there (${response.status})`);
    const counting = new TransformStream({
      transform(chunk, out) {
        loaded += chunk.byteLength;
        tell();
        out.enqueue(chunk);
      },
    });
    return new Response(response.body.pipeThrough(counting), typed(name));
  }

  const { loadPyodide } = await import(held ? scripts(held) : address("pyodide.mjs"));
  const python = await loadPyodide({ indexURL: base, stdin: () => null, stdout: () => {}, stderr: () => {} });
  self.postMessage({ stage: "packages" });
  const packages = await (await self.fetch(address("packages.zip"))).arrayBuffer();
  python.unpackArchive(packages, "zip", { extractDir: PACKAGES });
  const source = await (await self.fetch(address("bench.py"))).text();
  python.FS.writeFile("/home/pyodide/bench.py", source);
  bench = python.pyimport("bench");
  self.fetch = network;
  self.postMessage({ stage: "ready" });
}

// Return the address of the interpreter's script where there is no server: it asks for its second one by that address.
function scripts(held) {
  const blob = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const text = (name) => new TextDecoder().decode(held[name]);
  const inner = blob(text("pyodide.asm.mjs"));
  const outer = text("pyodide.mjs").replaceAll(/\bimport\((\w+)\)/g, (_, name) => `import(${name}.endsWith("pyodide.asm.mjs") ? ${JSON.stringify(inner)} : ${name})`);
  return blob(outer);
}
