"""`autodiff exercise`: the gradients of an expression, or of a graded exercise, as questions to answer by hand."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from textwrap import indent

from autodiff.cli import sheets
from autodiff.cli.expressions import DATA, ExpressionParser
from autodiff.cli.parser import Parser
from autodiff.cli.story import story_of
from autodiff.exercises.exercise import Exercise, exercise_of
from autodiff.exercises.graded import generate
from autodiff.exercises.levels import LEVELS
from autodiff.exercises.terminal import HELP, Session

USAGE = "EXPR NAME=VALUE ..."
SUMMARY = "answer by hand, and be corrected"
EXAMPLES = (
    '"(w*x + b - t)**2" w=3 x=2 b=1 t=5',
    '"(w*x + b - t)**2" w=3 x=2 b=1 t=5 --rate 0.1 --weights w,b',
    "--level 3 --seed 7",
    "--level 3 --seed 7 < answers.txt       one answer in a line",
    "--level 3 --seed 7 -o sheet.html --key",
    "--level 6 --copies 30 -o class.xml --format moodle",
    "--level 5 --seed 2 --feedback none -o homework.html",
    "--grade answers/*.json --csv marks.csv",
)
DESCRIPTION = "Ask for every number of the forward and the backward pass, correct the answers, and name mistakes."


def run(arguments: Sequence[str]) -> int:
    """Ask an exercise, write it to a file, or mark what was answered; return the status."""
    parser = ExpressionParser("exercise", DESCRIPTION, EXAMPLES)
    levels = "\n".join([f"  {level}  {title}" for level, (title, _) in LEVELS.items()])
    parser.epilog = f"{parser.epilog}\n\nlevels:\n{levels}\n\nanswers:\n  {HELP}\n\nfiles:\n{indent(sheets.NOTE, '  ')}"
    parser.usage = "\n       ".join(
        [
            "autodiff exercise [options] EXPR NAME=VALUE ...",
            "autodiff exercise --level LEVEL [--seed SEED] [options]",
            "autodiff exercise --grade FILE ... [--csv FILE]",
        ]
    )
    _add_options(parser)
    exercises: Sequence[Exercise] = ()
    if (arguments[:1] and arguments[0].partition("=")[0] in ("--grade", "--csv")) or _has(arguments, "--level"):
        graded = Parser(prog=parser.prog, usage=parser.usage)  # which takes no expression
        _add_options(graded)
        options = graded.parse_args(arguments)
        sheets.check(graded, options)
        if options.level is not None:
            exercises = _generated(graded, options)
    else:
        options = parser.read(arguments)
        if options.seed is not None:
            parser.error("--seed goes with --level: an expression has the numbers that it is given")
        sheets.check(parser, options)
        exercises = [_asked(parser, options)]
    if sheets.wanted(options):
        return sheets.write(parser, options, exercises)
    return Session(exercises[0]).run()


def _has(arguments: Sequence[str], name: str) -> bool:
    return any([argument.partition("=")[0] == name for argument in arguments])


def _add_options(parser: Parser) -> None:
    parser.add_argument("--level", type=int, choices=tuple(LEVELS), help="a graded exercise, in place of an expression")
    parser.add_argument("--seed", type=int, help="which exercise of that level; 0 if left out")
    parser.add_argument("--about", metavar="NAME[,NAME]", help="ask about these nodes, give the numbers of all others")
    parser.add_argument("--rate", type=_number, help="ask for the weights after a step of descent, too")
    parser.add_argument("--weights", metavar="NAME[,NAME]", help="what the step moves; all names if left out")
    sheets.add_options(parser)


def _generated(parser: Parser, options: argparse.Namespace) -> Sequence[Exercise]:
    if options.about or options.rate is not None or options.weights:
        parser.error("--about, --rate and --weights go with an expression")
    try:
        return generate(level=options.level, seed=options.seed or 0, copies=options.copies)
    except ValueError as error:
        parser.error(str(error))


def _number(text: str) -> float:
    return float(text.removeprefix(DATA))


def _asked(parser: ExpressionParser, options: argparse.Namespace) -> Exercise:
    about, weights = [sheets.names(given) for given in (options.about, options.weights)]
    if weights is not None and options.rate is None:
        parser.error("--weights goes with --rate, the learning rate of the step")
    try:
        how = sheets.how(options)
        return exercise_of(story_of(options), about=about, rate=options.rate, weights=weights, made=how)
    except ValueError as error:
        parser.error(str(error))
