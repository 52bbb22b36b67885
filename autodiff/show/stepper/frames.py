"""The steps as data for `stepper.js`: all texts ready made, and of each step only what it changes.

    {written,                   the formulas: {whole, parts}
     root, rootNode,            the name of the root, and its place among the nodes
     nodes:    [{name, value, parents}],                             parents as places among the nodes
     forward:  [{node, work, other}],                                work: formula, with numbers, result
     backward: [{node, incoming, other, given: [{rule, product, sum, after, flow, other}]}],     one for each parent
     beside:   {name, words, departs, moment},                       only with numbers of somebody else
     views:    [{prefix, svg, boxes, arrows, folded, path, up}]}

A view is a picture of the same nodes. `boxes` has the id of the group that shows each node, and `arrows` for each
node the ids of the arrows from its parents, None for one inside of a box; in the svg, all ids begin with `prefix`.
`folded` says of each box that is a module its {name, value, gradient, opens}: what it shows at the end, and the place
of the view in which it is open. The first view is seen at first, and its svg stands beside the data; of the others,
`path` is the module that is open in it, and `up` the place of the view that it was opened from.

`other` is {text, mark}, what somebody else has there: `mark` is "", "differs", or "departs" where the first number is
another. The `moment` of that counts operations, then contributions, from 0.

`flow` is what an arrow carries on the way back, in one line or two. All else is the same in every view.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autodiff.show.stepper.picture import flow
from autodiff.show.stepper.views import View
from autodiff.show.story.expression import as_written
from autodiff.show.story.records import Backward, Contribution, Forward
from autodiff.show.story.story import Story


def told(story: Story, seen: Sequence[View]) -> dict[str, Any]:
    """Return the steps for `stepper.js`, with the views they are seen in."""
    index = {id(node): i for i, node in enumerate(story.all_nodes)}
    nodes = [
        {
            "name": story.name(node),
            "value": story.short(story.number(node)),
            "parents": [index[id(parent)] for parent in node.parents],
        }
        for node in story.all_nodes
    ]
    other = _other if story.beside else _nothing
    written = as_written(story)
    return {
        **_beside(story),
        "written": {"whole": written.whole, "parts": written.parts},
        "root": story.name(story.root),
        "rootNode": index[id(story.root)],
        "nodes": nodes,
        "forward": [
            {"node": index[id(step.node)], "work": story.worked(step.formula, step.result), **other(story, step)}
            for step in story.forward
        ],
        "backward": [
            {
                "node": index[id(step.node)],
                "incoming": story.short(step.incoming),
                "given": [_given(story, c) | other(story, step, place) for place, c in enumerate(step.contributions)],
                **other(story, step),
            }
            for step in story.backward
        ],
        "views": [_seen(story, view) | ({"svg": view.picture.svg} if place else {}) for place, view in enumerate(seen)],
    }


def _other(story: Story, step: Forward | Backward, place: int | None = None) -> dict[str, Any]:
    text, mark = story.other(step, place)
    return {"other": {"text": text, "mark": mark}} if text else {}


def _nothing(story: Story, step: Forward | Backward, place: int | None = None) -> dict[str, Any]:
    return {}


def _beside(story: Story) -> dict[str, Any]:
    """Return whose numbers stand beside, and where the first of them departs."""
    if story.beside is None:
        return {}
    told: dict[str, Any] = {"name": story.beside.name, "words": story.beside.words, "departs": story.departs}
    first = story.departure
    if first is not None:
        before = first.step - len(story.forward)
        given = [len(step.contributions) for step in story.backward[: max(before, 0)]]
        told["moment"] = min(first.step, len(story.forward)) + sum(given) + (first.place or 0)
    return {"beside": told}


def _seen(story: Story, view: View) -> dict[str, Any]:
    picture = view.picture
    folded = {}
    for use in picture.uses:
        words = {"value": picture.module_value(use), "gradient": picture.module_gradient(use)}
        opens = {"opens": view.opens[id(use)]} if id(use) in view.opens else {}
        folded[picture.box(use)] = {"name": picture.uses[use], **words, **opens}
    return {
        "prefix": picture.drawing.prefix,
        "boxes": [picture.box(node) for node in story.all_nodes],
        "arrows": [[picture.arrow(node, i) for i in range(len(node.parents))] for node in story.all_nodes],
        "folded": folded,
        "path": view.path,
        **({} if view.up is None else {"up": view.up}),
    }


def _given(story: Story, c: Contribution) -> dict[str, Any]:
    return {
        "rule": story.worked(c.rule, c.local),
        "product": story.times(c),
        "sum": story.plus(c),
        "after": story.short(c.after),
        "flow": flow(story, c),
    }
