"""The views of a story: its picture, with modules folded until it can be read, and with each of them opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from autodiff.nn.module import Module
from autodiff.show.graph.modules import ModuleUse
from autodiff.show.picture.drawing import MAX_ARROWS, MAX_BOXES, MAX_NODES, Engine, Level, too_large
from autodiff.show.picture.fold import LEVELS, fold as fold_modules
from autodiff.show.stepper.picture import Picture
from autodiff.show.story.story import Story
from autodiff.support.labels import clean

MAX_READ = 40, 120  # boxes and arrows that are taken in at a glance; of more, modules are folded
MAX_VIEWS = 16  # pictures on a page; modules that would take more are not opened


Uses = dict[ModuleUse, str]  # what is folded, each with its name


@dataclass
class View:
    """A picture of a story in which some modules are open.

    Attributes:
        picture: the picture.
        path: the module that was opened last, such as ``layers.0``; of the first view, nothing.
        up: the place of the view that it was opened from.
        opens: by the `id` of a use that is folded, the place of the view in which it is open.
    """

    picture: Picture
    path: str = ""
    up: int | None = None
    opens: dict[int, int] = field(default_factory=dict)


def views(story: Story, model: Module | None, level: Level = "auto", engine: Engine = "auto") -> list[View]:
    """Return the view that is seen first, then those in which one of its modules is open, and so on inside of these.

    Raises:
        ValueError: if the graph is too large to be drawn.
    """
    used = _used(story, model)
    start = _start(story, used, level)
    found, inside = [View(Picture(story, start, engine))], [start]  # inside of each: what may be opened
    done = 0
    while done < len(found):
        if len(found) + sum(map(len, inside[done:])) > MAX_VIEWS:
            break
        coming = []  # the views one level further inside
        for place in range(done, len(found)):
            for use in inside[place]:
                parts = _parts(use, used)
                rest = {other: name for other, name in found[place].picture.uses.items() if other is not use}
                view = View(Picture(story, rest | parts, engine), inside[place][use], place)
                if _fits(view.picture, (MAX_BOXES, MAX_ARROWS)):
                    coming.append((use, view, parts))
        done = len(found)
        for use, view, parts in coming:
            found[view.up or 0].opens[id(use)] = len(found)
            found.append(view)
            inside.append(parts)
        for _, view, _ in coming:  # what stands beside an open module can be opened in its place
            view.opens |= found[view.up or 0].opens
    return found


def _used(story: Story, model: Module | None) -> dict[str, Uses]:
    """Return the uses of modules at each level that there is."""
    if model is None or len(story.all_nodes) > MAX_NODES:
        return {"none": {}}
    order = [step.node for step in story.forward]
    return {"none": {}, **{level: _named(fold_modules(order, model, level, ())) for level in LEVELS[1:]}}


def _named(uses: Sequence[ModuleUse]) -> Uses:
    """Return the names of uses of modules: their paths, and which use of the module it is where there are several."""
    times = Counter([use.path for use in uses])
    numbers: Counter[str] = Counter()
    names = {}
    for use in uses:
        numbers[use.path] += 1
        number = f" ({numbers[use.path]})" if times[use.path] > 1 else ""
        names[use] = (clean(use.path) or use.class_name) + number
    return names


def _start(story: Story, used: dict[str, Uses], level: Level) -> Uses:
    """Return what is folded at first: no more than it takes to be read, else all, if that can be drawn."""
    levels = [name for name in used if level in ("auto", name)]
    for name in levels:
        if _fits(Picture(story, used[name]), MAX_READ):
            return used[name]
    most = used[levels[-1]] if levels else {}
    picture = Picture(story, most)
    if _fits(picture, (MAX_BOXES, MAX_ARROWS)):
        return most
    raise too_large(
        f"the graph has {len(story.all_nodes)} nodes",
        *picture.size,
        "take the steps of a part of it, such as one neuron's output; ledgers and derivations need no drawing",
    )


def _fits(picture: Picture, limits: tuple[int, int]) -> bool:
    return all(size <= limit for size, limit in zip(picture.size, limits, strict=True))


def _parts(use: ModuleUse, used: dict[str, Uses]) -> Uses:
    """Return the modules in one that is opened: the neurons of a layer, nothing for a neuron."""
    level = next(name for name, uses in used.items() if use in uses)
    finer = list(used)[max(list(used).index(level) - 1, 0)]
    own = {id(node) for node in use.nodes}
    parts = {part: name for part, name in used[finer].items() if own.issuperset(map(id, part.nodes))}
    if len(parts) == 1 and len(next(iter(parts)).nodes) == len(own):
        return _parts(next(iter(parts)), used)  # a layer of one neuron is opened as the neuron
    return parts
