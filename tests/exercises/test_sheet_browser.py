"""Sheets in Chromium: done from the first to the last question, and what the page says of answers."""

import json
from importlib.resources import files
from random import Random

import pytest
from show.test_draw_labels import HOSTILE

from autodiff import Value, exercise
from autodiff.exercises import generate
from autodiff.exercises.sheets.page import page as page_of
from autodiff.formulas.vocabulary import FUNCTIONS

pytestmark = pytest.mark.slow


def two_paths():
    a, b, t = Value(3.0, "a"), Value(-2.0, "b"), Value(1.0, "t")
    p = a * b
    p.label = "p"
    s = p + a
    s.label = "s"
    L = (s * p) - t
    L.label = "L"
    return exercise(L)


def typed(page, text):
    page.locator("#answer").fill(text)
    page.keyboard.press("Enter")


def said(page):
    return page.locator(".verdict").text_content()


def right(question):
    return question.answer if question.kind == "turn" else repr(question.answer)


def test_an_exercise_is_done_from_the_first_to_the_last_question_on_a_phone(open_page):
    asked = two_paths()
    page = open_page(asked.html, viewport={"width": 360, "height": 740}, has_touch=True, color_scheme="dark")
    kinds = set()
    for question in asked.questions:
        kinds.add(question.kind)
        if question.kind == "turn":
            (wrong,) = {*question.choices} - {*question.accepted}
            page.locator(f'g.node[aria-label^="{wrong}, "]').click()
            assert "has not handed on" in said(page)
            page.get_by_role("button", name=question.answer, exact=True).click()
            assert "Right." in said(page)
            page.get_by_role("button", name="Go on").click()
        else:
            typed(page, f"{question.answer:.4g}")
            assert "Right." in said(page), question.name
            page.keyboard.press("Enter")
    assert {"value", "local", "contribution", "gradient", "turn"} <= kinds
    total = len(asked.questions)
    assert page.locator("#asked").text_content() == f"{total} of {total} found by yourself"
    assert "To practise: not in topological order." in said(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    targets = page.locator("button:visible, input:visible, g.node").evaluate_all(
        "all => all.map((each) => each.getBoundingClientRect()).map(({ width, height }) => [width, height])"
    )
    assert [size for size in targets if min(size) < 44] == []
    assert page.locator("section.dark").count() == 1
    page.reload()
    assert page.locator("#asked").text_content() == f"{total} of {total} found by yourself"


def test_a_slip_is_named_and_what_follows_from_it_is_right(open_page):
    page = open_page(two_paths().html)
    typed(page, "1")
    assert "product computed as a sum" in said(page)
    assert page.locator("g.node.on text.data").text_content() == "1?"
    page.keyboard.press("Home")
    page.get_by_role("button", name="Next").click()
    typed(page, "4")
    assert "Right, following from p" in said(page)
    page.keyboard.press("Enter")
    assert page.locator("output").text_content().startswith("3 /")
    page.get_by_role("button", name="Hint").click()
    assert page.locator(".hints li").count() == 1
    typed(page, "p s")
    assert "This is not read" in said(page)
    assert page.locator("[role=status]").get_attribute("aria-live") == "polite"


def test_keys_are_those_of_the_stepper_and_letters_stay_in_the_field(open_page):
    page = open_page(two_paths().html)
    for key, place in (("End", "the end"), ("Home", "1 /"), ("ArrowRight", "2 /"), ("ArrowLeft", "1 /")):
        page.keyboard.press(key)
        assert page.locator("output").text_content().startswith(place)
    page.locator("#answer").fill("12")
    page.keyboard.press("ArrowLeft")
    assert page.locator("output").text_content().startswith("1 /"), "in a field that is not empty it moves the caret"


def test_a_page_without_feedback_saves_the_answers_and_says_nothing(open_page, tmp_path):
    asked = two_paths()
    asked.save(tmp_path / "homework.html", feedback="none")
    page = open_page((tmp_path / "homework.html").read_text())
    typed(page, "5")
    typed(page, "2*a")
    typed(page, "what?")
    assert "This is not read" in said(page)
    page.keyboard.press("End")
    page.get_by_role("button", name="Last").click()
    page.locator("#who").fill("Zoë <b>")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the answers").click()
    found = json.loads(download.value.path().read_text("utf-8"))
    assert download.value.suggested_filename == "Zoë-b.json"
    names = [question.name for question in asked.questions]
    assert found["answers"] == dict(zip(names, ["5", "2*a", "what?"], strict=False))
    assert found["who"] == "Zoë <b>"


def test_hostile_labels_are_text_in_every_place_that_shows_them(open_page):
    for label in HOSTILE[1:60:30]:
        a, b = Value(3.0, label), Value(2.0, "__proto__")
        asked = exercise(a * b + a)
        page = open_page(asked.html)
        assert page.locator("#asked").text_content() == f"1. {asked.questions[0].prompt}"
        names = page.locator(".overview code").all_text_contents()
        assert names == [question.name for question in asked.questions]
        for question in asked.questions[:3]:
            typed(page, repr(question.answer))
            assert "Right." in said(page)
            page.keyboard.press("Enter")


# The page's reader and judge against those of Python.


def judged(page, asked, answers):
    """What the page says of the answers of several people, by the names of the questions."""
    script = (files("autodiff.exercises.sheets") / "check.js").read_text("utf-8")
    start, end = "const sheets = ", ";\nfor (const place"
    (sheet,) = json.loads((html := page_of([asked]))[html.index(start) + len(start) : html.index(end)]).values()
    places = {question.name: i for i, question in enumerate(asked.questions)}
    given = [{places[name]: text for name, text in each.items()} for each in answers]
    told = page.evaluate(
        "([script, sheet, all]) => { const judge = new Function(`${script}; return judge`)();"
        " return all.map((given) => judge(sheet, given)); }",
        [script, sheet, given],
    )
    return [{name: each[str(places[name])] for name in one} for one, each in zip(answers, told, strict=True)]


@pytest.mark.parametrize("level", [3, 5, 8])
def test_the_page_says_what_python_says(chromium, level):
    asked, rng = generate(level=level, seed=1)[0], Random(level)
    numbers = [question for question in asked.questions if question.kind != "turn" and question.mistakes]
    people = []
    for _ in range(12):
        answers = {question.name: right(question) for question in asked.questions}
        slip = rng.choice(numbers)
        answers[slip.name] = repr(rng.choice([*slip.mistakes.values()]))
        coarse, odd, gone = rng.choice(numbers), rng.choice(numbers), rng.choice(numbers)
        answers[coarse.name] = f"{coarse.answer:.2g}"
        answers[odd.name] = repr(odd.answer * 1.37 + 0.11)
        del answers[gone.name]
        people.append(answers)
    page = chromium.new_page()
    for answers, told in zip(people, judged(page, asked, people), strict=True):
        feedback = asked.check(answers)
        for name in answers:
            assert told[name]["verdict"] == feedback[name].verdict, (name, answers[name])
            both = {*told[name]["misconceptions"]} & {*feedback[name].misconceptions}
            assert bool(both) == (feedback[name].verdict == "misconception"), (name, answers[name])
    page.close()


TEXTS = "0.75 0,75 3/4 -2 −2 +1 .5 5. 1e2 2*a a*b+1 (a+b)/2 -a**2 a**-1 2**3**2 1,5*a"
TEXTS += " max(a,1) tanh(a)*0,5 dL/ds [a>0] [b<0]*2 [a>=b]+1 [a==3] [a!=3] a^2 a² 2×a a÷2 p·s 2–a"
REFUSED = "1.000,5|1,000,000|nan|-inf|1_000|two|foo*2|1;2|2a|sin a|(1|1)|a b|3 4|a*|*a|a=1|a,b|'a'|a.b|a[0]|__proto__"


def test_the_page_reads_what_python_reads_and_refuses_what_it_refuses(chromium):
    asked = two_paths()
    name = asked.questions[-1].name
    texts = [*TEXTS.split(), *REFUSED.split("|")]
    page = chromium.new_page()
    refused = set()
    for text, told in zip(texts, judged(page, asked, [{name: text} for text in texts]), strict=True):
        try:
            verdict = asked.check({name: text})[name].verdict
        except ValueError:
            refused.add(text)
            verdict = "unread"
        assert told[name]["verdict"] == verdict, text
    assert {*REFUSED.split("|")} <= refused
    page.close()


def test_the_page_knows_every_function_that_a_rule_may_call(chromium):
    script = (files("autodiff.exercises.sheets") / "check.js").read_text("utf-8")
    page = chromium.new_page()
    known = page.evaluate("(script) => Object.keys(new Function(`${script}; return FUNCTIONS`)())", script)
    assert {*FUNCTIONS} - {*known} == {"clip", "detach", "dot", "logsumexp", "stop_gradient", "where"}
    page.close()
