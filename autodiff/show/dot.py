"""A scene as DOT, Graphviz's language."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

from autodiff.show.colours import ARROW, COOL, FILL, INK, LINE, PAGE, QUIET, heat
from autodiff.show.scene import Box, Scene

FONT = "Helvetica"  # the embedded Graphviz knows its widths
SPECIAL = re.compile(r'[&<>"\\{}|]|^ | $|(?<= ) ')  # has a meaning in DOT, in records or in entities


def dot(scene: Scene, direction: str = "LR", heated: bool = False) -> str:
    """Return the DOT text of a scene.

    Args:
        scene: what is drawn.
        direction: "LR", from left to right, or "TB", from top to bottom.
        heated: whether boxes are filled by the size of their gradient.
    """
    from graphviz import Digraph

    graph = Digraph(
        graph_attr={
            **{"rankdir": direction, "bgcolor": PAGE, "pad": "0.2", "nodesep": "0.22", "ranksep": "0.6"},
            **{"fontname": FONT, "outputorder": "edgesfirst"},
            **({"splines": "line", "ranksep": "1.5", "ordering": "out"} if scene.layered else {}),
        },
        node_attr={
            **{"shape": "Mrecord", "style": "filled", "fontname": FONT, "fontsize": "12", "fontcolor": INK},
            **{"height": "0", "margin": "0.16,0.05", "penwidth": "1.2"},
        },
        edge_attr={
            **{"color": ARROW, "arrowsize": "0.7", "penwidth": "1.2"},
            **{"fontname": FONT, "fontsize": "10", "fontcolor": QUIET},
        },
    )
    largest = _largest([box.gradient for box in scene.boxes])
    for box in scene.boxes:
        fill = FILL[box.kind]
        if heated and box.gradient is not None:
            fill = heat(box.gradient, largest)
        graph.node(box.id, record(box, direction), id=box.id, color=LINE[box.kind], fillcolor=fill)
    into, out = ("w", "e") if direction == "LR" else ("n", "s")
    hottest = _largest([arrow.size for arrow in scene.arrows])
    uses = Counter(arrow.tail for arrow in scene.arrows)
    alike = Counter((arrow.tail, arrow.head) for arrow in scene.arrows)
    for arrow in scene.arrows:
        port = (
            f"p{arrow.port}:{into}" if arrow.port is not None else into if alike[arrow.tail, arrow.head] == 1 else "_"
        )
        more = {"label": f" {escaped(arrow.label)} "} if arrow.label else {}
        if heated and arrow.size is not None:
            more |= {"color": heat(arrow.size, hottest, COOL), "penwidth": "2"}
        if uses[arrow.tail] == 1:
            more["weight"] = "4"  # a chain is kept straight
        graph.edge(f"{arrow.tail}:{out}", f"{arrow.head}:{port}", id=arrow.id, **more)
    return str(graph.source)


def _largest(sizes: Iterable[float | None]) -> float:
    return max([size for size in sizes if size is not None and math.isfinite(size)], default=0.0)


def record(box: Box, direction: str) -> str:
    """Return a box as the label of a record: products, sign, and the rows one below the other.

    Each brace turns the direction in which fields are set, and a graph from left to right begins downwards.
    """
    rows = "|".join([_roomy(kind, text) for kind, text in box.rows])
    ports = "|".join([f"<p{i}>{escaped(text)}" for i, text in enumerate(box.ports)])
    body = f"{_roomy('name', box.sign)}|{{{rows}}}" if box.sign else f"{{{rows}}}"
    if direction == "LR":
        return f"{{{{{ports}}}|{body}}}" if ports else f"{{{body}}}"
    return f"{{{{{ports}}}|{{{body}}}}}" if ports else body


def _roomy(kind: str, text: str) -> str:
    """Return a row with room at both ends: names are bold, and a reader's font may be wider than Helvetica."""
    room = "&#160;" * (len(text) // 7 + 1 if kind == "name" else max(len(text) - 14, 0) // 8)
    return f"{room}{escaped(text)}{room}"


def texts(box: Box) -> list[tuple[str, str]]:
    """Return (class, text) of each text in a box, in the order in which Graphviz draws them."""
    return [*(("product", text) for text in box.ports), *([("sign", box.sign)] if box.sign else []), *box.rows]


def escaped(text: str) -> str:
    """Return a text that means itself in DOT, whatever is in it.

    >>> escaped('a|"b"')
    'a&#124;&#34;b&#34;'
    """
    # an entity is decoded before "\\N" is given a meaning, hence two backslashes for one
    return SPECIAL.sub(lambda match: f"&#{ord(match[0])};" * (2 if match[0] == "\\" else 1), text)
