"""Write `own_value.ipynb` from `engine.py`."""

from pathlib import Path

import nbformat

HERE = Path(__file__).parent
CHECK = """\
# What is checked, and why a point was lost: this cell gives none.
from autodiff import check_engine

print(check_engine(Value))"""
GRADE = """\
# The cell ends with a float, and standard error stays empty.
### BEGIN HIDDEN TESTS
import contextlib
import io
import warnings

from autodiff import check_engine

points = 0.0
with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(Exception), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    points = round(check_engine(Value).score / 10, 6)
points
### END HIDDEN TESTS"""


def cell(name: str, source: str, **kind: object) -> nbformat.NotebookNode:
    """Return a cell of code that nbgrader knows."""
    settings = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3, **kind}
    made = nbformat.v4.new_code_cell(source, metadata={"nbgrader": {"grade_id": name, "cell_type": "code", **settings}})
    made["id"] = name
    return made


def main() -> None:
    """Write the notebook."""
    engine = (HERE / "engine.py").read_text(encoding="utf-8").strip()
    head = nbformat.v4.new_markdown_cell(
        "# Your own Value\n\nWrite a class `Value` with `+ - * / **`, `exp`, `tanh`, `relu` and `backward()`."
    )
    head["id"] = "task"
    book = nbformat.v4.new_notebook(
        cells=[
            head,
            cell("own-value", f"### BEGIN SOLUTION\n{engine}\n### END SOLUTION", solution=True),
            cell("report", CHECK, locked=True),
            cell("check", GRADE, grade=True, locked=True, points=10),
        ],
        metadata={"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    )
    nbformat.write(book, HERE / "own_value.ipynb")


if __name__ == "__main__":
    main()
