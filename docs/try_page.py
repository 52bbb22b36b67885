"""The page to try autodiff, as a folder of files that any server hands out: `python docs/try_page.py FOLDER`.

Its sources are in `docs/try/`; the stepper, the training and the sheet are the package's own scripts, the interpreter
is that of `docs/interpreter.py`, and the lessons are the notebooks. `mkdocs build` puts it into the site;
`docs/offline.py` makes one file of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE / "try"))

from interpreter import interpreter  # noqa: E402  # a neighbour, where the path says so
from lessons import lessons  # noqa: E402

SOURCE, PACKAGE = HERE / "try", HERE.parent / "autodiff"
STEPPER, SHEETS = PACKAGE / "show" / "stepper", PACKAGE / "exercises" / "sheets"
KEPT = HERE.parent / ".cache" / "compiled"
IMPORTED = ("pyodide.mjs", "pyodide.asm.mjs")
FROM_PYODIDE = ("pyodide.asm.wasm", "pyodide-lock.json", *IMPORTED)
ASKED = ("pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json", "packages.zip", "bench.py")  # for by the worker
STDLIB, PACKAGES = "/lib/python314.zip", "/lib/python3.14/site-packages"  # where they are in the interpreter
SCRIPTS = (
    "data.js",
    "lessons-data.js",
    "parts.js",
    "safe.js",
    "link.js",
    "views.js",
    "start.js",
    "python.js",
    "lessons.js",
    "try.js",
)
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src data:; connect-src 'self'; "
    "worker-src 'self' blob:; base-uri 'none'; form-action 'none'"
)
# The package's scripts listen to the page's colours as long as it lives. Here a stepper is made anew at each drag, and
# the page makes the view anew when its colours change: so they are given what never calls.
PARTS = """\
// The package's own scripts, in one place.
const PARTS = (() => {
  const matchMedia = () => ({ addEventListener() {} });
  class MutationObserver { observe() {} }
  const stepper = (() => {
%s
    return { mount, train };
  })();
  const sheet = (() => {
%s
    return { mountSheet };
  })();
  return { ...stepper, ...sheet, css: %s };
})();
"""


def make(folder: Path) -> None:
    """Write the page into a folder.

    Raises:
        OSError: if npm is not there, or a file cannot be written.
        subprocess.CalledProcessError: if npm or pip cannot get the interpreter.
    """
    python = interpreter()
    folder.mkdir(parents=True, exist_ok=True)
    for name in FROM_PYODIDE:
        shutil.copyfile(python / name, folder / name)
    shutil.copyfile(_compiled(python, STDLIB, [python / "python_stdlib.zip"]), folder / "python_stdlib.zip")
    shutil.copyfile(_compiled(python, PACKAGES, sorted((python / "wheels").glob("*.whl"))), folder / "packages.zip")
    for name in ("try.css", "bench.py", "worker.js", *SCRIPTS):
        if (SOURCE / name).exists():
            shutil.copyfile(SOURCE / name, folder / name)
    for name, content in scripts(folder).items():
        (folder / name).write_text(content, "utf-8")
    tags = "\n".join([f'<script defer src="{name}"></script>' for name in SCRIPTS])
    (folder / "index.html").write_text(html(POLICY, '<link rel="stylesheet" href="try.css">', tags, "../"), "utf-8")
    kept = sorted([path for path in folder.rglob("*") if path.is_file() and path.name != "sw.js"])
    version = hashlib.sha256(b"".join([hashlib.sha256(path.read_bytes()).digest() for path in kept])).hexdigest()[:16]
    names = json.dumps(["./", *[path.relative_to(folder).as_posix() for path in kept]])
    constants = f'const VERSION = "autodiff-{version}";\nconst KEPT = {names};\n'
    (folder / "sw.js").write_text(constants + (SOURCE / "sw.js").read_text("utf-8"), "utf-8")


def _compiled(python: Path, place: str, archives: Sequence[Path]) -> Path:
    """Return the path of one archive with what is in some, all modules compiled; it is kept."""
    made_of = b"".join([path.read_bytes() for path in (SOURCE / "compile.mjs", python / "pyodide.mjs", *archives)])
    made = KEPT / f"{hashlib.sha256(made_of).hexdigest()[:16]}.zip"
    if not made.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        unfinished = KEPT / f"{made.stem}-{os.getpid()}"
        command = ["node", str(SOURCE / "compile.mjs"), str(python), place, str(unfinished), *map(str, archives)]
        subprocess.run(command, check=True)
        unfinished.replace(made)
    return made


def html(policy: str, styles: str, scripts: str, home: str) -> str:
    """Return the page with what is put into its places."""
    page = (SOURCE / "index.html").read_text("utf-8")
    for place, content in {"policy": policy, "styles": styles, "scripts": scripts, "home": home}.items():
        page = page.replace("{{" + place + "}}", content)
    return page


def scripts(folder: Path) -> dict[str, str]:
    """Return the scripts that are made of others, by name; `folder` has the files that the worker asks for."""
    sizes = {name: (folder / name).stat().st_size for name in ASKED}
    examples = json.loads((SOURCE / "examples.json").read_text("utf-8"))
    constants = {"FILES": sizes, "EXAMPLES": examples, "FIRST": first(examples[0])}
    data = "".join([f"const {name} = {_literal(thing)};\n" for name, thing in constants.items()])
    return {"data.js": data, "lessons-data.js": f"const LESSONS = {_literal(lessons())};\n", "parts.js": parts()}


def parts() -> str:
    """Return the package's scripts with their sheets, as the constant PARTS."""
    stepper, training, sheet = [
        _joined([path]) for path in (STEPPER / "stepper.css", STEPPER / "training.css", SHEETS / "sheet.css")
    ]
    css = {"stepper": stepper, "training": [stepper, training], "sheet": stepper + sheet}
    steps = _joined([STEPPER / "words.js", STEPPER / "stepper.js", STEPPER / "training.js"])
    return PARTS % (steps, _joined([SHEETS / "check.js", SHEETS / "sheet.js"]), _literal(css))


def first(example: dict[str, Any]) -> dict[str, Any]:
    """Return what the views show of an example, so that it is seen before the interpreter is there."""
    asked = {"text": example["text"], "trusted": False, "options": example["options"]}
    views = bench().VIEWS
    return {view: json.loads(bench().answer(json.dumps({**asked, "view": view}))) for view in views}


@cache
def bench() -> ModuleType:
    """Return the module that runs in the page, run here."""
    import bench

    return bench


def _joined(paths: Sequence[Path]) -> str:
    return "\n".join([path.read_text("utf-8") for path in paths])


def _literal(thing: Any) -> str:
    """Return data as JavaScript that may stand inside of a script element."""
    return json.dumps(thing, separators=(",", ":")).replace("<", "\\u003c").replace("\u2028", "\\u2028")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
