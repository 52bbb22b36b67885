"""The package in the browser's Python, under Node: what it draws, computes and refuses there is what it does here."""

import json
import re
import subprocess
import sys
import zipfile

import pytest
from helpers.pyodide import interpreter, pyodide  # noqa: F401  # fixtures

from autodiff.support.browser import IS_HERE

DRAWN = """
import hashlib
from autodiff import Value, draw, nn
w, x, b, t = Value(3.0, "w"), Value(2.0, "x"), Value(1.0, "b"), Value(5.0, "t")
y = w * x + b
loss = (y - t) ** 2
loss.backward()
fan = sum([x.sin() * i for i in range(12)])
net = nn.MLP(2, [3, 1], "tanh", seed=0)([Value(0.5, "ä<&\\u03b1"), Value(-1.0)])
for drawing in (
    draw(loss, local_derivatives=True, engine="embedded"),
    draw(loss, direction="TB", heat=True, engine="embedded"),
    draw([loss, fan], engine="embedded"),
    draw(net, engine="embedded"),
):
    print(len(drawing.svg), hashlib.sha256(drawing.svg.encode()).hexdigest())
"""
REPLAYED = """
from autodiff import Replay, Value
w = [Value(0.1 * i - 0.3) for i in range(9)]
names = ["exp", "tanh", "sin", "cos", "sigmoid", "erf", "atan", "sinh", "expm1", "asinh", "cbrt", "log1p"]
y = w[0]
for i in range(300):
    a, b = w[i % 9], w[(i * 5 + 1) % 9]
    y = getattr(y * 0.1 + a * a, names[i % 12])() + (b * b + 1).log() * 0.01 + (a * a + 2) ** 0.5 * 0.1
program = Replay(y, w, backend="wasm")
print(program.report().kind)
for scale in (1.0, -3.0, 0.01):
    for leaf in w:
        leaf.data *= scale
    loss, slopes = program.gradient()
    print(float(loss).hex(), *[float(slope).hex() for slope in slopes])
"""


def here(program):
    """What a program prints on this machine, without NumPy."""
    command = [sys.executable, "-c", "import sys; sys.modules['numpy'] = None\n" + program]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_this_machine_is_no_browser():
    assert not IS_HERE


def test_a_drawing_is_the_same_bytes_as_on_the_desktop(pyodide):  # noqa: F811  # the fixture
    drawn = pyodide(DRAWN)
    assert len(set(drawn.splitlines())) == 4
    assert drawn == here(DRAWN)


def test_a_replay_by_the_browser_gives_the_bits_that_wasmtime_gives(pyodide):  # noqa: F811
    replayed = pyodide(REPLAYED)
    assert replayed.startswith("wasm\n")
    assert replayed == here(REPLAYED)


def test_a_chain_far_deeper_than_the_stack_is_built_differentiated_copied_and_dropped(pyodide):  # noqa: F811
    program = """
import copy, weakref
from autodiff import Value, grad
from autodiff import sum as total
x = Value(1.0); y = x
for _ in range(50_000): y = y * 0.5 + x
y.backward()
again = copy.deepcopy(y)
first = weakref.ref(x)
print(x.grad)
del x, y
print(first())
del again
x = Value(1.0); y = x
for _ in range(20_000): y = total([y, x, x])
first = weakref.ref(x)
del x, y
print(first())
x = Value(1.0); y = x
for _ in range(3_000): y = y * x
print(grad(grad(y, x), x).data)
del y
"""
    assert pyodide(program).split() == ["2.0", "None", "None", str(3001.0 * 3000.0)]


def test_what_cannot_run_there_is_said_without_advice_to_install_programs(pyodide):  # noqa: F811
    program = """
from autodiff import Value, draw
for ending in ("png", "pdf"):
    try: draw(Value(1.0) * 2.0).save(f"/tmp/x.{ending}")
    except RuntimeError as error: print(error)
"""
    assert pyodide(program).splitlines() == [
        "a .png is made by resvg, which does not run in a browser: save as .svg",
        "a .pdf is made by Typst, which does not run in a browser: save as .svg",
    ]


def test_training_prints_nothing_and_starts_no_bar(pyodide):  # noqa: F811
    program = """
import sys
from autodiff import nn
model = nn.MLP(1, [2, 1], "tanh", seed=0)
history = nn.fit(model, [([0.5], 0.2), ([-0.5], 0.1)], "mse", nn.SGD(model.parameters(), 0.1), epochs=3)
print(len(history.epoch_loss), "tqdm" in sys.modules)
"""
    assert pyodide(program) == "3 False\n"


def test_what_the_wheel_asks_for_in_a_browser_is_pure_and_in_the_folder(interpreter):  # noqa: F811
    from packaging.requirements import Requirement

    wheels = {path.name.split("-")[0].replace("_", "-"): path.name for path in (interpreter / "wheels").glob("*.whl")}
    with zipfile.ZipFile(next((interpreter / "wheels").glob("autodiff_scalar-*.whl"))) as wheel:
        (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        asked = [Requirement(text) for text in re.findall(r"^Requires-Dist: (.+)$", wheel.read(name).decode(), re.M)]
    environment = {"sys_platform": "emscripten", "extra": ""}
    needed = {one.name for one in asked if one.marker is None or one.marker.evaluate(environment)}
    assert needed == set(wheels) - {"autodiff-scalar"}
    assert all(name.endswith("-none-any.whl") for name in wheels.values())


# Tests of the core that have another outcome there: docs/trust.md says why.
DIFFERENT = {
    "tests/checks/test_anomaly.py::test_detection_in_two_threads_ends_when_both_have_ended",
    "tests/engine/test_lean.py::test_a_block_that_was_struck_anywhere_lets_other_threads_have_theirs",
    "tests/engine/test_lean.py::test_blocks_in_threads_that_overlap_put_back_what_the_first_found",
}
ROOMS = (["tests/engine"], ["tests/checks", "tests/formulas", "tests/micrograd", "tests/mistakes"], ["tests/nn"])
# Tests that would end the interpreter, or pytest in it: what is nested is freed or read by recursion, files are in
# memory, and tqdm's bar, which wants a thread, warns as it is made.
FATAL = ("thousands_deep", "nesting", "as_large_as_a_disk", "progress_is_shown")


@pytest.mark.parametrize("rooms", ROOMS, ids=lambda rooms: rooms[0])
def test_the_suite_of_the_core_passes_there_but_for_what_is_listed(pyodide, rooms):  # noqa: F811
    from helpers.pyodide import ROOT

    options = ["-q", "-p", "no:cacheprovider", "--tb=no", "-W", "ignore:Module already imported", "-m", "quick", *rooms]
    options += ["-k", " and ".join([f"not {name}" for name in FATAL])] if rooms == ["tests/nn"] else []
    said = pyodide(f"""
import os, sys, js, pyodide_js
from pyodide.ffi import to_js
if not os.path.exists("/house"):
    os.mkdir("/house")
    root = to_js({json.dumps({"root": str(ROOT)})}, dict_converter=js.Object.fromEntries)
    pyodide_js.FS.mount(pyodide_js.FS.filesystems.NODEFS, root, "/house")
os.chdir("/house")
sys.dont_write_bytecode = True
import pytest
pytest.main({options})
""")
    assert re.search(r"[1-9]\d\d passed", said), said[-2000:]
    failed = set(re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", said, re.M))
    listed = {name for name in DIFFERENT if name.startswith(tuple(rooms))}
    assert failed == listed, said[-3000:]
