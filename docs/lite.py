"""The notebooks in the browser: `python docs/lite.py FOLDER` makes a JupyterLite site, which needs no network.

    python docs/lite.py site && python -m http.server --directory site --bind 127.0.0.1

It is made of what the package registries have, in pinned versions: the interpreter (see interpreter.py), JupyterLite,
and what its kernel imports (lite/requirements.txt, with hashes). These are kept in `.cache/`. It needs npm and the
extra `notebooks`.

The interpreter's own list of packages names hundreds that are elsewhere. Here it names the wheels that lie beside it:
the kernel loads all of them as it starts, `import autodiff` needs no `%pip`, and nothing that is missing is asked for.
"""

from __future__ import annotations

import argparse
import ast
import fcntl
import hashlib
import html
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

import nbformat
from interpreter import FILES, ROOT, get_wheels, interpreter

HERE = Path(__file__).parent / "lite"
KEPT = ROOT / ".cache" / "lite"
BUILDERS = ("doit", "jupyterlite_core", "jupyterlite_pyodide_kernel", "pkginfo")  # these wheels run here
STARTED = ("ipykernel-6", "piplite-", "pyodide_kernel-")  # of the wheels within the kernel's, what it starts with
PACKAGES = ("autodiff-scalar", "comm", "ipykernel", "ipython", "jedi", "micropip", "piplite", "pyodide-kernel")
# Without the name of a workspace, how its columns and panels stand is not written to the browser's database, for which
# JupyterLab would wait twice half a second before it opens a notebook. Notebooks are kept all the same.
OFF = ["@jupyterlite/application-extension:resolver"]
UNUSED = ("build/fa-*[!2]", "rspack.config*.js", "package.json")  # fonts in the forms that browsers had before woff2
ICONS = ("favicon-busy-1.ico", "favicon-notebook.ico")  # which JupyterLite asks for and does not bring
LESSON = re.compile(r"^\| (\d+) \| \[(.+?)\]\((.+?\.ipynb)\) \| (.+?) \|$", re.MULTILINE)
READ = """\
> **To read here, not to run.** This lesson calculates with NumPy, which this site has not. What its cells show is saved
> below them. To run it on a computer with Python: `pip install 'autodiff-scalar[notebooks]'`, then `jupyter lab`."""
PICTURES = """\
> **Here without matplotlib**, which this site has not: lines that draw by it are comments, and what they draw is a
> picture below them. All else runs, and can be changed."""
START = "import sys; from jupyterlite_core.app import main; sys.exit(main())"
EPOCH = 1767225600  # the time of every file, so that the same sources make the same site


