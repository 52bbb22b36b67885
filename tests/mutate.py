"""Mutation testing: break the code in one small place after another, and see whether the tests notice.

    python tests/mutate.py                       # every module
    python tests/mutate.py engine/ops nn/optim   # these
    python tests/mutate.py --list engine/ops     # what would be broken

The mutants are those of cosmic-ray (`pip install cosmic-ray`), which knows lambdas and tables, and one that deletes a
statement. This file only runs them, in its own way for speed: sympy, mpmath and pytest are imported once, and each
mutant lives in a forked process and in memory, so that no file changes and two can be tested at a time.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import faulthandler
import gc
import importlib.abc
import importlib.util
import os
import random
import re
import resource
import signal
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

HOME = Path(__file__).parents[1]
SECONDS, BYTES = 60, 6 << 30  # of processor and of memory: a mutant that takes more is killed

# What tests each module or room, besides its own examples, the quickest first: pytest stops at the first failure.
TESTS = {
    "engine/ops": "edges ops second_order functions own_operations layers properties fuzz",
    "engine/elementary": "edges ops digits second_order functions properties fuzz",
    "engine/value": "value copying functions edges properties anomaly scale",
    "engine/backward": "value edges planted meanwhile copying second_order layers properties anomaly scale",
    "engine/decisions": "replay_frozen",
    "engine/record": "copying determinism value",
    "engine/outside": "outside value functions values_as_arguments arguments",
    "engine/gradient": "second_order edges properties arguments",
    "engine/functions": "functions arguments defaults",
    "engine/reductions": "functions layers second_order arguments",
    "engine": "value ops edges functions second_order copying properties arguments",
    "support/operands": "value functions edges layers arguments",
    "support/atomic": "value module optim faults",
    "support/trial": "own_operations arguments",
    "support/files": "files module injection faults",
    "support": "arguments layers optim training boxes steps derive injection",
    "formulas/conventions": "conventions conventions_page",
    "formulas/expression": "symbols rules derive steps",
    "formulas/parse": "expression round_trip injection cli_graph",
    "formulas/simplify": "rules symbols derive",
    "formulas/writers": "derive steps symbols round_trip cli_graph draw_labels",
    "formulas": "expression symbols rules injection cli_graph derive",
    "checks/anomaly": "anomaly arguments faults",
    "checks": "check check_verdicts cli arguments rates",
    "micrograd": "nodes_by_hand graph_walks courses coming_from published_programs",
    "nn/layers": "layers module arguments defaults",
    "nn/module": "module holders files arguments injection faults",
    "nn/parameter_file": "module files arguments injection",
    "nn/losses": "losses training",
    "nn/optim": "optim training defaults",
    "nn/schedules": "schedules defaults arguments",
    "nn/data": "data arguments defaults",
    "nn/descent": "training descent arguments replay_fit faults",
    "nn/history": "training arguments defaults",
    "nn/training": "training arguments defaults replay_fit",
    "nn/replayed": "replay_fit faults",
    "mistakes": "mistakes",
    "exercises": "exercises marking graded session",
    "grading/course/plugin": "plugin",
    "grading/course/submission": "submission course",
    "grading/course": "course",
    "grading/by_hand": "by_hand",
    "grading": "check_engine course",
    "replay": "replay_moves replay_rules replay_faults replay_frozen replay_lanes replay replay_program replay_edges "
    "replay_rows replay_samples replay_fit fuzz replay_scale",
    "replay/recording/frozen": "replay_frozen replay_fit",
    "replay/descent": "replay_fit faults arguments",
    "replay/replay": "replay replay_program replay_fit arguments faults",
    "show": "boxes render chosen draw_fold draw_colours draw_labels injection blame cli_graph arguments draw",
    "show/graph/names": "names boxes steps derive",
    "show/graph": "boxes draw_fold steps derive page draw",
    "show/picture/blame": "blame arguments",
    "show/picture/render": "render draw draw_labels embedded",
    "show/picture/fold": "draw_fold boxes blame draw",
    "show/picture/network": "network blame chosen",
    "support/raster": "raster",
    "show/picture/reading": "boxes draw_fold draw_labels page draw",
    "show/stepper": "page slides injection browser",
    "show/stepper/steps": "steps terminal page arguments",
    "show/stepper/surface": "training_steps",
    "show/stepper/terminal": "terminal in_terminals injection",
    "show/stepper/training": "training_steps arguments",
    "show/story/beside": "beside arguments",
    "show/story/derivation": "derive_rows derive",
    "show/story/derive": "derive derive_rows arguments injection",
    "show/story/order": "order_matters arguments",
    "show/story": "steps terminal page derive order_matters",
    "cli": "cli_graph terminal injection page",
    "cli/training": "cli",
    "plots": "plots_show plots plots_edges",
}

# Not asked for: bits and shifts of floats, which raise at once; % and // in place of other arithmetic, as obvious as
# the rest; `is` for `==` and back; `strict=True` of a `zip`, an assertion; and what changes no number and no branch.
LEFT_OUT = re.compile(
    r"Bit|Shift|Invert|_(Mod|FloorDiv)$|USub_Not|Variable|RemoveDecorator|Exception"
    r"|(Eq|NotEq|Lt|LtE|Gt|GtE)_Is|Is(Not)?_(Eq|NotEq|Lt|LtE|Gt|GtE)"
)
BLOCKS = ast.FunctionDef | ast.For | ast.While | ast.If | ast.Try | ast.With
STRICT = re.compile(r"(?<=\bstrict=)False")
STAR = re.compile(r"([(\s])(?:/|\+|-|\*\*),")  # the lone star of a signature, which is no operator


class Mutant(NamedTuple):
    """One way to break a module: `make` answers its broken source, or None where nothing would change."""

    name: str
    operator: str
    make: Callable[[str], str | None]


def mutants(name: str, source: str) -> list[Mutant]:
    """Return every mutant of a module."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    found = []
    for operator_name in operator_names():
        operator_class = get_operator(operator_name)
        if LEFT_OUT.search(operator_name) or operator_class.arguments():
            continue
        operator = operator_class()
        places = [place for node in ast_nodes(get_ast(source)) for place in operator.mutation_positions(node)]
        for occurrence in range(len(places)):

            def make(source: str, operator: Any = operator, occurrence: int = occurrence) -> str | None:
                broken = mutate_code(source, operator, occurrence)
                nothing = not broken or source in (STAR.sub(r"\1*,", broken), STRICT.sub("True", broken))
                return None if nothing else broken

            found.append(Mutant(name, operator_name.removeprefix("core/"), make))
    for node in ast.walk(ast.parse(source)):
        for statement in getattr(node, "body", []) if isinstance(node, BLOCKS) else []:
            string = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if isinstance(statement, ast.Expr | ast.Assign | ast.AugAssign | ast.Raise) and not string:
                found.append(Mutant(name, "DeleteStatement", partial(without, statement=statement)))
    return found


