"""The browser's Python under Node, as a fixture: one start for all tests of a process."""

import json
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKER = runpy.run_path(str(ROOT / "docs" / "interpreter.py"))
SUITE = (  # what tests need, and whatever that needs, in pure Python
    *("pytest==9.0.2", "iniconfig==2.3.0", "packaging==25.0", "pluggy==1.6.0", "pygments==2.19.2"),
    *("hypothesis==6.148.7", "sortedcontainers==2.4.0", "mpmath==1.3.0", "sympy==1.14.0"),
)


@pytest.fixture(scope="session")
def interpreter():
    """The folder of the interpreter and the wheels."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("needs Node and npm on the PATH")
    return MAKER["interpreter"]()


@pytest.fixture(scope="session")
def pyodide(interpreter):
    """Runs a program in the browser's Python; returns what it printed."""
    suite = interpreter / "suite"
    if len([*suite.glob("*.whl")]) != len(SUITE):
        MAKER["get_wheels"](suite, SUITE)
    wheels = sorted([*(interpreter / "wheels").glob("*.whl"), *suite.glob("*.whl")])
    command = ["node", str(Path(__file__).with_suffix(".mjs")), str(interpreter), *map(str, wheels)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8") as node:

        def run(program):
            node.stdin.write(json.dumps(program) + "\n")
            node.stdin.flush()
            answer = node.stdout.readline()
            assert answer, "the interpreter has ended"
            said = json.loads(answer)
            assert said["error"] is None, said["error"]
            return said["printed"]

        yield run
        node.stdin.close()
