"""The options of `autodiff exercise` that write exercises to files, and mark the answers that come back."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from autodiff.cli.expressions import DATA, graph_of
from autodiff.cli.parser import Parser
from autodiff.exercises.exercise import Exercise, exercise_of
from autodiff.exercises.graded import generate
from autodiff.exercises.sheets.formats import Correction, Format, save
from autodiff.exercises.sheets.homework import made, mark, table
from autodiff.exercises.sheets.paper import Paper
from autodiff.show.stepper.steps import Steps
from autodiff.support import files

MAX_COPIES = 1000  # that are made again for answers which name them
NOTE = (
    "A page for practice carries the answers in its source. With --feedback none it carries none, and saves what was\n"
    "answered as a file for --grade. Without an exercise, --grade takes the one that each file names; a learner can\n"
    "change that, so give --level and --seed, or the expression first, and other files are told apart."
)


def add_options(parser: Parser) -> None:
    """Add the options."""
    parser.add_argument("-o", "--output", metavar="FILE", help="write a page, which is also printed, or another format")
    parser.add_argument(
        "--format", choices=get_args(Format), help="page (.html), pdf, moodle (.xml), qti3 or canvas (.zip)"
    )
    parser.add_argument("--feedback", choices=get_args(Correction), default="here", help="whether a page corrects")
    parser.add_argument("--key", action="store_true", help="print the answers, and how they follow, under the page")
    parser.add_argument("--paper", choices=get_args(Paper), default="a4", help="the size of a PDF")
    parser.add_argument("--copies", type=int, default=1, help="of a level, each with other numbers")
    parser.add_argument("--grade", metavar="FILE", nargs="+", help="mark files of answers that pages have saved")
    parser.add_argument("--csv", metavar="FILE", help="where the marks are written; else to standard output")


def wanted(options: argparse.Namespace) -> bool:
    """Return whether something is to be written or marked, and nothing asked; see `write`."""
    return bool(options.output or options.grade)


def check(parser: Parser, options: argparse.Namespace) -> None:
    """End with an error if options do not go together."""
    if options.grade and options.output:
        parser.error("--grade reads answers and -o writes an exercise: choose one")
    if not options.output and (options.format or options.key or options.feedback != "here"):
        parser.error("--format, --key and --feedback go with -o, the file that is written")
    if options.csv and not options.grade:
        parser.error("--csv goes with --grade")
    if options.copies != 1 and options.level is None:
        parser.error("--copies goes with --level: an expression has the numbers that it is given")
    if options.copies > 1 and not wanted(options):
        parser.error("--copies goes with -o or --grade: a terminal asks one exercise")


def write(parser: Parser, options: argparse.Namespace, exercises: Sequence[Exercise]) -> int:
    """Write exercises, or mark the answers to them; return the status: 1 if a file could not be marked."""
    try:
        if options.output:
            path = options.output.removeprefix(DATA)
            save(
                exercises,
                path,
                format=options.format,
                feedback=options.feedback,
                key=options.key,
                paper=options.paper,
            )
            return 0
        paths = [path.removeprefix(DATA) for path in options.grade]
        marks = mark(paths, exercises or again(made(paths)))
        if options.csv:
            files.write(options.csv.removeprefix(DATA), table(marks).encode())
        else:
            sys.stdout.write(table(marks))
    except OSError as error:
        parser.error(f"cannot write {error.filename or 'standard output'}: {error.strerror}")
    except (RuntimeError, ValueError) as error:
        parser.error(str(error))
    unmarked = [each for each in marks if each.problem]
    if options.csv:
        print(f"{len(marks) - len(unmarked)} of {len(marks)} files marked")
    for each in unmarked:
        print(f"{each.file}: {each.problem}", file=sys.stderr)
    return 1 if unmarked else 0


def how(options: argparse.Namespace) -> dict[str, Any]:
    """Return how an exercise was made that was given on the command line, for `again`."""
    return {
        **{"expression": options.expression.removeprefix(DATA), "numbers": options.numbers},
        **{"about": options.about, "rate": options.rate, "weights": options.weights},
    }


def again(ways: Iterable[Mapping[str, Any]]) -> list[Exercise]:
    """Return the exercises that can be made again; what names none that can be made is left out."""
    found: list[Exercise] = []
    copies: dict[tuple[int, int], int] = {}
    for way in ways:
        match way:
            case {"level": int(level), "seed": int(seed), "copy": int(copy)} if 0 < copy <= MAX_COPIES:
                copies[level, seed] = max(copy, copies.get((level, seed), 0))
            case {"expression": str(), "numbers": {}}:
                found += _of_expression(way)
    for (level, seed), count in copies.items():
        try:
            found += generate(level=level, seed=seed, copies=count)
        except ValueError:
            continue
    return found


def _of_expression(way: Mapping[str, Any]) -> list[Exercise]:
    try:
        story = Steps(graph_of(way["expression"], way["numbers"])[0], {})
        about, weights = names(way.get("about")), names(way.get("weights"))
        return [exercise_of(story, about=about, rate=way.get("rate"), weights=weights, made=way)]
    except (TypeError, ValueError):
        return []


def names(given: str | None) -> list[str] | None:
    """Return the names in a list that is written with commas."""
    return None if given is None else [name.strip() for name in given.removeprefix(DATA).split(",")]
