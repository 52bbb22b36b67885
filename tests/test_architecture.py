import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import autodiff
from autodiff import ops

PACKAGE = Path(autodiff.__file__).parent
FLOORS = {
    "autodiff.atomic": 0,
    "autodiff.files": 0,
    "autodiff.operands": 0,
    "autodiff.notation": 0,
    "autodiff.order": 0,
    "autodiff.saving": 0,
    "autodiff.sweep": 0,
    "autodiff.ops": 1,
    "autodiff.symbols": 2,
    "autodiff.value": 2,
    "autodiff.gradient": 3,
    "autodiff.anomaly": 3,
    "autodiff.arguments": 3,
    "autodiff.functions": 3,
    "autodiff.reductions": 3,
    "autodiff.check": 4,
    "autodiff.expression": 4,
    "autodiff.plots": 4,
    "autodiff.replay": 4,
    "autodiff.nn": 4,
    "autodiff.show": 5,
    "autodiff.cli": 6,
    "autodiff": 7,
    "autodiff.__main__": 8,
}


def room(module):
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[-1] != "autodiff" else module


def module_of(path):
    return ".".join(["autodiff", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")


def imports(path):
    """Yield the modules of the package that a file imports, wherever in the file it does."""
    modules = {module_of(file) for file in PACKAGE.rglob("*.py")}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            parts = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [part if part in modules else node.module for part in parts]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "autodiff")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=module_of)
def test_a_file_imports_only_from_floors_below_its_own(path):
    own = room(module_of(path))
    for name in imports(path):
        if room(name) == own:
            continue  # rooms may have several files
        if own == "autodiff.cli" and name == "autodiff":
            continue  # for the version
        if module_of(path) == "autodiff.nn.replayed" and name == "autodiff.replay":
            continue  # the part of the training loop that replays, alone
        assert FLOORS[room(name)] < FLOORS[own], f"{own} imports {name}, which is not below it"


@pytest.mark.parametrize("name", ["ops.py", "value.py"])
def test_the_engine_can_be_read_in_one_sitting(name):
    assert len((PACKAGE / name).read_text().splitlines()) <= 300


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


def test_the_package_tells_the_version_that_it_is_published_as():
    published = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert autodiff.__version__ == published["version"]


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'autodiff' has no attribute 'backwards'"):
        _ = autodiff.backwards


def test_every_operation_but_the_helpers_of_derivatives_has_a_public_function():
    signs = {"ADD", "SUB", "MUL", "DIV", "NEG", "POW", "POWER"}
    helpers = {"IDENTITY", "HOLD", "RATIO", "POW0", "POWER0", "LOG0", "MASK", "STEP", "SECH"}
    rows = {name for name, row in vars(ops).items() if isinstance(row, ops.Op)}
    public = {name.upper() for name in autodiff.__all__}
    assert rows - signs - helpers <= public


def test_of_networks_drawings_know_modules_and_nothing_else():
    for path in (PACKAGE / "show").rglob("*.py"):
        of_nn = {name for name in imports(path) if name.startswith("autodiff.nn")}
        assert of_nn <= {"autodiff.nn.module"}