def without(source: str, statement: ast.stmt) -> str | None:
    """Return the source with `pass` in place of a statement; None if that shares its line with others."""
    lines = source.splitlines(keepends=True)
    first, last = statement.lineno - 1, statement.end_lineno
    before = lines[first][: statement.col_offset]
    return None if before.strip() else "".join([*lines[:first], before, "pass\n", *lines[last:]])


def diff(original: str, broken: str) -> str:
    """Return the lines that differ, with their numbers."""
    before, after = original.splitlines(), broken.splitlines()
    lines = []
    for tag, i, i2, j, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            lines += [f"{i + 1}: - {line.strip()}" for line in before[i:i2]]
            lines += [f"{i + 1}: + {line.strip()}" for line in after[j:j2]]
    return "\n".join(lines)


class Broken(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Gives Python the mutant in place of the module on disk."""

    def __init__(self, name: str, source: str) -> None:
        self.source = source
        self.module = "autodiff." + name.replace("/", ".")
        self.path = str(HOME / "autodiff" / f"{name}.py")

    def find_spec(self, name, path, target=None):
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.module else None

    def get_filename(self, name):
        return self.path

    def get_data(self, path):
        return self.source.encode()


def fate(mutant: Mutant, source: str) -> str:
    """Return "survived" if all tests of the module pass with the mutant in its place, "killed", or "none"."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it; tests press Ctrl-C
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
            resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
            faulthandler.dump_traceback_later(20 * SECONDS, exit=True)  # waits for ever, at no cost
            broken = mutant.make(source)
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            if broken is None:
                status = 2
            else:
                sys.meta_path.insert(0, Broken(mutant.name, broken))
                status = min(run_tests(mutant.name), 1)
        finally:
            os._exit(status)
    return {0: "survived", 2: "none"}.get(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "killed")


def tests_of(name: str) -> str:
    """Return what tests a module: itself in the table, or its folder, or its room."""
    return next(TESTS[place] for place in (name, name.rpartition("/")[0], name.partition("/")[0]) if place in TESTS)


def run_tests(name: str) -> int:
    """Return 0 if all tests of a module pass; file by file, since most mutants die in the first."""
    import pytest

    os.chdir(HOME)
    options = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    tests = [path for test in tests_of(name).split() for path in HOME.glob(f"tests/**/test_{test}.py")]
    for path in (*tests, HOME / "autodiff" / f"{name}.py"):
        status = pytest.main([*options, str(path)])
        if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            return int(status)
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description="Break the code in one small place after another, and test it.")
    files = sorted((HOME / "autodiff").rglob("[!_]*.py"))
    names = [path.relative_to(HOME / "autodiff").with_suffix("").as_posix() for path in files]
    parser.add_argument("modules", nargs="*", default=names, help="such as ops or nn/optim; without any, all")
    parser.add_argument("--list", action="store_true", help="only show the mutants")
    parser.add_argument("--sample", type=int, help="how many of each module, drawn at random but the same each time")
    parser.add_argument("--jobs", type=int, default=2, help="how many to test at a time")
    arguments = parser.parse_args()
    sys.dont_write_bytecode = False  # or pytest rewrites the tests anew for each mutant
    import hypothesis, mpmath, numpy, pytest, sympy, torch  # noqa: E401, F401, I001  # once, for all forks

    gc.collect()
    gc.freeze()  # the collectors of the forks need not look at all that

    for name in arguments.modules:
        source = (HOME / "autodiff" / f"{name}.py").read_text()
        found = mutants(name, source)
        if arguments.sample and arguments.sample < len(found):
            found = random.Random(0).sample(found, arguments.sample)
        if arguments.list:
            for mutant in found:
                print(f"{name} {mutant.operator}\n{diff(source, mutant.make(source) or source)}")
            continue
        if fate(Mutant(name, "none", lambda source: source), source) == "killed":
            sys.exit(f"error: the tests of {name} fail before anything is broken: {tests_of(name)}")
        count: Counter[str] = Counter()
        with ThreadPoolExecutor(arguments.jobs) as pool:
            for i, (mutant, end) in enumerate(
                zip(found, pool.map(partial(fate, source=source), found), strict=True), 1
            ):
                count[end] += 1
                if end == "survived":
                    print(f"SURVIVED {name} {mutant.operator}\n{diff(source, mutant.make(source))}", flush=True)
                if i % 50 == 0 or i == len(found):
                    killed, all_ = count["killed"], count["killed"] + count["survived"]
                    print(f"{name}: {all_} mutants, {killed} killed ({killed / all_:.1%})", flush=True)


if __name__ == "__main__":
    main()
