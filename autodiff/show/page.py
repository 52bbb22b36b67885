"""The stepper: a drawing to step through, for notebooks and as a page of its own.

Both are the same piece of HTML: a picture, which is what is seen where scripts are not run, and a script that puts the
stepper of `stepper.js` in its place. Whatever a label holds, it reaches the reader as text: in the drawing as XML
text, in the script as JSON without a "<", which the stepper never takes for markup.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from autodiff import ops
from autodiff.notation import short
from autodiff.show.boxes import written
from autodiff.show.dot import dot
from autodiff.show.drawing import MOST_ARROWS, MOST_BOXES, Drawing, too_large
from autodiff.show.reading import read
from autodiff.show.worked import equation, worked

if TYPE_CHECKING:
    from autodiff.show.steps import Steps

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{stepper}
</main>
</body>
</html>
"""
STYLE = """
body { margin: 0; background: #ffffff; color: #1f2933; }
body { font: 14px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
main { max-width: 75rem; margin: 0 auto; padding: 1rem; }
h1 { margin: 0 0 0.75rem; font-size: 1.15rem; overflow-wrap: anywhere; }
img { max-width: 100%; }
@media (prefers-color-scheme: dark) { body { background: #12161a; color: #e6e9ec; } }
"""
# Each script fills every place for the same steps that is still empty, so that two of them never meet.
SCRIPT = """(() => {{
{stepper}
const story = {story};
const css = {css};
for (const place of document.querySelectorAll("[data-autodiff-steps='{id}']:not([data-live])")) {{
  place.dataset.live = "";
  const picture = place.querySelector("img");
  const svg = new TextDecoder().decode(Uint8Array.from(atob(picture.src.split(",")[1]), (c) => c.charCodeAt(0)));
  const key = mount(place, svg, story, css);
  if ("page" in place.dataset)
    document.addEventListener("keydown", (event) => {{ if (event.target === document.body) key(event); }});
}}
}})();"""


def page(steps: Steps) -> str:
    """Return the stepper as a page that needs nothing else: no server, no network."""
    script, place = _parts(steps)
    policy = f"default-src 'none'; img-src data:; script-src '{_hash(script)}'; style-src '{_hash(STYLE)}'"
    title = _escaped(f"Steps of the gradient of {steps.name(steps.root)}")
    stepper = place.replace("<div ", "<div data-page ", 1) + f"\n<script>{script}</script>"
    return PAGE.format(policy=policy, title=title, style=STYLE, stepper=stepper)


def fragment(steps: Steps) -> str:
    """Return the stepper as a piece of HTML, for the output of a notebook's cell."""
    script, place = _parts(steps)
    place = place.replace("<img ", '<img style="max-width:100%" ', 1)  # a page has a sheet, and forbids this
    return f"{place}\n<script>{script}</script>"


def _parts(steps: Steps) -> tuple[str, str]:
    """Return the script and the element that it puts the stepper into."""
    drawing = picture(steps)
    svg = drawing.svg
    story = json.dumps(told(steps, drawing), separators=(",", ":")).replace("<", "\\u003c")
    id_ = hashlib.sha256((svg + story).encode()).hexdigest()[:12]
    script = SCRIPT.format(
        stepper=_resource("stepper.js"), css=json.dumps(_resource("stepper.css")), story=story, id=id_
    )
    alt = _escaped(f"Computation graph of {steps.name(steps.root)} with its numbers and gradients")
    image = f'<img alt="{alt}" src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">'
    return script, f'<div data-autodiff-steps="{id_}">{image}</div>'


def _escaped(text: str) -> str:
    """Return a text for HTML, in ASCII: a page may be written in any encoding, as by a redirection."""
    return html.escape(text).encode("ascii", "xmlcharrefreplace").decode()


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _resource(name: str) -> str:
    return (files("autodiff.show") / name).read_text("utf-8")


def picture(steps: Steps) -> Drawing:
    """Return the drawing of all steps, with the gradients of the end.

    Raises:
        ValueError: if the graph is too large to be drawn.
    """
    nodes = steps.all_nodes
    arrows = sum([len(node.parents) for node in nodes])
    if len(nodes) > MOST_BOXES or arrows > MOST_ARROWS:
        raise too_large(
            f"the graph has {len(nodes)} nodes",
            len(nodes),
            arrows,
            "take the steps of a part of it, such as one neuron's output; ledgers and derivations need no drawing",
        )
    names = {id(node): steps.name(node) for node in nodes if node.op or steps.is_named(node)}
    scene = read([steps.root], names, steps.owners, [])
    texts = _gradients(steps)
    boxes = {box.id: box for box in scene.boxes}
    final, widest = {}, {}
    for node in nodes:
        box = boxes[scene.box_of[id(node)]]
        rows = dict(box.rows) | {"data": short(steps.number(node))}
        rows |= {"name": steps.name(node)} if "name" in rows else {}
        words = [rows.get("name", ""), written(node, names), repr(steps.number(node))]
        box = replace(box, tooltip=" = ".join(filter(None, words)))
        final[box.id] = replace(box, rows=tuple((rows | {"gradient": texts[id(node)][-1]}).items()))
        widest[box.id] = replace(box, rows=tuple((rows | {"gradient": max(texts[id(node)], key=len)}).items()))
    room = replace(scene, boxes=[widest[box.id] for box in scene.boxes])  # for all texts that a box will show
    shown = replace(scene, boxes=[final[box.id] for box in scene.boxes])
    return Drawing([steps.root], shown, dot(room), steps.engine, heated=False)


def _gradients(steps: Steps) -> dict[int, list[str]]:
    """Return the texts that each box shows as its gradient in the course of the steps, by `id`."""
    texts = {id(node): ["grad not yet"] for node in steps.all_nodes}
    texts[id(steps.root)].append("grad 1")
    for step in steps.backward:
        for contribution in step.contributions:
            texts[id(contribution.parent)].append(f"grad {short(contribution.after)}")
    return texts


def told(steps: Steps, drawing: Drawing) -> dict[str, Any]:
    """Return the steps for `stepper.js`: all texts ready made, and of each step only what it changes."""
    index = {id(node): i for i, node in enumerate(steps.all_nodes)}
    nodes = [
        {
            "id": drawing.node_id(node),
            "name": steps.name(node),
            "value": short(steps.number(node)),
            "parents": [index[id(parent)] for parent in node.parents],
            "arrows": [drawing.edge_id(node, i) for i in range(len(node.parents))],
        }
        for node in steps.all_nodes
    ]
    return {
        "root": steps.name(steps.root),
        "rootNode": index[id(steps.root)],
        "nodes": nodes,
        "forward": [
            {"node": index[id(step.node)], "work": worked(step.formula, step.result)} for step in steps.forward
        ],
        "backward": [
            {
                "node": index[id(step.node)],
                "incoming": short(step.incoming),
                "given": [
                    {
                        "rule": worked(c.rule, c.local),
                        "product": equation(ops.MUL, c.incoming, c.local, c.amount),
                        "sum": equation(ops.ADD, c.before, c.amount, c.after),
                        "after": short(c.after),
                    }
                    for c in step.contributions
                ],
            }
            for step in steps.backward
        ],
    }
