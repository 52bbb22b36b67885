"""The stepper in Chromium: as a page from the file system, and in the output of a notebook."""

import shutil
import warnings

import pytest
from test_draw_labels import HOSTILE
from test_page import graph_of, neuron

from autodiff import Value, nn, steps

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[browser]'")
    if CHROMIUM is None:
        pytest.skip("needs Chromium on the PATH")
    with playwright.sync_playwright() as driver:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, tmp_path):
    """Opens HTML from the file system; nothing may be logged as an error, and nothing loaded, in the whole test."""
    troubles = []
    contexts = []

    def open_(html, **options):
        path = tmp_path / f"page{len(contexts)}.html"
        path.write_text(html, "utf-8")
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        page.on("request", lambda asked: troubles.append(asked.url) if asked.url.startswith(("http", "ws")) else None)
        page.goto(path.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert troubles == []


def gradients(page):
    """The gradients that the boxes of the drawing show."""
    return sorted(page.locator("text.gradient").all_text_contents())


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def position(page):
    return page.locator("output").text_content()


def test_the_last_step_shows_the_gradients_of_backward(open_page):
    loss = neuron()
    story = steps(loss)
    page = open_page(story.html)
    assert set(gradients(page)) == {"grad not yet"}
    button(page, "Last").click()
    loss.backward()
    assert gradients(page) == sorted(f"grad {node.grad:.6g}" for node in story.all_nodes)


def test_it_steps_forward_and_back(open_page):
    page = open_page(steps(neuron()).html)
    assert position(page) == "0 / 10 start"
    assert button(page, "Back").get_attribute("aria-disabled") == "true"
    for _ in range(3):
        button(page, "Next").click()
    assert position(page) == "3 / 10 forward"
    assert page.locator("h2").text_content() == "Forward: compute v3"
    assert page.locator(".work").text_content() == "v3 = tanh(v2) = tanh(0.6) = 0.53705"
    button(page, "Back").click()
    assert page.locator(".work").text_content() == "v2 = v1 + b = 1 + (-0.4) = 0.6"
    button(page, "Last").click()
    assert button(page, "Next").get_attribute("aria-disabled") == "true"
    button(page, "First").click()
    assert position(page) == "0 / 10 start"


def test_a_step_backward_shows_formula_numbers_and_ledger(open_page):
    page = open_page(steps(neuron()).html)
    button(page, "Last").click()
    rows = page.locator(".work tbody tr").all()
    assert [cell.text_content() for cell in rows[0].locator("td").all()] == [
        "w",
        "∂v1/∂w = x = 2",
        "-0.65885 * 2 = -1.3177",
        "dL/dw = 0 + (-1.3177) = -1.3177",
    ]
    assert page.locator(".ledger h3").text_content() == "Gradient of v1: complete"


def test_numbers_that_are_not_computed_yet_are_not_given_away(open_page):
    page = open_page(steps(neuron()).html)
    assert page.locator("g.node.todo text.data").all_text_contents() == ["?"] * 5
    button(page, "Next").click()
    assert page.locator("g.node.on text.data").text_content() == "1"
    assert page.locator("g.edge.on").count() == 2


def test_it_works_by_keyboard_alone(open_page):
    page = open_page(steps(neuron()).html)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert position(page) == "2 / 10 forward"
    page.keyboard.press("ArrowLeft")
    assert position(page) == "1 / 10 forward"
    page.keyboard.press("End")
    assert position(page) == "10 / 10 backward"
    page.keyboard.press("Home")
    assert position(page) == "0 / 10 start"
    for name in ("First", "Back", "Play", "Next"):
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.shadowRoot.activeElement.textContent") == name
    page.keyboard.press("Enter")
    assert position(page) == "1 / 10 forward"
    page.keyboard.press("ArrowRight")
    assert position(page) == "2 / 10 forward"
    page.locator("input").focus()
    page.keyboard.press("ArrowRight")
    assert position(page) == "3 / 10 forward"


def test_a_node_is_gone_to_by_click_and_by_enter(open_page):
    page = open_page(steps(neuron()).html)
    page.get_by_role("button", name="L: go to its step").click()
    assert position(page) == "5 / 10 forward"
    button(page, "Next").click()
    page.get_by_role("button", name="b: go to its step").focus()
    page.keyboard.press("Enter")
    assert position(page) == "9 / 10 backward"
    assert page.locator(".ledger h3").text_content() == "Gradient of b: complete"
    page.get_by_role("button", name="w: go to its step").click()
    assert position(page) == "10 / 10 backward"


def test_play_goes_on_until_the_end_and_can_be_stopped(open_page):
    page = open_page(steps(neuron()).html)
    page.clock.install()
    button(page, "Play").click()
    page.clock.run_for(3000)
    assert position(page) == "2 / 10 forward"
    button(page, "Pause").click()
    page.clock.run_for(3000)
    assert position(page) == "2 / 10 forward"
    button(page, "Play").click()
    page.clock.run_for(60_000)
    assert position(page) == "10 / 10 backward"
    assert button(page, "Play").is_visible()


def test_without_scripts_there_is_a_picture(open_page):
    page = open_page(steps(neuron()).html, java_script_enabled=False)
    box = page.locator("img").bounding_box()
    assert box["width"] > 300
    assert box["height"] > 50


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_in_dark(open_page, scheme):
    page = open_page(steps(neuron()).html, color_scheme=scheme)
    colours = page.locator(".stepper").evaluate(
        "frame => [getComputedStyle(frame).color, getComputedStyle(frame).backgroundColor]"
    )
    ink, paper = [sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(","))) / 3 for colour in colours]
    assert (ink < 80 and paper > 200) if scheme == "light" else (ink > 200 and paper < 80)


