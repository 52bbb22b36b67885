"""The house stands as CONTRIBUTING draws it: no circle, no arrow up, rooms and functions of a size to be read."""

import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from helpers.house import circle, files, floors, functions, imports, names, neighbours

import autodiff
from autodiff.engine import ops

PACKAGE = Path(autodiff.__file__).parent
FLOORS = floors((PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8"))
IMPORTS = imports(PACKAGE)
FOLDERS = ["", *sorted({folder.as_posix() for name in IMPORTS for folder in Path(name).parents} - {"."})]
LONG = {  # functions of more than 60 lines, and why
}

each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=[folder or "autodiff" for folder in FOLDERS])


def within(folder):
    """The files and folders that stand in a folder."""
    start = f"{folder}/" if folder else ""
    return {name.removeprefix(start).split("/")[0] for name in IMPORTS if name.startswith(start)}


def arrows_up(floors, neighbours):
    """The arrows between neighbours that both have a floor, and do not lead down."""
    return [
        f"{folder}/{a} imports {b}".lstrip("/")
        for folder, graph in neighbours.items()
        for a, others in graph.items()
        for b in others
        if (own := floors.get(f"{folder}/{a}".lstrip("/"))) and (other := floors.get(f"{folder}/{b}".lstrip("/")))
        if other >= own
    ]


def test_no_file_imports_itself_by_way_of_others():
    assert " imports ".join(circle(IMPORTS)) == ""


@each_folder
def test_no_room_imports_itself_by_way_of_its_neighbours(folder):
    assert " imports ".join(circle(neighbours(IMPORTS).get(folder, {}))) == ""


def test_a_room_imports_only_from_floors_below_its_own():
    assert arrows_up(FLOORS, neighbours(IMPORTS)) == []


def test_every_room_has_its_floor_in_contributing():
    rooms = {*FOLDERS, *within("")} - {""}
    assert set(FLOORS) >= rooms, "CONTRIBUTING.md, The house: a room has no row"
    assert set(FLOORS) <= rooms | set(IMPORTS), "CONTRIBUTING.md, The house: a row names what is not there"


def test_the_house_has_few_rooms_and_few_arrows_between_them():
    assert len(within("")) <= 16
    assert sum(map(len, neighbours(IMPORTS)[""].values())) <= 52


def test_at_most_two_files_lie_loose_beside_the_rooms():
    loose = {name for name in within("") if name.endswith(".py")} - {"__init__.py", "__main__.py"}
    assert len(loose) <= 2, loose


@each_folder
def test_a_folder_holds_at_most_twelve_files(folder):
    assert len([name for name in within(folder) if name.endswith(".py")]) <= 12


def test_of_networks_drawings_know_modules_and_nothing_else():
    of_nn = {
        other for name in IMPORTS if name.startswith("show/") for other in IMPORTS[name] if other.startswith("nn/")
    }
    assert of_nn <= {"nn/module.py"}


def test_loop_nests_know_no_target():
    lowering = [other for name in IMPORTS if name.startswith("replay/native/") for other in IMPORTS[name]]
    assert lowering
    assert {name for name in lowering if name.startswith(("replay/wasm/", "replay/llvm/"))} == set()


@pytest.mark.parametrize("name", ["ops.py", "value.py"])
def test_the_engine_can_be_read_in_one_sitting(name):
    assert len((PACKAGE / "engine" / name).read_text().splitlines()) <= 300


def test_no_function_is_longer_than_sixty_lines():
    long = {name for name, lines in functions(PACKAGE) if lines > 60}
    assert long - set(LONG) == set()
    assert set(LONG) - long == set(), "no exemption is needed any more"


def test_few_files_know_that_a_dot_takes_its_operands_in_groups():
    knowing = {
        "engine/ops.py": "its row, and what the row tells the others",
        "engine/elementary.py": "its value",
        "engine/reductions.py": "its function",
        "formulas/expression.py": "how people write it",
        "nn/layers.py": "a neuron, made without a call in between",
        "replay/recording/canonicalize.py": "how a sum of products becomes one",
    }
    found = {name for name, path in files(PACKAGE).items() if {"DOT", "regroup"} & names(path)}
    assert found | {"engine/elementary.py"} == set(knowing), "ask Op.grouped and Op.products in place of naming DOT"
    assert len(knowing) <= 6


def test_the_mutants_of_every_file_have_tests_that_are_there():
    tool = runpy.run_path(str(PACKAGE.parent / "tests" / "mutate.py"))
    there = {path.stem.removeprefix("test_") for path in (PACKAGE.parent / "tests").rglob("test_*.py")}
    for name in IMPORTS:
        if not name.endswith("__.py"):
            assert there.issuperset(tool["tests_of"](name.removesuffix(".py")).split()), name
    assert {name for name in tool["TESTS"] if not (PACKAGE / name).exists() and f"{name}.py" not in IMPORTS} == set()


# The tests above can fail: a small house with each fault.

ROOMS = {"low": (0,), "high": (1,), "beside": (1,)}


def house(folder, **sources):
    """The imports of a package `house` whose files (`low_a` is low/a.py) have the sources."""
    for name, source in sources.items():
        path = folder / "house" / f"{name.replace('_', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        (path.parent / "__init__.py").touch()
    (folder / "house" / "__init__.py").touch()
    return imports(folder / "house")


@pytest.mark.parametrize(
    "source",
    [
        "import house.low.b",
        "from house.low import b",
        "from house.low.b import f",
        "from . import b",
        "from .b import f",
        "from ..low.b import f",
        "def f():\n    from house.low.b import g",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.low import b",
        "try:\n    import math, house.low.b\nexcept ImportError:\n    pass",
    ],
)
def test_an_import_of_any_form_can_close_a_circle(tmp_path, source):
    graph = house(tmp_path, low_a=source, low_b="from house.low.c import g", low_c="import house.low.a, os")
    assert circle(graph) == ["low/a.py", "low/b.py", "low/c.py", "low/a.py"]
    assert circle(house(tmp_path, low_c="import os")) == []


def test_rooms_can_be_a_circle_where_their_files_are_none(tmp_path):
    graph = house(tmp_path, low_a="import house.high.a", high_a="", high_b="import house.low.b", low_b="")
    assert circle(graph) == []
    assert circle(neighbours(graph)[""]) == ["high", "low", "high"]


def test_an_arrow_up_or_to_the_side_is_found(tmp_path):
    graph = house(
        tmp_path, low_a="import house.high.a", high_a="", beside_a="from house.high import a\nimport house.low.b"
    )
    house(tmp_path, low_b="")
    assert sorted(arrows_up(ROOMS, neighbours(imports(tmp_path / "house")))) == [
        "beside imports high",
        "low imports high",
    ]
    assert graph["low/a.py"] == {"high/a.py"}


def test_the_lines_of_a_function_are_counted_without_its_docstring(tmp_path):
    lines = [
        "class C:",
        "  def f(self):",
        '    """One',
        '    two."""',
        "    def g():",
        "      return 1",
        "    return g",
    ]
    house(tmp_path, low_a="\n".join(lines))
    assert dict(functions(tmp_path / "house")) == {"low/a.py: C.f": 4, "low/a.py: C.f.g": 2}


# What the doors of the house promise.


def printed_by(code):
    """Return what the code prints in an interpreter of its own."""
    command = [sys.executable, "-I", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_importing_autodiff_imports_nothing_of_third_parties():
    code = (
        "import sys; before = set(sys.modules); import autodiff; "
        "print(sorted({m.split('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    assert printed_by(code) == "['autodiff']"


def test_importing_autodiff_leaves_the_rooms_that_show_and_replay_for_later():
    code = (
        "import sys, autodiff; print([m for m in sys.modules if m.startswith(('autodiff.show', 'autodiff.replay', "
        "'autodiff.plots'))], all(getattr(autodiff, name) is not None for name in autodiff.__all__))"
    )
    assert printed_by(code) == "[] True"


def test_the_version_is_written_in_one_place():
    settings = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["project"]["dynamic"] == ["version"]
    assert settings["tool"]["hatch"]["version"]["path"] == "autodiff/__init__.py"
    assert autodiff.__version__ in (PACKAGE / "__init__.py").read_text(encoding="utf-8")


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'autodiff' has no attribute 'backwards'"):
        _ = autodiff.backwards


def test_every_operation_but_the_helpers_of_derivatives_has_a_public_function():
    signs = {"ADD", "SUB", "MUL", "DIV", "NEG", "POW", "POWER"}
    helpers = {"IDENTITY", "HOLD", "RATIO", "POW_SLOPE", "POWER0", "MASK", "STEP", "SECH", "SQUARES", "DIRECTION"}
    helpers |= {"HARMONIC", "BELL", "X_BELL", "GAUSS", "NORMAL", "EXP_BELOW", "SHARE", "LOG_SHARE"}
    rows = {name for name, row in vars(ops).items() if isinstance(row, ops.Op)}
    public = {name.upper() for name in autodiff.__all__}
    assert rows - signs - helpers <= public
