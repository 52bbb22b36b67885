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

HERE = Path(__file__).parent
ENGINE = (HERE / "engine.py").read_text(encoding="utf-8")
LEARNERS = {  # what was written, and the points that it must get
    "right": (ENGINE, 10.0),
    "overwrites": (ENGINE.replace("inner[id(parent)] += ", "inner[id(parent)] = "), 4.5),
    "nothing": ("", 0.0),
}


def nbgrader(course: Path, *arguments: str) -> None:
    """Run a command of nbgrader in the folder of the course."""
    command = [sys.executable, "-m", "nbgrader", *arguments]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # it calls alembic by its name
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, env=os.environ | {"PATH": path})
    if done.returncode:
        sys.exit(done.stderr)


def main() -> None:
    """Grade three learners."""
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder)
        (course / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'course'\n")
        (course / "source" / "engine").mkdir(parents=True)
        shutil.copy(HERE / "own_value.ipynb", course / "source" / "engine")
        nbgrader(course, "generate_assignment", "engine")
        released = nbformat.read(course / "release" / "engine" / "own_value.ipynb", as_version=4)
        assert "class Value:" not in "".join([cell.source for cell in released.cells]), "the solution was released"
        for name, (text, _) in LEARNERS.items():
            book = nbformat.from_dict(released)
            book.cells[1].source = text
            place = course / "submitted" / name / "engine"
            place.mkdir(parents=True)
            nbformat.write(book, place / "own_value.ipynb")
        nbgrader(course, "autograde", "engine")
        with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
            for name, (_, points) in LEARNERS.items():
                found = book.find_submission("engine", name)
                print(f"{name:12} {found.score:g} of {found.max_score:g}")
                assert (found.score, found.max_score) == (points, 10.0), name


if __name__ == "__main__":
    main()
