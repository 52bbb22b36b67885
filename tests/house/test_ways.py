"""The ways of data through the house stay short: how many files each enters, and how often it comes back to one."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.ways import Way, walked

from autodiff.support import labels

TESTS = Path(__file__).parents[1]
COUNTS = r"^(\w.*): (\d+) files, (\d+) returns$"  # as `helpers.ways` prints them
MOST = {  # files, and returns to a file that the way has left
    "backward": (2, 0),
    "draw": (13, 21),
    "steps to page": (24, 51),
    "replay on floats": (13, 20),
    "replay on arrays": (15, 47),
    "derive of a text": (16, 26),
}


@pytest.fixture(scope="module")
def found():
    pytest.importorskip("numpy", reason="one of the ways is that of arrays")
    if shutil.which("dot") is None:
        pytest.skip("the program dot of Graphviz is not installed")  # without it, drawing has another way
    command = [
        sys.executable,
        "-m",
        "helpers.ways",
    ]  # in a process of its own: beside other threads, walks go otherwise
    printed = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        cwd=TESTS.parent,
    ).stdout
    return {name: (int(files), int(returns)) for name, files, returns in re.findall(COUNTS, printed, re.MULTILINE)}


@pytest.mark.parametrize("name", MOST)
def test_a_way_is_no_longer_than_it_was(found, name):
    files, returns = found[name]
    told = f"{name} enters {files} files and comes back {returns} times: PYTHONPATH=tests python -m helpers.ways"
    assert files <= MOST[name][0], told
    assert returns <= MOST[name][1], told


def test_there_is_a_limit_for_each_way(found):
    assert set(found) == set(MOST)


def test_a_return_is_an_entry_of_a_file_that_was_left():
    way = Way([("a.py", ["f"]), ("b.py", ["g"]), ("a.py", ["h"]), ("c.py", ["i"])])
    assert (way.files, way.returns) == (3, 1)


def test_a_function_is_entered_once_and_what_is_known_never():
    def call():
        labels.clean("x")
        labels.clean("y")
        labels.short(0.5)

    (entry,) = walked(call, known=()).entries
    assert entry[0] == "support/labels.py"
    assert len(entry[1]) == len(set(entry[1])) >= 2
    assert walked(call).entries == []
