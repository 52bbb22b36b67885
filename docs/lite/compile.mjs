// node compile.mjs FOLDER PACKAGES: what a kernel and a first lesson import is put into the interpreter's archives as
// bytecode, too.
// Python in the browser has nowhere to keep bytecode, and would compile the same files at each start.
import { readFileSync } from "node:fs";
process.on("uncaughtException", (error) => { // node would print the interpreter's source, which is a line of a megabyte
  console.error(error.message);
  process.exit(1);
});
const [folder, packages] = process.argv.slice(2);
const { loadPyodide } = await import(`${folder}/pyodide.mjs`);
const python = await loadPyodide({ indexURL: `${folder}/` });
await python.loadPackage(packages.split(","), { messageCallback() {} });
python.mountNodeFS("/folder", folder);
python.runPython(`
import importlib._bootstrap_external as bootstrap
import pathlib, sys, zipfile
from autodiff import Value, derive, draw, exercise, steps

weight = Value(2.0)
loss = (weight * 3.0 - 1.0) ** 2
str(derive(loss, weight))
for shown in (draw(loss), steps(loss), exercise(loss)):
    shown._repr_mimebundle_()

import IPython, jedi, piplite.piplite
import pyodide_kernel # from here on, what is printed goes nowhere

SITE = "/lib/python3.14/site-packages/"
STDLIB = "/lib/python314.zip/"
STUBS = "jedi/third_party/"
STRANGE = tuple(STUBS + folder for folder in ("django-stubs/", "typeshed/third_party/2", "typeshed/stdlib/2/")) # of what is not here
folder = pathlib.Path("/folder")
started = {getattr(module, "__file__", None) or "" for module in [*sys.modules.values()]}


def with_bytecode(archive, root, name_of, keep, more=()):
    """Write an archive anew, with the bytecode of what was started, beside its source or in its place."""
    with zipfile.ZipFile(archive) as old:
        names = [name for name in old.namelist() if not name.endswith("/") and not name.startswith(STRANGE)]
        files = {name: old.read(name) for name in names} | dict(more)
    for name in [*files]:
        if name.endswith(".py") and root + name in started:
            code = compile(files[name], root + name, "exec", dont_inherit=True)
            if not keep:
                del files[name]
            files[name_of(name)] = bytes(bootstrap._code_to_hash_pyc(code, bytes(8), False))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in files.items():
            new.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)


def beside(name):
    folder, _, own = name.rpartition("/")
    return f"{folder}/__pycache__/{own.removesuffix('.py')}.cpython-314.pyc"


own = {"sitecustomize.py": ${JSON.stringify(readFileSync(new URL("sitecustomize.py", import.meta.url), "utf-8"))}.encode()}
with_bytecode(folder / "python_stdlib.zip", STDLIB, lambda name: name + "c", keep=False, more=own)
for wheel in folder.glob("*.whl"):
    with_bytecode(wheel, SITE, beside, keep=True) # tracebacks show its lines
`);
