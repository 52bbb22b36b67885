// node compile.mjs FOLDER PLACE OUT IN...: put archives of Python together as one, each module compiled, by the interpreter
// in FOLDER itself. To compile takes half of the time in which a page starts, and need not be done at each start.
// The standard library goes without its docstrings, a seventh of its size. PLACE is where the modules will be, by which the
// package tells its own lines from a learner's.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, place, out, ...archives] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`).href);
const python = await loadPyodide();
archives.forEach((path, i) => python.FS.writeFile(`/tmp/${i}.zip`, readFileSync(path)));
python.runPython(`
import zipfile
from importlib._bootstrap_external import _code_to_hash_pyc

with zipfile.ZipFile("/tmp/out.zip", "w") as out:
    for i in range(${archives.length}):
        with zipfile.ZipFile(f"/tmp/{i}.zip") as archive:
            for name in [name for name in archive.namelist() if not name.endswith("/")]:
                content = archive.read(name)
                if name.endswith(".py"):
                    code = compile(content, f"${place}/{name}", "exec", dont_inherit=True, optimize=${place.endsWith(".zip") ? 2 : 0})
                    name, content = f"{name}c", _code_to_hash_pyc(code, bytes(8), False)
                entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                out.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)
`);
writeFileSync(out, python.FS.readFile("/tmp/out.zip"));
