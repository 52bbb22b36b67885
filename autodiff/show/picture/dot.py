"""A scene as DOT, Graphviz's language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from autodiff.show.picture.colours import ARROW, FILL, INK, LINE, QUIET, heat, largest
from autodiff.show.picture.scene import Box, Scene
from autodiff.support.labels import scripts

FONT = "Helvetica"  # the embedded Graphviz knows its widths
IN_LAYERS = {"splines": "line", "ranksep": "1.5", "ordering": "out"}  # where no arrow passes a box on its way
SPECIAL = re.compile(r'[&<>"\\{}|]|^ | $|(?<= ) ')  # has a meaning in DOT, in records or in entities


def dot(scene: Scene, direction: str = "LR", heated: bool = False) -> str:
    """Return the DOT text of a scene.

    Args:
        scene: what is drawn.
        direction: "LR", from left to right, or "TB", from top to bottom.
        heated: whether boxes are filled by the size of their gradient.

    Raises:
        RuntimeError: if the package `graphviz` is not installed.
    """
    try:
        from graphviz import Digraph
    except ImportError as error:
        raise RuntimeError(
            f"a drawing is written with the Python package graphviz, which is not there ({error}): "
            "`pip install graphviz` installs it"
        ) from None

    depths = _depths(scene) if len([box for box in scene.boxes if box.kind == "module"]) > 1 else {}
    in_layers = bool(depths) and all(depths[arrow.head] == depths[arrow.tail] + 1 for arrow in scene.arrows)
    graph = Digraph(
        graph_attr={
            **{"rankdir": direction, "bgcolor": "transparent", "pad": "0.1", "nodesep": "0.22", "ranksep": "0.6"},
            **{"fontname": FONT, "outputorder": "edgesfirst"},
            **({"ranksep": "0.3"} if any([arrow.label for arrow in scene.arrows]) else {}),  # texts take room, too
            **({"ordering": "out"} if depths else {}),  # neurons stand in the order of their arrows
            **(IN_LAYERS if in_layers else {}),
            **({"label": written(scene.title), "labelloc": "t", "fontsize": "16"} if scene.title else {}),
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
    hottest = largest([box.gradient for box in scene.boxes])
    for box in scene.boxes:
        fill = box.fill or FILL[box.kind]
        if heated and box.gradient is not None:
            fill = heat(box.gradient, hottest)
        graph.node(box.id, record_label(box, direction), id=box.id, color=LINE[box.kind], fillcolor=fill)
    if depths and not in_layers:
        graph.body += _same_ranks(scene, depths)
    into, out = ("w", "e") if direction == "LR" else ("n", "s")
    uses = Counter(arrow.tail for arrow in scene.arrows)
    alike = Counter((arrow.tail, arrow.head) for arrow in scene.arrows)
    for arrow in scene.arrows:
        port = (
            f"p{arrow.port}:{into}" if arrow.port is not None else into if alike[arrow.tail, arrow.head] == 1 else "_"
        )
        more = {"label": f" {escaped(arrow.label)} "} if arrow.label else {}
        if uses[arrow.tail] == 1:
            more["weight"] = "4"  # a chain is kept straight
        graph.edge(f"{arrow.tail}:{out}", f"{arrow.head}:{port}", id=arrow.id, **more)
    return str(graph.source)


def _depths(scene: Scene) -> dict[str, int]:
    """Return how many arrows lead to each box at the most; a leaf stands just before its first use."""
    depths = {box.id: 0 for box in scene.boxes}
    for _ in scene.boxes:  # no way is longer
        before = dict(depths)
        for arrow in scene.arrows:
            depths[arrow.head] = max(depths[arrow.head], depths[arrow.tail] + 1)
        if depths == before:
            break
    first: dict[str, int] = {}
    for arrow in scene.arrows:
        first[arrow.tail] = min(first.get(arrow.tail, depths[arrow.head]), depths[arrow.head])
    heads = {arrow.head for arrow in scene.arrows}
    return depths | {leaf: depth - 1 for leaf, depth in first.items() if leaf not in heads}


def _same_ranks(scene: Scene, depths: Mapping[str, int]) -> list[str]:
    """Return, as lines of DOT, which boxes stand side by side: the neurons of a layer, one of which may be expanded."""
    ranks: dict[tuple[str, int], list[str]] = {}
    for box in scene.boxes:
        if box.kind == "module":
            ranks.setdefault((box.layer, depths[box.id]), []).append(box.id)
    return [f"\t{{rank=same {' '.join(ids)}}}\n" for ids in ranks.values() if len(ids) > 1]


def record_label(box: Box, direction: str) -> str:
    """Return a box as the label of a node of shape "record": products, sign, and the rows one below the other.

    Each brace turns the direction in which fields are set, and a graph from left to right begins downwards.
    """
    rows = "|".join([_roomy(kind, text) for kind, text in box.rows])
    ports = "|".join([f"<p{i}>{written(text)}" for i, text in enumerate(box.ports)])
    body = f"{_roomy('name', box.sign)}|{{{rows}}}" if box.sign else f"{{{rows}}}"
    if direction == "LR":
        return f"{{{{{ports}}}|{body}}}" if ports else f"{{{body}}}"
    return f"{{{{{ports}}}|{{{body}}}}}" if ports else body


def _roomy(kind: str, text: str) -> str:
    """Return a row with room at both ends: names are bold, and a reader's font may be wider than Helvetica."""
    room = "&#160;" * (len(text) // 7 + 1 if kind == "name" else max(len(text) - 14, 0) // 8)
    return f"{room}{written(text)}{room}"


def written(text: str) -> str:
    """Return a label for DOT, as wide as it will be: Graphviz knows no indices, so they stand in line."""
    return escaped("".join([piece for _, piece in scripts(text)]))


def escaped(text: str) -> str:
    """Return a text that means itself in DOT, whatever is in it.

    >>> escaped('a|"b"')
    'a&#124;&#34;b&#34;'
    """
    # an entity is decoded before "\\N" is given a meaning, hence two backslashes for one
    return SPECIAL.sub(lambda match: f"&#{ord(match[0])};" * (2 if match[0] == "\\" else 1), text)