@pytest.mark.parametrize("width", [1200, 420])
def test_nothing_hangs_over_the_edge_of_the_page(open_page, width):
    model = nn.MLP(2, [3, 1], "tanh", seed=0)
    page = open_page(steps((model([1.0, -2.0]) - 1.0) ** 2).html, viewport={"width": width, "height": 800})
    for key in ("Home", "End"):
        page.keyboard.press(key)
        assert page.evaluate("() => document.documentElement.scrollWidth") == width


def test_labels_are_but_text_in_the_page(open_page):
    story = steps(graph_of(HOSTILE[:80]))
    page = open_page(story.html)
    page.keyboard.press("End")
    names = page.locator("text.name").all_text_contents()
    assert sorted(names) == sorted(story.name(node) for node in story.all_nodes if story.is_named(node) or node.op)
    assert page.locator("script, img, b").count() == 1 + 1  # ours


def test_steppers_on_one_page_do_not_disturb_each_other(open_page):
    loss, other = neuron(), Value(3.0, "a") * Value(2.0, "b")
    outputs = [steps(root)._repr_mimebundle_()["text/html"] for root in (loss, other, loss)]
    page = open_page(f"<!doctype html><meta charset='utf-8'><body>{'<hr>'.join(outputs)}</body>")
    assert page.locator("output").all_text_contents() == ["0 / 10 start", "0 / 2 start", "0 / 10 start"]
    page.get_by_role("button", name="Next").nth(1).click()
    page.get_by_role("button", name="Last").nth(2).click()
    page.keyboard.press("ArrowLeft")
    assert page.locator("output").all_text_contents() == ["0 / 10 start", "1 / 2 forward", "9 / 10 backward"]


def notebook_as_html():
    """The HTML that nbconvert makes of a small notebook which was run; of scripts from elsewhere it needs none."""
    nbformat = pytest.importorskip("nbformat", reason="needs nbformat: pip install -e '.[notebooks]'")
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient: pip install -e '.[notebooks]'")
    nbconvert = pytest.importorskip("nbconvert", reason="needs nbconvert: pip install -e '.[notebooks]'")
    pytest.importorskip("ipykernel", reason="needs ipykernel: pip install -e '.[notebooks]'")
    cells = [
        "from autodiff import Value, derive, steps\n"
        "w, x, b, t = Value(0.5), Value(2.0), Value(-0.4), Value(1.0)\n"
        "z = w * x + b\ny = z.tanh()\nL = (y - t) ** 2",
        "steps(L)",
        "derive(L, wrt=w)",
        "L.backward()\n[w.grad, b.grad]",
    ]
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the event loops of others
        nbclient.NotebookClient(notebook, timeout=120).execute()
        html, _ = nbconvert.HTMLExporter(mathjax_url="data:,", require_js_url="data:,").from_notebook_node(notebook)
    return notebook, html


def test_a_notebook_steps_with_the_names_of_its_variables(open_page):
    notebook, html = notebook_as_html()
    assert set(notebook.cells[1].outputs[0].data) == {"text/html", "text/plain"}
    assert set(notebook.cells[2].outputs[0].data) == {"text/latex", "text/plain"}
    assert notebook.cells[2].outputs[0].data["text/plain"].startswith("dL/dw = (dL/dy)(dy/dz)(dz/dw)\n")
    page = open_page(html)
    button(page, "Next").click()
    assert page.locator(".work").text_content() == "v1 = w * x = 0.5 * 2 = 1"
    button(page, "Last").click()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    w_grad, b_grad = eval(notebook.cells[3].outputs[0].data["text/plain"])
    told = page.locator(".work").text_content()
    assert told.count(f"{w_grad:.6g}") >= 2
    page.get_by_role("button", name="b: go to its step").click()
    assert f"= {b_grad:.6g}" in page.locator(".work").text_content()
