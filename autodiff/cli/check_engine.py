"""`autodiff check-engine`: the smallest program that somebody's engine gets wrong, for a file or a whole class."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from autodiff.cli.parser import Parser
from autodiff.grading.adapter import ROLES
from autodiff.grading.check import MAX_SIZE
from autodiff.grading.course.formats import FORMATS, names
from autodiff.grading.course.submission import MAX_MEMORY, MAX_SECONDS, split
from autodiff.grading.course.whole_class import check_files, summary, table
from autodiff.support import files

USAGE = "FILE[:CLASS] ..."
SUMMARY = "what an engine of one's own gets wrong, and why"
EXAMPLES = (
    "engine.py",
    "engine.py:Scalar --names grad=derivative backward=backprop",
    "engine.py --format gradescope -o results/results.json",
    "submissions/*/engine.py --csv class.csv",
)
BAR = 30  # characters
NOTE = (
    "Each file runs in a child process with limits of time, memory and output. That is no sandbox: it runs with your\n"
    "rights. Against malice run it in a container, as Gradescope and other autograders do.\n"
    "Status: 0 if all engines are right, 1 if one is wrong or could not be checked, 2 for wrong arguments."
)


def run(arguments: Sequence[str]) -> int:
    """Check engines; return the status."""
    parser = Parser(
        prog="autodiff check-engine",
        description="Find the smallest program that an engine gets wrong, name the mistake, and say where to look.",
        epilog="examples:\n" + "\n".join([f"  autodiff check-engine {line}" for line in EXAMPLES]) + f"\n\n{NOTE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", metavar="FILE[:CLASS]", nargs="+", help="a file of Python, and the class in it")
    parser.add_argument("--names", metavar="ROLE=NAME", nargs="+", default=[], help="what the class calls things")
    parser.add_argument("--size", type=int, default=2, choices=range(1, MAX_SIZE + 1), help="operations of a program")
    parser.add_argument("--seconds", type=float, default=MAX_SECONDS, help="how long each file may take")
    parser.add_argument("--memory", type=int, default=MAX_MEMORY, help="how many MiB each file may use")
    parser.add_argument("--format", choices=FORMATS, default="text", help="how the report is written")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to FILE, not to standard output")
    parser.add_argument("--csv", metavar="FILE", help="a line for each engine, for a whole class")
    parser.add_argument("--workers", type=int, help="how many files at once; as many as there are processors")
    options = parser.parse_args(arguments)
    roles = dict([pair.partition("=")[::2] for pair in options.names])
    for role, name in roles.items():
        if role not in ROLES or not name:
            parser.error(f"--names takes ROLE=NAME, where a role is one of {', '.join(ROLES)}; got {role[:50]!r}")
    if not 0 < options.seconds < 1e6 or options.memory < 1 or (options.workers or 1) < 1:
        parser.error("--seconds, --memory and --workers must be above 0")
    if options.format == "gradescope" and len(options.files) > 1:
        parser.error("Gradescope's results.json is for one submission at a time")
    paths, classes = zip(*[split(file) for file in options.files], strict=True)
    if len(set(classes)) > 1:
        parser.error("all files must name the same class, or none")
    reports = []
    checks = check_files(
        *(paths,),
        workers=options.workers,
        name=classes[0],
        names=roles,
        size=options.size,
        seconds=options.seconds,
        memory=options.memory,
    )
    for n, report in enumerate(checks, 1):
        reports.append(report)
        if len(paths) > 1 and sys.stderr.isatty():
            bar = "#" * (BAR * n // len(paths))
            end = "\n" if n == len(paths) else ""
            print(f"\r[{bar:.<{BAR}}] {n} of {len(paths)}", end=end, file=sys.stderr, flush=True)
    try:
        if options.csv:
            files.write(options.csv, table(paths, reports).encode())
        if options.output or not options.csv:
            written = FORMATS[options.format](dict(zip(names(paths), reports, strict=True)))
            if options.output:
                files.write(options.output, written.encode())
            else:
                sys.stdout.write(written)
    except OSError as error:
        parser.error(f"cannot write {error.filename or 'standard output'}: {error.strerror}")
    if len(paths) > 1 and (options.csv or options.output):
        print(summary(reports))
    return 0 if all(report.ok for report in reports) else 1
