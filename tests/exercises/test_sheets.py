"""Sheets of an exercise: what pages and course tools are given, and what a page without a key keeps to itself."""

import base64
import html
import json
import re
import zipfile
from html.parser import HTMLParser
from io import BytesIO
from xml.etree import ElementTree

import pytest
from show.test_draw_labels import HOSTILE

from autodiff import Value, exercise
from autodiff.exercises import generate
from autodiff.exercises.sheets.canvas import canvas
from autodiff.exercises.sheets.moodle import moodle
from autodiff.exercises.sheets.page import fragment, page
from autodiff.exercises.sheets.qti3 import item
from autodiff.exercises.sheets.sheet import tolerance


def neuron():
    w, x, b, t = Value(0.37, "w"), Value(4.1, "x"), Value(-1.3, "b"), Value(0.9, "t")
    z = w * x + b
    y = z.tanh()
    return exercise((y - t) ** 2, rate=0.1, weights=[w, b])


def hostile(label):
    a = Value(3.0, label)
    b = Value(2.0, f"{label}2")
    return exercise(a * b + a)


class Page(HTMLParser):
    """The elements of a page, its texts outside of scripts, and its scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.scripts, self.images, self._in = [], [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, sorted(name for name, _ in attributes)))
        self._in = tag
        if tag == "img":
            self.images.append(base64.b64decode(dict(attributes)["src"].split(",")[1]).decode())

    def handle_endtag(self, tag):
        self._in = ""

    def handle_data(self, data):
        (self.scripts if self._in == "script" else self.texts).append(data)

    @property
    def sheets(self):
        (script,) = self.scripts
        return json.loads(re.search(r"^const sheets = (.*);$", script, re.M)[1])


# The page.


def numbers_in(text):
    """The numbers that stand in a text, also inside of formulas."""
    return {float(number) for number in re.findall(r"(?<![\w.#])-?\d+(?:\.\d+)?(?:e-?\d+)?(?![\w.])", text)}


def test_a_page_without_feedback_carries_no_answer_and_no_number_of_a_mistake(tmp_path):
    asked = neuron()
    asked.save(tmp_path / "homework.html", feedback="none")
    told = Page((tmp_path / "homework.html").read_text())
    (sheet,) = told.sheets.values()
    seen = [*told.texts[1:], json.dumps(sheet), *told.images]
    there = set().union(
        *[numbers_in(re.sub(r'(?:width|height|d|points|x|y|viewBox|transform)="[^"]*"', "", text)) for text in seen]
    )
    secret = {float(f"{question.answer:.4g}") for question in asked.questions}
    secret |= {float(f"{number:.4g}") for question in asked.questions for number in question.mistakes.values()}
    given = {*asked.givens.values(), *range(-2, 60), *range(-60, 0)}  # sizes, places and counts
    found = {x for x in there if float(f"{x:.4g}") in secret} - given
    assert found == set()
    assert all(
        not {"answer", "rule", "mistakes", "shown", "right"} & question.keys() for question in sheet["questions"]
    )
    assert all(question["hints"] == [] for question in sheet["questions"])
    assert sheet["rows"] == []
    keyed = Page(asked.html)
    assert {q["answer"] for q in next(iter(keyed.sheets.values()))["questions"]} == {q.answer for q in asked.questions}


def test_the_picture_of_a_sheet_is_the_same_for_every_answer():
    x, y = Value(2.0, "x"), Value(3.0, "y")
    one = Page(exercise(x * y).html).images
    x, y = Value(2.0, "x"), Value(3.0, "y")
    assert one == Page(exercise(x * y, about=["v1"]).html).images
    assert "6" not in re.sub("<[^>]*>", "", one[0])


def test_hostile_labels_are_text_on_a_page_and_change_no_element():
    harmless = [Page(make(hostile("a"))) for make in (lambda e: page([e], solved=True), fragment)]
    for label in HOSTILE[:60:4]:
        asked = hostile(label)
        for made, plain in zip((page([asked], solved=True), fragment(asked)), harmless, strict=True):
            told = Page(made)
            assert told.tags == plain.tags, repr(label)
            assert len(told.scripts) == 1
            assert "</" not in re.search(r"^const sheets = (.*);$", told.scripts[0], re.M)[1]
            (sheet,) = told.sheets.values()
            assert [q["prompt"] for q in sheet["questions"]] == [q.prompt for q in asked.questions]
            assert made.isascii()


def test_two_exercises_on_one_page_have_places_of_their_own():
    first, second = generate(level=1, seed=3, copies=2)
    told = Page(page([first, second]))
    assert len(told.sheets) == 2
    assert sum(tag == "section" for tag, _ in told.tags) == 2


def test_a_sheet_is_the_same_bytes_each_time():
    for make in (lambda e: e.html, lambda e: moodle([e]), item, lambda e: page([e], keyed=False)):
        assert make(generate(level=2, seed=2)[0]) == make(generate(level=2, seed=2)[0])


# Moodle: a reader of ours, by the rules of Moodle 4.

ALTERNATIVE = r"(=|%(-?[0-9]+(?:[.,][0-9]*)?)%)?(.+?(?<!\\|&)(?<!&amp;)(?=[~#}]|$))(#(.*?(?<!\\)(?=[~}]|$)))?"
BLANK = re.compile(r"\{([0-9]*):(NUMERICAL|MULTICHOICE):(" + ALTERNATIVE + "(~" + ALTERNATIVE + r")*)\}", re.S)


def cloze(question):
    """The blanks of a question of type cloze: of each its kind and (worth, answer, tolerance, what is said)."""
    text, blanks = question.findtext("questiontext/text"), []
    while found := BLANK.search(text):
        parts, rest = [], found[3]
        while rest:
            part = re.match("~?" + ALTERNATIVE, rest, re.S)
            worth = 1.0 if part[1] == "=" else 0.01 * float(part[2]) if part[2] else 0.0
            said = html.unescape(html.unescape(part[5] or ""))  # once by Moodle, once by the browser
            answer = part[3]
            if found[2] == "NUMERICAL":
                number, off = re.fullmatch(r"(-?[0-9]+(?:\.[0-9]*)?):([0-9.]+)", answer).groups()
                parts.append((worth, float(number), float(off), said))
            else:
                parts.append((worth, html.unescape(html.unescape(answer)), 0.0, said))
            rest = rest[part.end() :]
        blanks.append((found[2], parts))
        text = text[: found.start()] + f"{{#{len(blanks)}}}" + text[found.end() :]
    return blanks, text


def moodles(parts, answer):
    """What Moodle gives for an answer, and what it says: the first that matches counts."""
    for worth, number, off, said in parts:
        if answer == number if isinstance(number, str) else abs(answer - number) <= off * (1 + 1e-9):
            return worth, said
    return 0.0, ""


@pytest.mark.parametrize("level", [1, 3, 4, 8])
def test_moodle_reads_the_right_answers_and_names_the_mistakes(level):
    asked = generate(level=level, seed=0)[0]
    (question,) = ElementTree.fromstring(moodle([asked])).iter("question")
    assert question.get("type") == "cloze"
    blanks, _ = cloze(question)
    assert len(blanks) == len(asked.questions)
    named = 0
    for asks, (kind, parts) in zip(asked.questions, blanks, strict=True):
        if kind == "MULTICHOICE":
            assert {answer: worth for worth, answer, _, _ in parts} == {
                name: float(name in asks.accepted) for name in asks.choices
            }
            continue
        assert moodles(parts, asks.answer) == (1.0, "Right.")
        assert moodles(parts, float(f"{asks.answer:.3g}"))[0] == 1.0
        for name, number in asks.mistakes.items():
            worth, said = moodles(parts, number)
            if abs(number - asks.answer) > 2.5 * tolerance(asks.answer):
                assert worth == 0.0, (asks.name, name)
                named += name in said
    assert named > 2 * len(blanks) / 3


def test_hostile_labels_make_no_blank_in_moodle_and_read_as_they_are():
    for label in [*HOSTILE[:60:8], "{1:NUMERICAL:=1}", "~=x#}", "&amp;lt;b&gt;"]:
        asked = hostile(label)
        blanks, text = cloze(next(ElementTree.fromstring(moodle([asked])).iter("question")))
        assert len(blanks) == len(asked.questions)
        around = html.unescape(re.sub(r"<[^>]*>|\{#\d+\}", "", text))
        assert all(question.prompt in around for question in asked.questions), repr(label)
        assert {tag for tag in re.findall(r"<(\w+)", text)} == {"p", "img", "ol", "li"}


# QTI.

QTI3 = "{http://www.imsglobal.org/xsd/imsqtiasi_v3p0}"
QTI12 = "{http://www.imsglobal.org/xsd/ims_qtiasiv1p2}"


def test_qti3_asks_whether_there_is_an_answer_before_it_compares():
    asked = generate(level=3, seed=0)[0]
    root = ElementTree.fromstring(item(asked))
    assert not list(root.iter(f"{QTI3}qti-equal"))
    assert not list(root.iter(f"{QTI3}qti-divide"))
    conditions = list(root.iter(f"{QTI3}qti-response-condition"))
    assert len(conditions) == len(asked.questions)
    for condition in conditions:
        for part in condition:
            first = part.find(f"{QTI3}qti-and")[0]
            assert first.tag == f"{QTI3}qti-not"
            assert first[0].tag == f"{QTI3}qti-is-null"
    known = {each.get("identifier") for each in root.iter(f"{QTI3}qti-outcome-declaration")}
    assert {each.get("outcome-identifier") for each in root.iter(f"{QTI3}qti-feedback-block")} <= known


def test_canvas_is_given_choices_of_which_one_is_right_and_the_others_are_mistakes():
    asked = generate(level=5, seed=1)[0]
    with zipfile.ZipFile(BytesIO(canvas([asked]))) as package:
        manifest = ElementTree.fromstring(package.read("imsmanifest.xml"))
        files = [file.get("href") for file in manifest.iter() if file.tag.endswith("}file")]
        assert set(files) == {*package.namelist()} - {"imsmanifest.xml"}
        quiz = ElementTree.fromstring(package.read(files[0]))
    items = list(quiz.iter(f"{QTI12}item"))[1:]
    assert len(items) == len(asked.questions)
    for question, one in zip(asked.questions, items, strict=True):
        texts = {
            label.get("ident"): re.sub("<[^>]*>", "", label.findtext(f".//{QTI12}mattext"))
            for label in one.iter(f"{QTI12}response_label")
        }
        right = [
            condition.findtext(f".//{QTI12}varequal")
            for condition in one.iter(f"{QTI12}respcondition")
            if condition.find(f"{QTI12}setvar") is not None
        ]
        if "answer1" not in texts:
            assert len({float(text) for text in texts.values()}) == len(texts) > 1
            right = [texts[ident] for ident in right]
            mistakes = {float(f"{number:.6g}") for number in question.mistakes.values()}
            assert {float(text) for text in texts.values()} - {float(right[0])} <= mistakes
        assert [float(number) for number in right] == [pytest.approx(question.answer, rel=1e-5)]


def test_course_files_are_well_formed_under_hostile_labels(tmp_path):
    for i, label in enumerate(HOSTILE[:60:8]):
        asked = hostile(label)
        for kind in ("qti3", "canvas"):
            asked.save(tmp_path / f"{i}.zip", format=kind)
            with zipfile.ZipFile(tmp_path / f"{i}.zip") as package:
                roots = [ElementTree.fromstring(package.read(name)) for name in package.namelist()]
            assert not {element.tag for root in roots for element in root.iter() if element.tag.endswith("script")}


# Saving.


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.txt", {}, "format 'page' is saved as .html"),
        ("a.html", {"format": "moodle"}, "format 'moodle' is saved as .xml"),
        ("a.html", {"format": "gift"}, "format must be one of"),
        ("a.html", {"feedback": "none", "key": True}, "choose one"),
        ("a.html", {"feedback": "later"}, "feedback must be one of"),
        ("a.zip", {"format": "canvas", "key": True}, "not of canvas"),
    ],
)
def test_what_cannot_be_saved_is_told_and_writes_nothing(tmp_path, name, options, message):
    with pytest.raises(ValueError, match=message):
        neuron().save(tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_graph_too_large_to_draw_is_no_sheet(monkeypatch):
    monkeypatch.setattr("autodiff.exercises.sheets.sheet.MAX_BOXES", 3)
    asked = neuron()
    with pytest.raises(ValueError, match="make an exercise of a part of it"):
        _ = asked.html
    assert list(asked._repr_mimebundle_()) == ["text/plain"]


def test_a_folded_question_hides_its_hint_and_solution_without_a_script():
    asked = neuron()
    shown = asked.folded(asked.questions[-1].name)
    bundle = shown._repr_mimebundle_()
    assert "<script" not in bundle["text/html"]
    hint, solution = re.findall(r"<details><summary>(\w+)</summary>(.*?)</details>", bundle["text/html"])
    assert (hint[0], solution[0]) == ("Hint", "Solution")
    around = re.sub("<details>.*?</details>", "", bundle["text/html"])
    answer = f"{asked.questions[-1].answer:.6g}"
    assert answer in solution[1]
    assert answer not in around + bundle["text/plain"]
    told = Page(hostile("<b onload=x>&").folded()._repr_mimebundle_()["text/html"])
    assert {tag for tag, _ in told.tags} == {"p", "span", "ol", "li", "details", "summary", "br"}


def test_a_pdf_is_the_size_that_is_asked_for_and_the_same_bytes_each_time(tmp_path):
    pytest.importorskip("typst", reason="needs Typst: pip install 'autodiff-scalar[pdf]'")
    for paper, size in (("a4", b"[0 0 595.2"), ("letter", b"[0 0 612 792]")):
        written = []
        for name in ("a.pdf", "b.pdf"):
            hostile(HOSTILE[3]).save(tmp_path / name, paper=paper, key=True)
            written.append((tmp_path / name).read_bytes())
        assert written[0] == written[1]
        assert written[0].startswith(b"%PDF-")
        assert size in written[0]
