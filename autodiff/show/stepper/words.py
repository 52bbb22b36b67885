"""The steps in words: what is read where no script runs, on paper, and under a slide."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from autodiff.formulas.writers import PARTIAL
from autodiff.show.graph.modules import ModuleUse
from autodiff.show.stepper.picture import Picture
from autodiff.show.story.expression import as_written
from autodiff.show.story.records import Backward, Forward
from autodiff.show.story.story import Story

MAX_GIVEN, MAX_FORMULAS = 20, 12  # numbers and formulas before the steps; of more, some are left out
FIRST = " (the first that departs)"

Record = Forward | Backward


@dataclass(frozen=True)
class Told:
    """One step in words.

    Attributes:
        records: what happens in it; several, if it is that of a module which is one box.
        title: what happens.
        lines: what is computed, or handed on to whom.
    """

    records: tuple[Record, ...]
    title: str
    lines: tuple[str, ...]


def in_words(story: Story, picture: Picture) -> list[Told]:
    """Return the steps that are made in a picture."""
    uses = {id(node): use for use in picture.uses for node in use.nodes}
    steps: Sequence[Sequence[Record]] = (story.forward, story.backward)
    told = []
    for way in steps:
        for _, group in groupby(way, lambda record: id(uses.get(id(record.node), record))):
            records = tuple(group)
            use = uses.get(id(records[0].node))
            told.append(_told(story, records[0]) if use is None else _of_module(story, picture, use, records))
    return told


def as_html(story: Story, told: Sequence[Told]) -> str:
    """Return the steps as an ordered list, the numbers that are given at first before it."""
    leaves = [leaf for leaf in story.leaves if story.is_named(leaf)]
    shown = leaves if len(leaves) <= MAX_GIVEN else [leaf for leaf in leaves if id(leaf) not in story.paths]
    given = [f"{story.name(leaf)} = {story.short(story.number(leaf))}" for leaf in shown]
    if len(shown) < len(leaves):
        given.append(f"and {len(leaves) - len(shown)} parameters")
    items = "\n".join([f"<li>{escaped(step.title)}{_list(step.lines)}</li>" for step in told])
    written = as_written(story)
    few = len(written.whole) + len(written.parts) <= MAX_FORMULAS
    formulas = [f"<p>{escaped(line)}</p>\n" for line in (written.whole if few else written.whole[-1:])]
    if written.parts and few:
        formulas.append(f"<p>Here {escaped(', '.join(written.parts))}.</p>\n")
    start = f"<p>Given: {escaped(', '.join(given))}</p>\n" if given else ""
    if story.beside:
        beside = ". ".join([", ".join([f"Beside: {story.beside.name}", *story.beside.words[:1]]), story.departs])
        start += f"<p>{escaped(beside)}.</p>\n"
    return f"{''.join(formulas)}{start}<ol>\n{items}\n</ol>"


def _told(story: Story, record: Record) -> Told:
    root = story.name(story.root)
    if isinstance(record, Forward):
        equals = " = ".join([record.name, *story.worked(record.formula, record.result)])
        return Told((record,), f"Forward: {equals}{_other(story, record)}", ())
    lines = []
    for place, c in enumerate(record.contributions):
        local = " = ".join([f"{PARTIAL}{c.name}/{PARTIAL}{c.parent_name}", *story.worked(c.rule, c.local)])
        handed = story.times(c)
        so_far = f"d{root}/d{c.parent_name} = {story.plus(c)}"
        own = f"to {c.parent_name}: local derivative {local}; incoming times local {handed}; so far {so_far}"
        lines.append(own + _other(story, record, place))
    return Told(
        (record,),
        f"Backward: {record.name} hands on d{root}/d{record.name} = {story.short(record.incoming)}",
        tuple(lines),
    )


def _other(story: Story, record: Record, place: int | None = None) -> str:
    """Return what somebody else has there, if there is anybody, with a mark where it first departs."""
    text, mark = story.other(record, place)
    if not text or story.beside is None:
        return ""
    return f"; {story.beside.name}: {text}{FIRST if mark == 'departs' else ''}"


def _of_module(story: Story, picture: Picture, use: ModuleUse, records: tuple[Record, ...]) -> Told:
    name, root = picture.uses[use], story.name(story.root)
    if isinstance(records[0], Forward):
        outputs = [f"{story.name(node)} = {story.short(story.number(node))}" for node in picture.outputs(use)]
        return Told(records, f"Forward: compute {name}", tuple(outputs))
    after = {}  # by receiver
    for contribution in [c for record in records if isinstance(record, Backward) for c in record.contributions]:
        if picture.box(contribution.parent) != picture.box(use):
            after[contribution.parent_name] = contribution.after
    lines = [f"to {parent}: d{root}/d{parent} = {story.short(number)} so far" for parent, number in after.items()]
    return Told(
        records,
        f"Backward: {name} hands on its gradients",
        (*lines, f"to its own parameters: {picture.module_gradient(use)}"),
    )


def _list(lines: Sequence[str]) -> str:
    return f"<ul>{''.join([f'<li>{escaped(line)}</li>' for line in lines])}</ul>" if lines else ""


def escaped(text: str) -> str:
    """Return a text for HTML, in ASCII: a page may be written in any encoding, as by a redirection."""
    return html.escape(text).encode("ascii", "xmlcharrefreplace").decode()
