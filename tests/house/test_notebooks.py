"""The notebooks are fresh: run again, they show what is committed."""

import ast
import runpy
from pathlib import Path

import pytest

for module in ("nbclient", "ipykernel", "matplotlib", "numpy"):
    pytest.importorskip(module, reason=f"{module} is not installed: pip install 'autodiff-scalar[notebooks]'")

FOLDER = Path(__file__).parents[2] / "notebooks"
tool = runpy.run_path(str(FOLDER / "execute.py"))
NOTEBOOKS = {path.stem: path for path in tool["paths"]()}
each = pytest.mark.parametrize("path", NOTEBOOKS.values(), ids=NOTEBOOKS)


def test_there_are_notebooks_and_the_readme_lists_them_all():
    readme = (FOLDER / "README.md").read_text()
    assert [name for name in NOTEBOOKS if f"]({name}.ipynb)" not in readme] == []
    assert len(NOTEBOOKS) == readme.count(".ipynb)")


@each
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Jupyter's own
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # sockets that Jupyter leaves to close
def test_a_notebook_shows_what_it_shows_when_it_is_run_again(path):
    committed = tool["read"](path)
    differences = tool["differences"](committed, tool["executed"](committed))
    assert not differences, "\n\n".join(differences)


@each
def test_a_notebook_is_committed_in_normal_form_with_its_outputs(path):
    notebook = tool["read"](path)
    assert tool["text"](tool["normal"](notebook)) == path.read_text(encoding="utf-8")
    for cell in notebook.cells:
        if cell.cell_type == "code" and isinstance(ast.parse(cell.source).body[-1], ast.Expr):
            silenced = cell.source.rstrip().endswith(";")  # so that only the picture shows
            assert not silenced or any("image/png" in output.get("data", {}) for output in cell.outputs), cell.source


@each
def test_a_notebook_reads_in_short_cells(path):
    for cell in tool["read"](path).cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 20, cell.source
        else:
            assert len(cell.source.split()) <= 90, cell.source


def test_a_changed_number_is_noticed_and_a_measured_one_is_not():
    new_notebook = tool["nbformat"].v4.new_notebook
    cell = tool["nbformat"].v4.new_code_cell
    output = tool["nbformat"].v4.new_output
    runs = [
        new_notebook(
            cells=[
                cell("print(x)", outputs=[output("stream", text=text)]),
                cell("print(t)", outputs=[output("stream", text=text)], metadata={"tags": ["measured"]}),
            ]
        )
        for text in ("4.5", "5.5")
    ]
    (difference,) = tool["differences"](*runs)
    assert difference.startswith("print(x)")
    assert "4.5" in difference
    assert "5.5" in difference
    old, new = map(tool["normal"], runs)
    assert [c.outputs[0].text for c in tool["with_measurements_of"](old, new).cells] == ["5.5", "4.5"]
    old.cells[1].source, new.cells[1].source = "print(before)", "print(edited)"  # in an editor, which keeps the id
    new = tool["normal"](new)
    new.cells[1].outputs[0].text = "6.5"
    assert [c.outputs[0].text for c in tool["with_measurements_of"](old, new).cells] == ["5.5", "6.5"]
