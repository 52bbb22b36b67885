"""What is common to all our SVGs, and how Graphviz's is put in order.

Every text and tooltip is set from the scene, so that nothing depends on how labels went through DOT; ids have a prefix;
there is no style, script, comment or document type. The ground is the reader's page, of whatever colour: what is drawn
on it has a halo or a plate.
"""

from __future__ import annotations

from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from autodiff.show.picture.colours import HALO, INK, QUIET, inks_on
from autodiff.show.picture.scene import Arrow, Box, Scene
from autodiff.support.labels import clean, scripts

FONTS = "Helvetica, Arial, 'Liberation Sans', sans-serif"
NAMESPACE = "{http://www.w3.org/2000/svg}"
BOLD, FAINT = ("name", "sign", "title"), ("gradient", "detail", "product")
WIDTH = 0.57  # of a character of Helvetica, in the middle, as a part of the text's size
SMALL, SHIFT = 0.75, 0.3  # of an index or a power: its size, and how far it is moved, as parts of the text's size


def set_text(element: Element, text: str, size: float, **attributes: str) -> None:
    """Write a text of `size` points into an element, indices and powers lowered and raised."""
    element.attrib.update({name.replace("_", "-"): value for name, value in attributes.items()})
    level, last = 0, None
    for piece_level, piece in scripts(text):
        if piece_level == level == 0:
            element.text = piece
        else:
            last = SubElement(element, "tspan", {"dy": f"{(level - piece_level) * SHIFT * size:g}"})
            last.text = piece
            if piece_level:
                last.set("font-size", f"{SMALL * size:g}")
        level = piece_level


def chip(text: Element, shown: str, size: float) -> Element:
    """Return the plate below a text that stands on the reader's page."""
    x, y = float(text.get("x", "0")), float(text.get("y", "0"))
    width = WIDTH * size * sum([len(piece) for _, piece in scripts(shown)]) + 5
    left = {"start": x - 2.5, "end": x + 2.5 - width}.get(text.get("text-anchor", ""), x - width / 2)
    place = {"x": f"{left:.1f}", "y": f"{y - 0.86 * size:.1f}", "width": f"{width:.1f}", "height": f"{1.16 * size:.1f}"}
    return Element("rect", {"class": "chip", **place, "rx": "2.5", "fill": HALO, "fill-opacity": "0.88"})


def halo(lines: str) -> Element:
    """Return what lies below lines, so that they are seen on any ground; `lines` are paths, one after the other."""
    look = {"stroke": HALO, "stroke-width": "3.6", "stroke-opacity": "0.75", "stroke-linejoin": "round"}
    return Element("path", {"class": "halo", "d": lines, "fill": "none", **look})


def finished(root: Element, width: float, height: float) -> str:
    """Return an SVG as text that stands alone, as many pixels large as its numbers say."""
    root.attrib.update({"width": f"{width:g}", "height": f"{height:g}", "xmlns": NAMESPACE[1:-1]})
    root.attrib.update({"role": "img", "font-family": FONTS})
    return ElementTree.tostring(root, encoding="unicode")


def tidy(svg: bytes, scene: Scene, ids: str, heated: bool = False) -> str:
    """Return Graphviz's SVG with the texts of the scene, ids that begin with `ids`, and presentation attributes."""
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        element.tag = element.tag.removeprefix(NAMESPACE)
        element.attrib.pop("{http://www.w3.org/XML/1998/namespace}space", None)
        if element.attrib.pop("font-family", None):
            element.attrib.setdefault("fill", INK)
    boxes, arrows = {box.id: box for box in scene.boxes}, {arrow.id: arrow for arrow in scene.arrows}
    for group in root.iter("g"):
        id_, title = group.get("id", ""), group.find("title")
        if id_ in boxes:
            words = _box(group, boxes[id_], heated)
        elif id_ in arrows:
            words = _arrow(group, arrows[id_])
        else:
            words = _graph(group, scene)
        group.set("id", f"{ids}{id_}")
        if title is None:
            title = Element("title")
            group.insert(0, title)
        title.text = clean(words, 400)
    # without "pt": text of 12 points is 12 pixels high, and the picture 3/4 as wide
    width, height = [float(root.get(side, "").removesuffix("pt")) for side in ("width", "height")]
    return finished(root, width, height)


def _box(group: Element, box: Box, heated: bool) -> str:
    group.set("class", f"node {box.kind}")
    ink, quiet = (INK, INK) if heated and box.gradient is not None else inks_on(box.fill) if box.fill else (INK, QUIET)
    for line in group.findall("polyline"):  # between the fields
        line.set("stroke-opacity", "0.4")
    for element, (kind, text) in zip(group.findall("text"), box.texts, strict=True):
        element.text = None
        weight = {"font_weight": "bold"} if kind in BOLD else {}
        set_text(element, text, 12, fill=quiet if kind in FAINT else ink, **weight)
        element.set("class", kind)
    return box.tooltip


def _arrow(group: Element, arrow: Arrow) -> str:
    for element in group.findall("text"):
        element.text = arrow.label
        element.attrib.update({"class": "local-derivative", "fill": INK})
        if arrow.label:
            group.insert(list(group).index(element), chip(element, arrow.label, 10))
    return arrow.tooltip


def _graph(group: Element, scene: Scene) -> str:
    for element in group.findall("text"):
        element.text = None
        set_text(element, scene.title, 16, font_weight="bold")
        element.set("class", "title")
        group.insert(list(group).index(element), chip(element, scene.title, 16.5))
    edges = [edge for edge in group.findall("g") if edge.get("class") == "edge"]
    lines = [path.get("d", "") for edge in edges for path in edge.findall("path")]
    lines += [f"M{head.get('points', '')}Z" for edge in edges for head in edge.findall("polygon")]
    if lines:
        group.insert(0, halo("".join(lines)))
    counted = f"{len(scene.boxes)} boxes, {len(scene.arrows)} arrows"
    return f"{scene.title}: {counted}" if scene.title else f"computation graph: {counted}"