def lite(folder: Path) -> None:
    """Write the site into a folder, which is new or empty.

    Raises:
        FileExistsError: if there is something in the folder.
        subprocess.CalledProcessError: if npm or pip cannot get what is missing, or a file has another hash.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty: name a new folder")
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two processes of tests may want it at once
        wheels = _wheels()
        python = _python(wheels)
        _build(folder, wheels, python)
    for pattern in UNUSED:
        for path in folder.glob(pattern):
            path.unlink()
    (folder / "static" / "favicons").mkdir()
    for name in ICONS:
        shutil.copyfile(folder / "notebooks" / "favicon.ico", folder / "static" / "favicons" / name)
    (folder / "index.html").write_text(_index(), encoding="utf-8")
    _ask_at_once(folder)


def needs_numpy(notebook: Any) -> bool:
    """Return whether a notebook calculates with NumPy, itself or by a replay that is to be fast."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return "import numpy" in code or "Replay(" in code


def adapted(notebook: Any) -> Any:
    """Return a notebook as the site has it: no registry has NumPy or matplotlib for the browser.

    One that needs NumPy is as it is. In others, lines that draw by matplotlib become comments, and the picture that
    they have drawn stands below them: all other lines run. A cell at the top says so.
    """
    if needs_numpy(notebook):
        cells = [nbformat.v4.new_markdown_cell(READ, id="read"), *notebook.cells]
    else:
        cells = []
        for cell in notebook.cells:
            picture = _picture(cell)
            if cell.cell_type == "code":
                lines, drawing = cell.source.splitlines(), _drawing(cell.source)
                cell.source = "\n".join(f"# {line}" if i in drawing else line for i, line in enumerate(lines, 1))
                cell.outputs = [output for output in cell.outputs if "image/png" not in output.get("data", {})]
            cells += [cell, picture] if picture else [cell]
        if any("attachments" in cell for cell in cells):
            cells.insert(0, nbformat.v4.new_markdown_cell(PICTURES, id="pictures"))
    return nbformat.from_dict({**notebook, "cells": cells})


def _picture(cell: Any) -> Any:
    """Return what a cell has drawn by matplotlib, as a cell of its own, or None."""
    pictures = [output.data["image/png"] for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    if not pictures:
        return None
    attachments = {f"{i}.png": {"image/png": picture} for i, picture in enumerate(pictures)}
    text = "\n".join(f"![what these lines draw](attachment:{name})" for name in attachments)
    return nbformat.v4.new_markdown_cell(text, id=f"{cell.id}-picture", attachments=attachments)


def _drawing(code: str) -> set[int]:
    """Return the numbers of the lines that draw: statements with a name of matplotlib's, or one assigned by such."""
    lines: set[int] = set()
    names = {"matplotlib", "plots", "plt"}
    for statement in ast.parse(code).body:
        if isinstance(statement, ast.ImportFrom) or not names & set(re.findall(r"\w+", ast.unparse(statement))):
            continue
        lines |= set(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
        if isinstance(statement, ast.Assign):
            named = [node for target in statement.targets for node in ast.walk(target)]
            names |= {node.id for node in named if isinstance(node, ast.Name)}
    return lines


def _wheels() -> list[Path]:
    """Return the wheels of JupyterLite and its kernel, which are fetched if the kept ones are not those asked for."""
    asked, folder = HERE / "requirements.txt", KEPT / "wheels"
    note = folder / "made_of.txt"
    if not note.exists() or note.read_text() != asked.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        get_wheels(folder, ["--require-hashes", "--requirement", str(asked)])
        note.write_text(asked.read_text())
    return sorted(folder.glob("*.whl"))


def _python(wheels: list[Path]) -> Path:
    """Return the folder of the interpreter with all wheels, as the site has it: kept until one of them changes."""
    source = interpreter()
    archives = [*(source / name for name in FILES), *sorted((source / "wheels").glob("*.whl")), *wheels]
    made_of = [HERE / "compile.mjs", HERE / "sitecustomize.py", *archives]
    digest = hashlib.sha256(b"".join(map(Path.read_bytes, made_of))).hexdigest()
    folder, note = KEPT / "python", KEPT / "python.txt"
    if not note.exists() or note.read_text() != digest:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for path in archives:
            if not path.name.startswith(BUILDERS):
                shutil.copyfile(path, folder / path.name)
        with zipfile.ZipFile(next(wheel for wheel in wheels if wheel.name.startswith(BUILDERS[2]))) as kernel:
            for name in kernel.namelist():
                if name.endswith(".whl") and Path(name).name.startswith(STARTED):
                    (folder / Path(name).name).write_bytes(kernel.read(name))
        _list_packages(folder)
        subprocess.run(["node", str(HERE / "compile.mjs"), str(folder), ",".join(PACKAGES)], check=True)
        _list_packages(folder)  # whose hashes are others now
        note.write_text(digest)
    return folder


def _list_packages(folder: Path) -> None:
    """Make the interpreter's list of packages that of the wheels beside it."""
    found = [_package(wheel) for wheel in sorted(folder.glob("*.whl"))]
    names = {package["name"] for package in found}
    for package in found:
        package["depends"] = sorted(names.intersection(package["depends"]))
    path = folder / "pyodide-lock.json"
    lock = json.loads(path.read_text(encoding="utf-8"))
    lock["packages"] = {package["name"]: package for package in found}
    path.write_text(json.dumps(lock, indent=1), encoding="utf-8")


def _package(wheel: Path) -> dict[str, Any]:
    """Return the line of that list for a wheel."""
    content = wheel.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = archive.namelist()
        metadata = next(name for name in files if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        about = HeaderParser().parsestr(archive.read(metadata).decode())
    tops = {name.partition("/")[0].removesuffix(".py") for name in files if name.endswith(".py")}
    needed = [entry for entry in about.get_all("Requires-Dist", []) if "extra ==" not in entry]
    return {
        "name": _normal(about["Name"]),
        "version": about["Version"],
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(content).hexdigest(),
        "package_type": "package",
        "imports": sorted(filter(str.isidentifier, tops)),
        "depends": [_normal(re.split(r"[^\w.-]", entry, maxsplit=1)[0]) for entry in needed],
        "unvendored_tests": False,
    }


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _build(folder: Path, wheels: list[Path], python: Path) -> None:
    """Have JupyterLite write the site, from a folder of what it reads."""
    builders = [wheel for wheel in wheels if wheel.name.startswith(BUILDERS)]
    build = {
        "apps": ["notebooks", "tree"],
        "federated_extensions": [str(wheel) for wheel in builders if wheel.name.startswith(BUILDERS[2])],
        "ignore_sys_prefix": True,  # what is installed here is nothing of the site's
        "no_libarchive": True,
        "no_sourcemaps": True,
        "no_unused_shared_packages": True,
        "output_dir": "built/site",  # in a folder of its own, as the time of whatever lies beside it is set, too
        "source_date_epoch": EPOCH,
    }
    kernel = {"disablePyPIFallback": True, "loadPyodideOptions": {"packages": PACKAGES}}
    plugins = {"@jupyterlite/pyodide-kernel-extension:kernel": kernel}
    site = {"appName": "autodiff", "litePluginSettings": plugins, "disabledExtensions": OFF}
    read = {
        "jupyter_lite_config": {"LiteBuildConfig": build},
        "jupyter-lite": {"jupyter-lite-schema-version": 0, "jupyter-config-data": site},
        "overrides": {
            "@jupyterlab/apputils-extension:themes": {"adaptive-theme": True},  # as the system is
            "@jupyterlab/notebook-extension:tracker": {"windowingMode": "defer"},  # a stepper out of sight lives on
        },
    }
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for wheel in builders:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(work / "builders")
        for name, content in read.items():
            (work / f"{name}.json").write_text(json.dumps(content, indent=2), encoding="utf-8")
        for name in ("files", "static"):
            (work / name).mkdir()
        for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
            notebook = adapted(nbformat.read(path, as_version=4))
            nbformat.write(notebook, work / "files" / path.name)
        (work / "static" / "pyodide").symlink_to(python)
        command = [sys.executable, "-c", START, "build", "--lite-dir", str(work), "--log-level", "ERROR"]
        environment = {**os.environ, "PYTHONPATH": str(work / "builders")}
        subprocess.run(command, check=True, env=environment, cwd=work, stdout=subprocess.DEVNULL)
        shutil.copytree(work / "built" / "site", folder, dirs_exist_ok=True)


def _ask_at_once(folder: Path) -> None:
    """Let the page of a notebook ask for what its kernel starts from, which asks only when JupyterLab has started."""
    page, python = folder / "notebooks" / "index.html", folder / "static" / "pyodide"
    names = [*FILES, *sorted(path.name for path in python.glob("*.whl"))]
    links = "".join([f'<link rel="prefetch" href="../static/pyodide/{name}">\n' for name in names])
    head, end, rest = page.read_text(encoding="utf-8").partition("</head>")
    page.write_text(head + links + end + rest, encoding="utf-8")


def _index() -> str:
    """Return the first page: the lessons, and what each needs."""
    rows = []
    for number, title, name, about in LESSON.findall((ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")):
        read = needs_numpy(nbformat.read(ROOT / "notebooks" / name, as_version=4))
        rows.append(
            f'<tr{" class=read" if read else ""}><td>{number}<td><a href="notebooks/index.html?path={name}">'
            f"{html.escape(title)}</a><br>{html.escape(about)}<td>{'to read: it needs NumPy' if read else 'runs here'}"
        )
    return (HERE / "index.html").read_text(encoding="utf-8").replace("<!-- lessons -->", "\n".join(rows))


def main() -> None:
    """Write the site where the command line says, and how large it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a new or empty folder")
    folder = parser.parse_args().folder
    lite(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{size / 1e6:.1f} MB in {folder}; serve it: python -m http.server --directory {folder} --bind 127.0.0.1")


if __name__ == "__main__":
    main()
