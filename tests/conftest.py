"""Fixtures that several rooms share."""

import math
import signal
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.browser import chromium, open_page  # noqa: F401  # fixtures

from autodiff.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores Ctrl-C, which some tests press
TESTS = Path(__file__).parent
SAMPLE = 5  # cases of a test marked `sampled` that the daily round takes, evenly spread
SLOW = [  # what the daily round, `pytest -m quick`, does without, beside single tests marked `slow`
    TESTS / "accuracy",
    TESTS / "fuzz",
    TESTS / "promises",
    TESTS / "checks" / "test_rates.py",
    TESTS / "engine" / "test_meanwhile.py",
    TESTS / "engine" / "test_properties.py",
    TESTS / "exercises" / "test_graded.py",
    TESTS / "exercises" / "test_sheets.py",
    TESTS / "grading" / "test_course.py",
    TESTS / "grading" / "test_ladder.py",
    TESTS / "grading" / "test_lesson.py",
    TESTS / "grading" / "test_odd_engines.py",
    TESTS / "grading" / "test_plugin.py",
    TESTS / "grading" / "test_submission.py",
    TESTS / "house" / "test_docs.py",
    TESTS / "house" / "test_lite.py",
    TESTS / "house" / "test_notebooks.py",
    TESTS / "plots" / "test_plots_show.py",
    TESTS / "pyodide",
    TESTS / "replay" / "test_replay_scale.py",
    TESTS / "show" / "test_browser.py",
    TESTS / "show" / "test_embedded.py",
    TESTS / "show" / "test_raster.py",
    TESTS / "show" / "test_slides.py",
    TESTS / "try",
]


def pytest_ignore_collect(collection_path, config):
    """Do not read what is run by hand, nor in the daily round the slow files: what they import takes seconds."""
    by_hand = collection_path == TESTS / "exercises" / "tools"
    return True if by_hand or (collection_path in SLOW and config.option.markexpr == "quick") else None


def pytest_collection_modifyitems(items):
    """Mark what is not slow as quick; refuse an id that is another one in each process."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)  # the longest, on one core, first
    sampled = {}
    for item in items:
        if " at 0x" in item.nodeid:
            raise pytest.UsageError(f"{item.nodeid} is called otherwise in each process: give parametrize its ids=")
        if not item.get_closest_marker("slow") and not {item.path, *item.path.parents} & {*SLOW}:
            if item.get_closest_marker("sampled"):
                sampled.setdefault((item.path, item.originalname), []).append(item)
            else:
                item.add_marker("quick")
    for cases in sampled.values():
        for item in cases[:: -(-len(cases) // SAMPLE)]:
            item.add_marker("quick")


@pytest.fixture
def run(capsys):
    """Run the command line; return its status, what it printed, and its errors."""

    def call(*arguments):
        try:
            status = main(list(arguments))
        except SystemExit as exit_:
            status = exit_.code
        return status, *capsys.readouterr()

    return call


def take_only(monkeypatch, *backends):
    """Let `backend="auto"` take these alone, beside Python: others seem to take for ever."""
    from autodiff.replay import choice

    for name, cost in costs().items():
        monkeypatch.setitem(choice.COSTS, name, cost if name in backends else cost._replace(call=math.inf))
    monkeypatch.setattr(choice, "GAIN", 1.5 if "wasm" in backends else math.inf)


@cache
def costs():
    """What a run costs on each back end, as it is in the package."""
    from autodiff.replay import choice

    return dict(choice.COSTS)


@pytest.fixture(autouse=True)
def no_llvm(monkeypatch):
    """Every graph that is replayed becomes a program that is quickly made, and anew, unless LLVM is asked for."""
    from autodiff.replay import compile

    compile.TAPES.clear()  # they were made with the settings of another test
    take_only(monkeypatch, "wasm", "arrays")


@pytest.fixture
def no_native(monkeypatch):
    """Every graph that is replayed becomes a program on arrays or floats, unless another is asked for."""
    take_only(monkeypatch, "arrays")


KINDS = {"floats": (), "without NumPy": (), "arrays": ("arrays",), "wasm": ("wasm",), "machine": ("wasm",)}


@pytest.fixture(params=KINDS)
def kind(request, no_llvm, monkeypatch):
    """Every graph that is replayed becomes a program of this kind, on loop nests or on the virtual machine."""
    take_only(monkeypatch, *KINDS[request.param])
    if request.param == "without NumPy":
        monkeypatch.setitem(sys.modules, "numpy", None)  # which is how Python is told that there is none
        monkeypatch.setattr("autodiff.replay.compile.BLOCK_TIME", math.inf)
        return "floats"
    if request.param in ("arrays", "wasm"):
        pytest.importorskip("numpy", reason="arrays need NumPy")
    if request.param == "machine":
        monkeypatch.setattr("autodiff.replay.choice.GAIN", 0.0)
    monkeypatch.setattr("autodiff.replay.compile.BLOCK_TIME", -1.0 if request.param in ("arrays", "wasm") else math.inf)
    return "wasm" if request.param == "machine" else request.param


@pytest.fixture
def left(monkeypatch):
    """Finite answers that replays have left to the eager engine: it is slow but right, so that no number shows it.

    At the end there must be none: a test that means to provoke some clears them.
    """
    from autodiff.replay import reference

    found = []

    def mean(recording, parameters, batch):
        loss, slopes = reference.mean(recording, parameters, batch)
        if all(map(math.isfinite, (loss, *slopes))):
            found.append(loss)
        return loss, slopes

    for room in ("replay", "samples"):
        monkeypatch.setattr(f"autodiff.replay.{room}.reference", SimpleNamespace(**vars(reference) | {"mean": mean}))
    yield found
    assert not found, f"{len(found)} answers are not the program's: the eager engine had to give them"
