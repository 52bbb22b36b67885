"""Run the notebooks and write them back with their outputs.

    python notebooks/execute.py [--measure] [NAME ...]

The `.ipynb` files are the source. What this writes depends only on their cells: cell
ids are hashes of the source, executions are counted from 1, and no times, versions or
paths are kept. The one exception are measured times: a cell with the tag `measured`
keeps its committed outputs, unless `--measure` asks for new ones.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import os
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import matplotlib.image
import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent
METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
Notebook = Any


def paths() -> list[Path]:
    """Return the notebooks, in the order in which they are read."""
    return sorted(FOLDER.glob("[0-9]*.ipynb"))


def read(path: Path) -> Notebook:
    """Return the notebook in a file."""
    return nbformat.read(path, as_version=4)


def text(notebook: Notebook) -> str:
    """Return a notebook as it is written to a file."""
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def normal(notebook: Notebook) -> Notebook:
    """Return the notebook without what differs between runs, machines and editors."""
    notebook = nbformat.from_dict(
        {**notebook, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    )
    seen: Counter[str] = Counter()
    count = 0
    for cell in notebook.cells:
        digest = hashlib.sha256(
            f"{cell.cell_type}{seen[cell.source]}{cell.source}".encode()
        ).hexdigest()
        seen[cell.source] += 1
        cell.id = digest[:12]
        cell.metadata = (
            {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        )
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = count
                if (
                    "metadata" in output
                ):  # our pictures read on light and dark pages: they need no background
                    output.metadata.pop("needs_background", None)
    return notebook


def executed(notebook: Notebook) -> Notebook:
    """Return the notebook with the outputs of a fresh run of all its cells.

    Raises:
        ValueError: if a cell writes to standard error: a lesson has no warnings.
        nbclient.exceptions.CellExecutionError: if a cell raises.
    """
    notebook = nbformat.from_dict(notebook)
    with tempfile.TemporaryDirectory() as empty:
        client = NotebookClient(
            notebook,
            timeout=120,
            kernel_name="python3",
            coalesce_streams=True,
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": FOLDER}},
        )
        own = {
            name: value for name, value in os.environ.items() if name != "MPLBACKEND"
        }
        # without `dot` on the path, graphs are drawn by the Graphviz in the package
        client.execute(env={**own, "IPYTHONDIR": empty, "PATH": empty, "NO_COLOR": "1"})
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise ValueError(f"standard error: {output.text!r}, of\n{cell.source}")
    return normal(notebook)


def measured(cell: Any) -> bool:
    """Return whether the outputs of a cell are measured times."""
    return "measured" in cell.metadata.get("tags", [])


def with_measurements_of(old: Notebook, notebook: Notebook) -> Notebook:
    """Return the notebook with the outputs of measured cells as they are in `old`.

    A cell that was edited there since has an id that is not of its source, and its new
    outputs stay.
    """
    kept = {
        cell.id: cell.outputs for cell in old.cells if measured(cell) and cell.outputs
    }
    for cell in notebook.cells:
        if measured(cell):
            cell.outputs = kept.get(cell.id, cell.outputs)
    return notebook


def differences(committed: Notebook, fresh: Notebook) -> list[str]:
    """Return where two runs differ: text to the letter, pictures to the eye.

    The outputs of measured cells may differ.
    """
    found = []
    for old, new in zip(committed.cells, fresh.cells, strict=True):
        if (
            old.cell_type == "code"
            and not measured(old)
            and not _same(old.outputs, new.outputs)
        ):
            was, now = _shown(old.outputs), _shown(new.outputs)
            found.append(f"{old.source}\n--- committed:\n{was}\n--- now:\n{now}")
    return found


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, dict) and isinstance(new, dict):
        pairs = [(key, old.get(key), new.get(key)) for key in old.keys() | new.keys()]
        return all(
            _same_picture(a, b) if key == "image/png" and a and b else _same(a, b)
            for key, a, b in pairs
        )
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return bool(old == new)


def _same_picture(old: str, new: str) -> bool:
    """Return whether two PNGs look alike: releases of matplotlib differ in bytes."""
    if old == new:
        return True
    a, b = (
        matplotlib.image.imread(io.BytesIO(base64.b64decode(png))) for png in (old, new)
    )
    return a.shape == b.shape and float(((a - b) ** 2).mean()) ** 0.5 < 0.04


def _shown(outputs: Any) -> str:
    texts = [
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for output in outputs
    ]
    return "\n".join(texts)


def main() -> None:
    """Execute the notebooks whose names begin as the arguments say, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="how the file's name begins, such as 03 (default: all)",
    )
    parser.add_argument(
        "--measure",
        action="store_true",
        help="measure times anew instead of keeping the committed ones",
    )
    options = parser.parse_args()
    names = tuple(options.names) or ("",)
    chosen = [path for path in paths() if path.name.startswith(names)]
    if not chosen:
        parser.error(f"no notebook begins so; there are {[p.stem for p in paths()]}")
    for path in chosen:
        start = time.perf_counter()
        new = executed(normal(read(path)))
        if not options.measure:
            new = with_measurements_of(read(path), new)
        changed = text(new) != path.read_text(encoding="utf-8")
        if changed:
            path.write_text(text(new), encoding="utf-8")
        seconds, what = (
            time.perf_counter() - start,
            "written" if changed else "unchanged",
        )
        print(f"{path.name:40} {seconds:5.1f} s  {what}", flush=True)


if __name__ == "__main__":
    main()
