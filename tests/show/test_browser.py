"""The stepper in Chromium: as a page from the file system, and in the output of a notebook."""

import math
import re
import warnings

import pytest
from test_draw_labels import HOSTILE
from test_page import graph_of, neuron

from autodiff import Value, nn, steps, training_steps


def gradients(page):
    """The gradients that the boxes of the drawing show."""
    return sorted(page.locator("text.gradient").all_text_contents())


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


# Follow a link within the page. That the address has changed is told later, so it is waited for.
FOLLOW = """(link) => new Promise((go_on) => {
  addEventListener("hashchange", go_on, {once: true});
  location.hash = link;
})"""


def position(page):
    return page.locator(".count").text_content()


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


def middles(locator):
    boxes = [found.bounding_box() for found in locator.all()]
    return [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes]


def test_on_the_way_back_the_arrows_of_the_step_turn_and_say_what_they_carry(open_page):
    w, x, t = Value(3.0, "w"), Value(2.0, "x"), Value(4.0, "t")
    page = open_page(steps((w * x - t) ** 2).html)
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    (giver,), (receiver,) = middles(page.locator("g.node.on")), middles(page.locator("g.node.with"))
    (tip,) = middles(page.locator("g.edge.on > polygon"))
    assert page.locator("g.edge.on .turned").is_hidden()
    assert math.dist(tip, giver) < math.dist(tip, receiver)  # so far, forward
    assert page.locator(".legend").text_content() == "computed in this stepoperandsnot computed yet"
    forward = page.locator("h2 .phase").evaluate("span => getComputedStyle(span).color")
    page.keyboard.press("ArrowRight")
    assert page.locator("g.edge.on > polygon").evaluate("head => getComputedStyle(head).visibility") == "hidden"
    (tip,) = middles(page.locator("g.edge.on .turned polygon"))
    assert math.dist(tip, receiver) < math.dist(tip, giver)
    assert list(filter(None, page.locator("g.edge text.flow").all_text_contents())) == ["1 × 4 = 4"]
    assert page.locator(".legend").text_content() == "hands on its gradientreceivers"
    assert page.locator("h2 .phase").evaluate("span => getComputedStyle(span).color") != forward
    page.keyboard.press("ArrowRight")
    assert page.locator("g.edge.on text.flow").all_text_contents() == ["4 × 1 = 4", "4 × (-1)", "= -4"]


def test_the_way_back_goes_edge_by_edge_where_that_is_asked_for(open_page):
    page = open_page(steps(neuron()).html)
    page.keyboard.press("End")
    button(page, "Edge by edge").click()
    assert position(page) == "10.2 / 10 backward"
    page.keyboard.press("ArrowLeft")
    assert position(page) == "10.1 / 10 backward"
    assert page.locator("g.edge.on").count() == page.locator("g.node.with").count() == 1
    assert page.locator("h2").text_content() == "Backward: v1 hands on dL/dv1 = -0.65885 to w"
    assert page.locator(".work tr").all_text_contents() == [
        *["local derivative∂v1/∂w = x = 2", "incoming × local-0.65885 * 2 = -1.3177"],
        "gradient so fardL/dw = 0 + (-1.3177) = -1.3177",
    ]
    assert page.locator("text.gradient", has_text="not yet").count() == 1  # x, which comes next
    page.keyboard.press("e")
    assert position(page) == "10 / 10 backward"


def test_nothing_moves_where_motion_is_to_be_reduced(open_page):
    loss = steps(neuron()).html
    for motion, moving in [("reduce", {"none"}), ("no-preference", {"flow-back", "come"})]:
        page = open_page(loss, reduced_motion=motion)
        page.keyboard.press("End")
        animated = page.locator("g.edge.on .turned *").evaluate_all(
            "all => all.map(x => getComputedStyle(x).animationName)"
        )
        assert set(animated) == moving


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
    for name in ("L = (tanh(w * x + b) - t)**2", "First", "Back", "Play", "Next"):
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
    page.get_by_role("button", name=re.compile("^L,")).click()
    assert position(page) == "5 / 10 forward"
    button(page, "Next").click()
    page.get_by_role("button", name=re.compile("^b,")).focus()
    page.keyboard.press("Enter")
    assert position(page) == "9 / 10 backward"
    assert page.locator(".ledger h3").text_content() == "Gradient of b: complete"
    page.get_by_role("button", name=re.compile("^w,")).click()
    assert position(page) == "10 / 10 backward"


def test_play_goes_on_until_the_end_and_can_be_stopped_and_hurried(open_page):
    page = open_page(steps(neuron()).html)
    page.clock.install(time=0)
    page.clock.pause_at(1000)  # from here on, time passes only where it is told to
    button(page, "Play").click()
    page.clock.run_for(3000)
    assert position(page) == "2 / 10 forward"
    button(page, "Pause").click()
    page.clock.run_for(3000)
    assert position(page) == "2 / 10 forward"
    button(page, "Play").click()
    page.get_by_label("Speed of Play").select_option("2× speed")
    page.clock.run_for(3000)
    assert position(page) == "6 / 10 backward"
    page.clock.run_for(60_000)
    assert position(page) == "10 / 10 backward"
    assert button(page, "Play").is_visible()


