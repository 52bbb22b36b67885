"""The page to try autodiff, in Firefox: served on loopback, and as one file. It may ask for nothing else."""

import pytest
from helpers.browser import served
from programs import LINE, expected, fragment

pytestmark = pytest.mark.xdist_group("interpreter")  # which takes seconds to start
FIND = """\
const find = (root, what) => [...root.querySelectorAll(what),
  ...[...root.querySelectorAll("*")].flatMap((each) => (each.shadowRoot ? find(each.shadowRoot, what) : []))];
const panel = document.querySelector("#panel:not(.old)") ?? new DocumentFragment();
const shown = (what) => find(panel, what).map((each) => each.textContent);
"""
READY = "return document.querySelector('#start.ready') !== null"
GRADIENTS = f"{FIND} return shown('text.gradient').sort()"
MOVE = """\
const range = document.getElementById("n-w");
range.value = 4;
range.dispatchEvent(new Event("input"));
"""


@pytest.fixture(scope="module")
def page(firefox, folder):
    with served(folder) as address:
        firefox.open(address + fragment(text=LINE, view="drawing"))
        firefox.wait_for(READY)
        yield firefox


def test_a_drawing_has_the_gradients_of_the_engine_also_after_a_drag(page):
    page.wait_for(GRADIENTS, wanted=expected())
    page.run(MOVE)
    page.wait_for("return document.getElementById('value').textContent", wanted="= 16")
    page.wait_for(GRADIENTS, wanted=expected(w=4))
    assert page.asked == []


@pytest.mark.parametrize(
    ("view", "what", "wanted"),
    [
        ("steps", "shown('.count')[0]", "0 / 8 start"),
        ("derivation", "shown('dd').at(-1)", "8"),
        ("exercise", "shown('.givens code')[0]", "w = 3, x = 2, b = 1, t = 5"),
        ("training", "shown('circle.walk').length", 11),
    ],
    ids=["steps", "derivation", "exercise", "training"],
)
def test_each_view_shows_the_program(page, view, what, wanted):
    page.run("location.hash = arguments[0]", fragment(text=LINE, view=view, on=["w", "b"], rate=0.01, steps=10))
    page.wait_for(f"{FIND} return {what}", wanted=wanted)
    assert page.asked == []


def test_what_never_ends_is_stopped_and_the_next_program_runs(page):
    endless = "x = 1\nwhile True:\n    x = x * 1"
    page.run("location.hash = arguments[0]", fragment(text=endless, view="drawing"))
    page.wait_for("return document.getElementById('text').value", wanted=endless)
    page.run("document.getElementById('run').click()")
    page.wait_for("return document.getElementById('stop').hidden", wanted=False)
    page.run("document.getElementById('stop').click()")
    page.wait_for(READY)
    page.run("location.hash = arguments[0]", fragment(text=LINE, view="drawing"))
    page.wait_for(GRADIENTS, wanted=expected())


def test_a_request_for_another_computer_is_refused_before_it_leaves(page):
    asking = "import js\nx = 2\nL = x * x\njs.importScripts('https://example.invalid/x.js')"
    page.run("location.hash = arguments[0]", fragment(text=asking, view="drawing"))
    page.wait_for("return document.getElementById('text').value", wanted=asking)
    page.run("document.getElementById('run').click()")
    page.wait_for("return document.getElementById('told').textContent.includes('Line 4')")
    assert page.asked == []


def test_one_file_holds_it_all(firefox, one_file):
    firefox.open(one_file.as_uri() + fragment(text=LINE, view="drawing"))
    firefox.wait_for(READY)
    firefox.wait_for(GRADIENTS, wanted=expected())
    assert firefox.asked == []


def test_what_leaves_this_machine_would_be_noted(firefox):
    with pytest.raises(AssertionError, match="neterror"):
        firefox.open("https://example.invalid/x")
    assert any("example.invalid" in line for line in firefox.asked)
