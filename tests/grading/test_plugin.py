"""`pytest --engine` in a pytest of its own."""

import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from helpers.engines import GOOD, WILD, source

PLUGIN = "autodiff.grading.course.plugin"


def run_pytest(folder, text, *options):
    (folder / "engine.py").write_text(text)
    installed = [entry.value for entry in entry_points(group="pytest11")]  # then pytest finds it by itself
    plugin = [] if PLUGIN in installed else ["-p", PLUGIN]
    command = [sys.executable, "-m", "pytest", *plugin, "-p", "no:cacheprovider", "-v", "-rA", *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    return done.returncode, done.stdout


def test_the_steps_of_the_lesson_are_tests_with_their_names(tmp_path):
    status, out = run_pytest(tmp_path, source(WILD["tanh overwrites"][3]), "--engine", "engine.py:Value")
    assert status == 1
    assert "engine.py:Value::a node used twice PASSED" in out
    assert "engine.py:Value::all small programs FAILED" in out
    assert "engine.py:Value::backward() twice XFAIL" in out
    assert "In a + a.tanh() your a.grad is 0.00986604, right is 1.00987." in out
    failures, _, _ = out.partition("short test summary info")  # which repeats them whole where CI is set
    assert failures.count("overwrites a gradient: ") == 1
    assert "Traceback" not in out


def test_an_engine_that_is_right_passes_beside_other_tests(tmp_path):
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")
    status, out = run_pytest(tmp_path, GOOD, "--engine", "engine.py")
    assert status == 0
    assert "test_own.py::test_own PASSED" in out
    assert "FAILED" not in out


def test_an_engine_that_cannot_be_imported_fails_in_every_step(tmp_path):
    status, out = run_pytest(tmp_path, "raise SystemExit", "--engine", "engine.py")
    assert status == 1
    assert "passed" not in out.splitlines()[-1]
    assert "SystemExit" in out


def test_names_are_handed_on_and_without_an_engine_nothing_is_added(tmp_path):
    text = GOOD.replace("def backward(", "def run(")
    status, _ = run_pytest(tmp_path, text, "--engine", "engine.py", "--engine-names", "backward=run")
    assert status == 0
    status, _ = run_pytest(tmp_path, text)
    assert status == pytest.ExitCode.NO_TESTS_COLLECTED


def test_pytest_finds_the_plugin_where_the_package_is_installed():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"autodiff": PLUGIN}