def test_a_link_leads_to_a_step_and_the_address_is_that_of_the_step(open_page):
    page = open_page(steps(neuron()).html)
    for link, place in [
        ("#step=7", "7 / 10 backward"),
        ("#step=10.1", "10.1 / 10 backward"),
        ("#step=99", "10.2 / 10 backward"),
        ("#step=1e9&open=<b>", "10.2 / 10 backward"),  # no step
    ]:
        page.evaluate(FOLLOW, link)
        assert position(page) == place
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**#step=1")


def test_it_is_heard_once_and_names_say_the_values(open_page):
    page = open_page(steps(neuron()).html)
    assert page.locator("[aria-live], output, [role=status], [role=alert]").count() == 1
    assert page.get_by_role("button", name="v1, ?, grad not yet: go to its step", exact=True).count() == 1
    page.keyboard.press("End")
    heard = page.locator("[aria-live=polite][aria-atomic=true]").text_content()
    assert heard.startswith("Backward: v1 hands on dL/dv1 = -0.65885")
    assert page.get_by_role("button", name="w, 0.5, grad -1.3177: go to its step", exact=True).count() == 1
    assert page.get_by_label("Step", exact=True).get_attribute("aria-valuetext") == "10 of 10, backward"


def test_without_scripts_and_on_paper_there_is_a_picture_with_the_steps_in_words(open_page):
    for page in (open_page(steps(neuron()).html, java_script_enabled=False), open_page(steps(neuron()).html)):
        page.emulate_media(media="print")
        box = page.locator("img").bounding_box()
        assert box["width"] > 300
        assert box["height"] > 50
        assert page.locator("ol > li").count() == 10
        assert page.locator("ol > li").last.is_visible()
        assert page.locator("ul > li").last.text_content().endswith("so far dL/dx = 0 + (-0.329425) = -0.329425")
        assert page.get_by_role("button").count() == 0
    page.emulate_media(media="screen")
    assert page.locator("ol > li").first.is_hidden()


# Of each element with a text of its own: the text, its colour, and the colour of what lies behind it.
COLOURS = """(frame) => [...frame.querySelectorAll("*")].flatMap((element) => {
  const words = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join("").trim();
  if (!words || element.tagName === "title" || !element.checkVisibility({opacityProperty: true})) return [];
  const box = element.closest("g.node")?.querySelector("path, polygon");
  const style = getComputedStyle(element);
  let behind = element;
  while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
  const ground = box ? getComputedStyle(box).fill : getComputedStyle(behind).backgroundColor;
  return [[words, element instanceof SVGElement ? style.fill : style.color, ground, style.opacity]];
})"""


def luminance(colour):
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)]
    assert len(parts) == 3, colour  # nothing shines through
    r, g, b = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one, other):
    """By the Web Content Accessibility Guidelines 2.2."""
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_contrast_in_light_and_in_dark_also_what_is_not_computed_yet(open_page, scheme):
    model = nn.MLP(2, [2, 1], "tanh", seed=0)
    loss = model([Value(1.0, "x1"), Value(-2.0)])
    page = open_page(steps(loss, model=model, fold="layer").html, color_scheme=scheme, reduced_motion="reduce")
    seen = set()
    for key in ("Home", "ArrowRight", "End", "e"):
        page.keyboard.press(key)
        for words, *colours, opacity in page.locator(".stepper").evaluate(COLOURS):
            assert opacity == "1", words
            assert contrast(*colours) >= 4.5, (words, *colours)
            seen.add(words)
    page.get_by_role("button", name=re.compile("^layers.1,")).click()
    for words, *colours, _ in page.locator(".stepper").evaluate(COLOURS):
        assert contrast(*colours) >= 4.5, (words, *colours)
        seen.add(words)
    assert {"?", "grad not yet", "|grad| not yet", "Forward:", "Backward:", "First", "Layer", "dot"} <= seen


@pytest.mark.parametrize("width", [1200, 360])
def test_nothing_hangs_over_the_edge_of_the_page_and_all_can_be_hit_by_a_finger(open_page, width):
    model = nn.MLP(2, [3, 1], "tanh", seed=0)
    page = open_page(steps((model([1.0, -2.0]) - 1.0) ** 2).html, viewport={"width": width, "height": 800})
    for key in ("Home", "End"):
        page.keyboard.press(key)
        assert page.evaluate("() => document.documentElement.scrollWidth") == width
    targets = page.locator("button, select, input, g.node > rect").evaluate_all(
        "all => all.map(target => [target.tagName, target.getBoundingClientRect().toJSON()])"
    )
    assert len(targets) > 30
    for tag, box in targets:
        assert min(box["width"], box["height"]) >= 44
        assert tag == "rect" or 0 <= box["left"] <= box["right"] <= width


