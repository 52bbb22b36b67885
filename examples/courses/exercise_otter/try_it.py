"""Grade three learners by otter itself, where it and `autodiff-scalar` are installed.

It ends with an error if a score is another one than it should be.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

from autodiff.exercises import generate

HERE = Path(__file__).parent


def otter(folder: str, *arguments: str) -> None:
    """Run a command of otter in a folder."""
    done = subprocess.run([sys.executable, "-m", "otter", *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)


def main() -> None:
    """Grade three learners."""
    sheet = generate(level=3, seed=7)[0]
    right = {question.name: question.answer for question in sheet.questions}
    slip = right | {
        "p": -1.0,
        "L": 1.0,
        "dL/ds": -1.0,
        "dL/da via s": -1.0,
        "dL/da": -3.0,
        "dL/db via s": -1.0,
        "dL/db": 2.0,
    }
    total = len(right)
    learners = {"right": (right, total), "slip": (slip, total - 1), "nothing": (None, 0)}
    with tempfile.TemporaryDirectory() as folder:
        otter(folder, "generate", "-t", str(HERE / "tests"), "-o", "autograder.zip")
        for name, (answers, points) in learners.items():
            book = nbformat.read(HERE / "by_hand.ipynb", as_version=4)
            if answers is not None:
                book.cells[1].source = f"answers = {answers!r}"
            path = Path(folder) / f"{name}.ipynb"
            nbformat.write(book, path)
            otter(folder, "run", path.name, "-a", "autograder.zip")
            cases = json.loads((Path(folder) / "results.json").read_text("utf-8"))["tests"]
            found, possible = [sum([case.get(key, 0) for case in cases]) for key in ("score", "max_score")]
            print(f"{name:8} {found:g} of {possible:g}")
            assert (found, possible) == (points, total), name


if __name__ == "__main__":
    main()
