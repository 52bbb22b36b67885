// The browser's Python under Node: of each line that comes in, a program as JSON, one goes out, with what it printed and
// its error. The folder of docs/interpreter.py is the first argument; the folders and wheels after it are unpacked.
import {readFileSync} from "node:fs";
import {createInterface} from "node:readline";
import {pathToFileURL} from "node:url";

const [folder, ...wheels] = process.argv.slice(2);
const {loadPyodide} = await import(pathToFileURL(`${folder}/pyodide.mjs`));
const python = await loadPyodide();
const extractDir = python.runPython("import site; site.getsitepackages()[0]"); // else: the folder that one is in
for (const wheel of wheels) python.unpackArchive(new Uint8Array(readFileSync(wheel)), "wheel", {extractDir});
let printed = "";
const print = {batched: line => { printed += line + "\n"; }};
python.setStdout(print);
python.setStderr(print);
for await (const line of createInterface({input: process.stdin})) {
  printed = "";
  let error = null;
  try {
    python.runPython(JSON.parse(line), {globals: python.toPy({__name__: "__main__"})});
  } catch (raised) {
    error = String(raised.message);
  }
  console.log(JSON.stringify({printed, error}));
}