def test_a_layer_is_one_step_until_it_is_opened(open_page):
    model = nn.MLP(2, [2, 1], "tanh", seed=0)
    loss = (model([Value(1.0, "x1"), Value(-2.0, "x2")]) - 1.0) ** 2
    page = open_page(steps(loss, fold="layer").html)
    loss.backward()
    norm = math.hypot(*[parameter.grad for parameter in model.layers[1].parameters()])
    page.keyboard.press("ArrowRight")
    assert page.locator("h2").text_content() == "Forward: compute layers.0"
    assert page.locator(".work td:first-child").all_text_contents() == ["a[0][0]", "a[0][1]"]
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert position(page) == "7 / 8 backward"
    assert f"|grad| {norm:.6g}" in gradients(page)
    assert gradients(page).count("|grad| not yet") == 1
    assert page.locator(".work p").text_content() == f"and to its own parameters, |grad| {norm:.6g}"
    page.get_by_role("button", name=re.compile(r"^layers\.1,.*open it")).click()
    assert position(page) == "6 / 8 backward"  # the layer has not handed on anything
    assert page.locator("g.node.todo").count() == 0
    page.keyboard.press("ArrowRight")
    assert page.locator("h2").text_content().startswith("Backward: z[1][0] hands on dloss/dz[1][0] = ")
    w = model.layers[1].neurons[0].weights[0]
    assert f"dloss/dw[1][0,0] = 0 + {w.grad:.6g} = {w.grad:.6g}" in page.locator(".work").text_content()
    page.keyboard.press("Escape")
    assert position(page) == "7 / 8 backward"
    assert page.locator("g.node.module").count() == 2


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
    assert page.locator(".count").all_text_contents() == ["0 / 10 start", "0 / 2 start", "0 / 10 start"]
    page.get_by_role("button", name="Next").nth(1).click()
    page.get_by_role("button", name="Last").nth(2).click()
    page.keyboard.press("ArrowLeft")
    assert page.locator(".count").all_text_contents() == ["0 / 10 start", "1 / 2 forward", "9 / 10 backward"]


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
    page.get_by_role("button", name=re.compile("^b,")).click()
    assert f"= {b_grad:.6g}" in page.locator(".work").text_content()


def test_a_mistake_is_marked_where_it_first_departs(open_page):
    w1, w2, x, t = Value(1.5, "w1"), Value(1.0, "w2"), Value(4.0, "x"), Value(1.0, "t")
    h = w1 * x
    y = w2 * h
    L = (y - t) ** 2
    page = open_page(steps(L, misconception="factors of a product swapped").html)
    assert page.locator("summary").text_content() == "L = (y - t)**2"
    assert page.locator("g.node.wrong").count() == 0
    assert "First departs at y: \u2202y/\u2202w2 is 1 in place of 6" in page.locator(".beside").text_content()
    button(page, "Go there").click()
    assert "7 / 8" in page.locator(".count").text_content()
    assert (
        page.locator("td.departs").text_content()
        == "first departs: \u2202y/\u2202w2 = 1, contribution = 10, dL/dw2 = 10"
    )
    assert page.locator("g.node.wrong").count() == 2
    button(page, "Last").click()
    assert page.locator("td.differs").count() == 2
    assert page.locator("g.node.wrong").count() == 4
    page.keyboard.press("e")
    assert "dL/dx = 240" in page.locator("td.differs").text_content()


def test_a_training_goes_on_from_step_to_step_by_its_updates(open_page):
    w1, w2 = Value(1.5, "w1"), Value(1.0, "w2")
    told = training_steps(lambda: (w2 * (w1 * 4.0) - 1.0) ** 2, [w1, w2], lr=0.001, steps=12)
    page = open_page(told.html, viewport={"width": 360, "height": 740})
    here = page.locator("tr[aria-current]")
    ring = page.locator("circle.now")
    assert here.text_content().startswith("Step 0")
    page.keyboard.press("End")
    assert {"grad 40", "grad 60"} <= set(gradients(page))
    before = ring.get_attribute("cx")
    page.keyboard.press("ArrowRight")
    update = page.locator(".update")
    assert "new w2 = w2 - rate * dL/dw2 = 1 - 0.001 * 60 = 0.94" in update.text_content()
    assert ring.get_attribute("cx") == page.locator("circle.walk[data-step='1']").get_attribute("cx") != before
    page.keyboard.press("Enter")  # the button has the focus
    assert here.text_content().startswith("Step 1")
    assert update.text_content() == ""
    page.keyboard.press("ArrowRight")  # the focus is where the keys are heard
    assert page.locator(".stepper .count").text_content().startswith("1 / 8")
    button(page, "Step 5").click()
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    assert "4 more steps like this one lead to step 10." in update.text_content()
    button(page, "On with these").click()
    assert here.text_content().startswith("Step 10")
    page.keyboard.press("ArrowLeft")
    assert here.text_content().startswith("Step 5")
    assert page.locator(".stepper .count").text_content().startswith("8 / 8")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
