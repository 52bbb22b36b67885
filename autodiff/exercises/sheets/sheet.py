"""What a sheet shows of an exercise, whatever its format, and the picture: the stepper's drawing with blanks."""

from __future__ import annotations

import hashlib
import html
import io
import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Protocol
from xml.etree import ElementTree

from autodiff.engine.value import Value
from autodiff.exercises.feedback import Feedback
from autodiff.exercises.question import Question
from autodiff.exercises.reading import Answer
from autodiff.mistakes import MISCONCEPTIONS, Misconception
from autodiff.mistakes.graph import Graph
from autodiff.show.picture.dot import dot
from autodiff.show.picture.drawing import MAX_ARROWS, MAX_BOXES, Drawing, Engine, too_large
from autodiff.show.picture.reading import Reading
from autodiff.show.story.story import Story
from autodiff.support.labels import short

RIGHT = "Right."
LATER = "Not yet: a node hands on only when all that it flowed into has done so, and only once."
ROOM = "-0.00000000"  # what is written into a blank fits; it is as wide for every answer


class Sheet(Protocol):
    """What sheets need of an exercise, which stands above them: see `autodiff.Exercise`."""

    loss: Value
    made: dict[str, Any]
    questions: tuple[Question, ...]

    @property
    def story(self) -> Story: ...  # noqa: D102  # described by the class

    @property
    def lines(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def givens(self) -> Mapping[str, float]: ...  # noqa: D102

    def leads(self, name: str) -> Mapping[str, Sequence[float | str]]: ...  # noqa: D102

    def read(self, name: str, answer: Any) -> Answer: ...  # noqa: D102

    def check(self, answers: Mapping[str, Any]) -> Feedback: ...  # noqa: D102


def title(sheet: Sheet) -> str:
    """Return what an exercise is called."""
    name = f"Exercise: the gradient of {sheet.story.name(sheet.loss)}"
    which = [f"{word} {sheet.made[word]}" for word in ("level", "seed", "copy") if word in sheet.made]
    return f"{name} ({', '.join(which)})" if which else name


def given(sheet: Sheet) -> str:
    """Return the numbers that are given, in a line."""
    return ", ".join([f"{name} = {short(number)}" for name, number in sheet.givens.items()])


def fingerprint(sheet: Sheet) -> str:
    """Return 12 characters that are the same for exercises with the same formula, numbers and questions alone."""
    parts = [*sheet.lines, *[f"{name}={number!r}" for name, number in sheet.givens.items()]]
    return hashlib.sha256("\0".join([*parts, *[q.name for q in sheet.questions]]).encode()).hexdigest()[:12]


def places(sheet: Sheet) -> list[tuple[Value, int]]:
    """Return for each question the node that it is about, and which of its operands."""
    nodes = Graph(sheet.loss).nodes
    return [(nodes[question.key[1]], question.key[2]) for question in sheet.questions]


def known(sheet: Sheet, node: Value) -> tuple[str, str]:
    """Return the number and the gradient of a node as texts, as far as they are given."""
    name, root = sheet.story.name(node), sheet.story.name(sheet.loss)
    numbers = [sheet.givens.get(key) for key in (name, f"d{root}/d{name}")]
    texts = ["" if number is None else short(number) for number in numbers]
    return texts[0] if node.op else short(sheet.story.number(node)), texts[1]


def shown(answer: float | str) -> str:
    """Return an answer as it is shown: a number short, the name of a node as it is."""
    return answer if isinstance(answer, str) else short(answer)


def escaped(text: str) -> str:
    """Return a text for HTML and XML, in ASCII: a page may be written in any encoding, as by a redirection."""
    return html.escape(text).encode("ascii", "xmlcharrefreplace").decode()


def blank(sheet: Sheet, engine: Engine = "auto") -> Drawing:
    """Return the drawing of an exercise without the numbers that are asked for, in texts, tooltips and widths.

    Raises:
        ValueError: if the graph is too large to be drawn.
    """
    story = sheet.story
    nodes = story.all_nodes
    arrows = sum([len(node.parents) for node in nodes])
    if len(nodes) > MAX_BOXES or arrows > MAX_ARROWS:
        advice = "make an exercise of a part of it, such as the loss of a single example"
        raise too_large(f"the graph has {len(nodes)} nodes", len(nodes), arrows, advice)
    names = {id(node): story.name(node) for node in nodes if node.op or story.is_named(node)}
    scene = Reading([story.root], names, [], story.number_format).scene()
    boxes = {box.id: box for box in scene.boxes}
    shown, widest = [], []
    for node in nodes:
        box = boxes[scene.box_of[id(node)]]
        rows = dict(box.rows) | ({"name": story.name(node)} if id(node) in names else {})
        number, gradient = known(sheet, node)
        box = replace(box, ports=tuple([port.partition(" = ")[0] for port in box.ports]), tooltip=story.name(node))
        shown.append(
            replace(box, rows=tuple((rows | {"data": number, "gradient": f"grad {gradient}".strip()}).items()))
        )
        room = {"data": number or ROOM, "gradient": f"grad {gradient or ROOM}"}
        widest.append(replace(box, rows=tuple((rows | room).items())))
    plain = [replace(arrow, tooltip="", label="") for arrow in scene.arrows]
    layout = dot(replace(scene, boxes=widest, arrows=plain))
    return Drawing([story.root], replace(scene, boxes=shown, arrows=plain), layout, engine, heated=False)


def plain(number: float) -> str:
    """Return a number with a decimal point and without an exponent, which is what course tools read.

    >>> plain(3.32e-06), plain(-40.0), plain(1 / 3)
    ('0.00000332', '-40', '0.333333333333')
    """
    text = format(Decimal(format(number, ".12g")), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def tolerance(number: float) -> float:
    """Return how far an answer may be off: half of what its third digit is worth.

    >>> tolerance(0.7616), tolerance(40.0), tolerance(0.0)
    (0.0005, 0.05, 1e-07)
    """
    return float(f"5e{math.floor(math.log10(abs(number))) - 3}") if abs(number) > 1e-4 else 1e-7


def distractors(question: Question) -> list[tuple[float | str, list[Misconception]]]:
    """Return the answers that misconceptions lead to, each once, with the misconceptions, in the order of the table."""
    found: list[tuple[float | str, list[Misconception]]] = []
    for name in sorted(question.mistakes, key=list(MISCONCEPTIONS).index):
        answer, row = question.mistakes[name], MISCONCEPTIONS[name]
        if _alike(answer, question.answer):
            continue
        for other, rows in found:
            if _alike(answer, other):
                rows.append(row)
                break
        else:
            found.append((answer, [row]))
    return found


def _alike(x: float | str, y: float | str) -> bool:
    """Return whether a course tool would take two answers for one."""
    if isinstance(x, str) or isinstance(y, str):
        return x == y
    return abs(x - y) <= tolerance(x) + tolerance(y)


def explained(rows: Sequence[Misconception]) -> str:
    """Return what is said of an answer that misconceptions lead to."""
    first, *others = rows
    also = f" Or: {', '.join([row.name for row in others])}." if others else ""
    return f"{first.name}: {first.did}. {first.why} Look at {first.look}.{also}"


def element(
    tag: str, attributes: Mapping[str, str] = MappingProxyType({}), *children: ElementTree.Element | str
) -> ElementTree.Element:
    """Return an element of XML; texts are texts, whatever is in them."""
    made = ElementTree.Element(tag, dict(attributes))
    for child in children:
        if not isinstance(child, str):
            made.append(child)
        elif len(made):
            made[-1].tail = child
        else:
            made.text = child
    return made


def written(root: ElementTree.Element) -> str:
    """Return an element as a file of XML."""
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def packed(files: Mapping[str, str]) -> bytes:
    """Return files as a ZIP archive: the same bytes everywhere, so without times, and not compressed."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, text.encode())
    return content.getvalue()
