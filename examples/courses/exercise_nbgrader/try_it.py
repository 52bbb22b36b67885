"""Release, hand in, grade: three learners, by nbgrader itself, where it and `autodiff-scalar` are installed.

It ends with an error if a score is another one than it should be.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook

from autodiff.exercises import generate

HERE = Path(__file__).parent


def nbgrader(course: Path, *arguments: str) -> None:
    """Run a command of nbgrader in the folder of the course."""
    command = [sys.executable, "-m", "nbgrader", *arguments]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # it calls alembic by its name
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, env=os.environ | {"PATH": path})
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
    learners = {"right": (right, 8.0), "slip": (slip, 7.5), "nothing": (None, 0.0)}
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder)
        (course / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'course'\n")
        (course / "source" / "gradients").mkdir(parents=True)
        shutil.copy(HERE / "by_hand.ipynb", course / "source" / "gradients")
        nbgrader(course, "generate_assignment", "gradients")
        released = nbformat.read(course / "release" / "gradients" / "by_hand.ipynb", as_version=4)
        assert "generate" not in "".join([cell.source for cell in released.cells]), "an answer was released"
        for name, (answers, _) in learners.items():
            book = nbformat.from_dict(released)
            if answers is not None:
                book.cells[1].source = f"answers = {answers!r}"
            place = course / "submitted" / name / "gradients"
            place.mkdir(parents=True)
            nbformat.write(book, place / "by_hand.ipynb")
        nbgrader(course, "autograde", "gradients")
        with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
            for name, (_, points) in learners.items():
                found = book.find_submission("gradients", name)
                print(f"{name:8} {found.score:g} of {found.max_score:g}")
                assert (found.score, found.max_score) == (points, 8.0), name


if __name__ == "__main__":
    main()
