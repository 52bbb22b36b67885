"""The steps as pictures that need no script: one SVG a step, for slides, and one that goes through all of them.

What the stepper of the page says by classes, they say by attributes, since programs for slides know no style sheets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

from autodiff.show.picture.colours import INK, QUIET
from autodiff.show.stepper.picture import SVG, UNKNOWN_NORM, Picture, flow
from autodiff.show.stepper.words import Told, in_words
from autodiff.show.story.records import Backward, Forward
from autodiff.show.story.story import Story

FORWARD, BACKWARD = "#0069a8", "#b84700"  # those of stepper.css
PAUSE = 2  # seconds that the animated picture shows each step
MAX_LINES = 8  # of words, besides the title
LINE, LETTER = 18.0, 6.6  # the height of a line of words, and about how wide a letter is, in points
MOTION = """
.step {{ animation: step {total}s step-end infinite; }}
@keyframes step {{ 0% {{ visibility: visible; }} {share}% {{ visibility: hidden; }} }}
@media (prefers-reduced-motion: reduce) {{ .step {{ animation: none; }} }}
"""


def slides(story: Story, picture: Picture) -> Iterator[str]:
    """Yield the picture at the start, and after each step, with the words of the step below, as SVG texts."""
    told = in_words(story, picture)
    room = _room(told)
    for made in range(len(told) + 1):
        yield ElementTree.tostring(_slide(story, picture, told, made, room), encoding="unicode")


def animated(story: Story, picture: Picture) -> str:
    """Return one SVG that shows all of them, one after the other; the last, where nothing is to move."""
    told = in_words(story, picture)
    room, count = _room(told), len(told) + 1
    root = _slide(story, picture, told, 0, room)
    frames = [list(_slide(story, picture, told, made, room)) for made in range(count)]
    for child in list(root):
        root.remove(child)
    total = count * PAUSE
    ElementTree.SubElement(root, "style").text = MOTION.format(total=total, share=f"{100 / count:.4f}")
    for i, frame in enumerate(frames):
        look = {"class": "step", "style": f"animation-delay: {i * PAUSE - total}s"}
        group = ElementTree.SubElement(root, "g", look | ({"visibility": "hidden"} if i + 1 < count else {}))
        group.extend(frame)
        for element in group.iter():
            element.attrib.pop("id", None)  # else each would be there in every frame
    return ElementTree.tostring(root, encoding="unicode")


def _room(told: Sequence[Told]) -> tuple[float, float]:
    """Return the width and the height that the words of a step need at most."""
    captions = [_caption(step) for step in told]
    widest = max([len(line) for caption in captions for line in caption], default=0)
    return LETTER * widest, LINE * (1 + max(map(len, captions), default=1))


def _caption(step: Told) -> list[str]:
    more = len(step.lines) - MAX_LINES
    return [step.title, *step.lines[:MAX_LINES], *([f"... and {more} more"] if more > 0 else [])]


def _slide(
    story: Story, picture: Picture, told: Sequence[Told], made: int, room: tuple[float, float]
) -> ElementTree.Element:
    root = ElementTree.fromstring(picture.svg)
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)
    root.set("xmlns", SVG[1:-1])
    prefix = picture.drawing.prefix
    groups = {group.get("id", "").removeprefix(prefix): group for group in root.iter("g")}
    now = told[made - 1].records if made else ()
    colour = BACKWARD if now and isinstance(now[0], Backward) else FORWARD
    _numbers(story, picture, [record for step in told[:made] for record in step.records], groups)
    _marks(story, picture, now, groups, colour)
    width, height = (float(root.get(side, "0")) for side in ("width", "height"))
    wide, high = max(width, room[0] + 24), height + room[1]
    root.attrib.update({"width": f"{wide:.0f}", "height": f"{high:.0f}", "viewBox": f"0 0 {wide:.2f} {high:.2f}"})
    root.insert(0, ElementTree.Element("rect", {"width": "100%", "height": "100%", "fill": "#ffffff"}))
    for i, line in enumerate(_caption(told[made - 1]) if made else ["Start"]):
        look = {"fill": colour, "font-weight": "bold"} if i == 0 else {"fill": INK}
        place = {"x": "12" if i == 0 else "24", "y": f"{height + LINE * (i + 0.5):.2f}", "font-size": "13"}
        ElementTree.SubElement(root, "text", {**place, **look}).text = line if i else f"{made} / {len(told)}  {line}"
    return root


def _numbers(
    story: Story, picture: Picture, done: Sequence[Forward | Backward], groups: dict[str, ElementTree.Element]
) -> None:
    """Show what is known when some steps are done: numbers and gradients so far, of modules those at the end."""
    known = {id(record.node) for record in done if isinstance(record, Forward)}
    back = [record for record in done if isinstance(record, Backward)]
    so_far = {id(story.root): "grad 1"} if back or not story.forward else {}
    for contribution in [c for record in back for c in record.contributions]:
        so_far[id(contribution.parent)] = f"grad {story.short(contribution.after)}"
    modules = {picture.box(use): use for use in picture.uses}
    for node in story.all_nodes:
        box = groups[picture.box(node)]
        if node.op and id(node) not in known:
            _dress(box, {"fill": "#ffffff", "stroke": QUIET, "stroke-dasharray": "4 3"})
            _write(box, "data", "?")
            _write(box, "product", "")
        if picture.box(node) not in modules:
            _write(box, "gradient", so_far.get(id(node), "grad not yet"))
    handed = {id(record.node) for record in back}
    for id_, use in modules.items():
        if not all(id(node) in handed for node in use.nodes):
            _write(groups[id_], "gradient", UNKNOWN_NORM)


def _marks(
    story: Story,
    picture: Picture,
    now: Sequence[Forward | Backward],
    groups: dict[str, ElementTree.Element],
    colour: str,
) -> None:
    """Mark the boxes and the arrows of a step, and say what flows back."""
    for record in now:
        for position, parent in enumerate(record.node.parents):
            _dress(groups[picture.box(parent)], {"stroke": colour, "stroke-width": "2.4"})
            arrow = groups.get(picture.arrow(record.node, position) or "")
            if arrow is not None:
                lines = flow(story, record.contributions[position]) if isinstance(record, Backward) else []
                _turn(arrow, isinstance(record, Backward), colour)
                for text, line in zip(arrow.iter("text"), lines, strict=False):  # a module's arrow has no room for any
                    text.text = line
                    text.attrib.update({"fill": colour, "font-weight": "bold"})
    for record in now:
        _dress(groups[picture.box(record.node)], {"stroke": colour, "stroke-width": "3.6"})


def _turn(arrow: ElementTree.Element, backward: bool, colour: str) -> None:
    """Show an arrow in a colour, turned on the way back."""
    for turned in [child for child in arrow if child.get("class") == "turned"]:
        if backward:
            for own in [child for child in arrow if child.tag in ("path", "polygon")]:
                arrow.remove(own)
            turned.attrib.pop("display", None)
    for shape in arrow.iter():
        if shape.tag == "path":
            shape.attrib.update({"fill": "none", "stroke": colour, "stroke-width": "2.4"})
        elif shape.tag == "polygon":
            shape.attrib.update({"fill": colour, "stroke": colour})


def _dress(box: ElementTree.Element, look: dict[str, str]) -> None:
    for shape in box:
        if shape.tag in ("path", "polygon"):
            shape.attrib.update(look)


def _write(box: ElementTree.Element, kind: str, words: str) -> None:
    for text in box.iter("text"):
        if text.get("class") == kind:
            text[:] = []  # indices, which are elements of their own
            text.text = words
