"""The page of conventions is what was measured, and our own column is what the package answers now."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
spec = importlib.util.spec_from_file_location("measured_conventions", DOCS / "conventions.py")
page = importlib.util.module_from_spec(spec)
spec.loader.exec_module(page)
MEASURED = json.loads(page.ANSWERS.read_text())


@pytest.fixture(scope="module")
def now():
    return page.ask(page.OURS)["answers"]


@pytest.mark.parametrize("row", page.ROWS, ids=[row.question for row in page.ROWS])
def test_our_column_is_what_the_package_answers_now(row, now):
    told = MEASURED[page.OURS]["answers"][row.question]
    assert now[row.question] == told, "after a change on purpose: python docs/conventions.py --ours"


def test_the_page_is_written_from_what_was_measured():
    assert (DOCS / "conventions.md").read_text() == page.page(MEASURED)


def test_there_are_enough_rows_and_engines_and_each_row_has_a_reason():
    assert len(page.ROWS) >= 60
    answered = [name for name, column in MEASURED.items() if any(map(page.answered, column["answers"].values()))]
    assert len(answered) >= 11
    for row in page.ROWS:
        assert row.why or not page.answered(MEASURED[page.OURS]["answers"][row.question]), row.question


def test_an_answer_is_told_from_another():
    assert page.same("0.3536 nan inf", "0.35355 nan inf")
    assert page.same("-1.11e-16 1", "0 1")
    for one, other in (
        ("1.7e-17", "0.5"),
        ("nan", "0"),
        ("1 0", "1"),
        ("inf", "-inf"),
        ("4.2e-18", "4.3e-18"),
        ("! A", "! B"),
    ):
        assert not page.same(one, other)


def test_an_engine_answers_errors_and_lacks_as_such():
    rows = [["abs(x)", [0.0], 1], ["celery(x)", [0.0], 1], ["log(x)", [0.0], 1]]
    command = [sys.executable, str(DOCS / "engines" / "engines.py"), "autodiff", "autodiff-scalar"]
    done = subprocess.run(command, input=json.dumps(rows), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["answers"] == ["0", "- it has no celery", "! DomainError"]
