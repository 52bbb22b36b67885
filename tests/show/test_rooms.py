"""Inside `show`: what is read from a graph is below pictures and stories, which do not know each other."""

import ast
from pathlib import Path

import pytest

from autodiff import show

FOLDER = Path(show.__file__).parent
MAY_KNOW = {
    "graph": {"graph"},
    "picture": {"graph", "picture"},
    "story": {"graph", "story"},
    "stepper": {"graph", "picture", "story", "stepper"},
}


def rooms_known(path):
    """The rooms of `show` that a file imports from, at its top or anywhere in it."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names.append(node.module)
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return {name.split(".")[2] for name in names if name.startswith("autodiff.show.")}


def test_every_room_of_show_has_its_floor():
    assert {path.parent.name for path in FOLDER.glob("*/*.py")} == set(MAY_KNOW)
    assert [path.name for path in FOLDER.glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize("room", MAY_KNOW)
def test_a_room_knows_only_those_below_it(room):
    for path in sorted((FOLDER / room).glob("*.py")):
        assert rooms_known(path) <= MAY_KNOW[room], path.name
