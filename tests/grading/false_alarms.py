"""How many programs right engines come through, without one that is called wrong.

    python tests/grading/false_alarms.py [--size 3] [MODULE:CLASS ...]

Without engines: micrograd, which must be installed, and the good ones of `tests/helpers`. Others of the registry are
named as they are imported: `propgrad.engine:Value`. It prints for each engine how many programs were compared, and ends
with status 1 if one was called wrong: then somebody has to look who is right. Size 3 takes minutes.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from helpers.engines import made  # noqa: E402  # the path above first
from helpers.odd_engines import RIGHT, class_of  # noqa: E402

from autodiff import check_engine  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("engines", metavar="MODULE:CLASS", nargs="*")
    parser.add_argument("--size", type=int, default=3, help="operations of the largest programs")
    options = parser.parse_args()
    engines = {name: None for name in options.engines}
    if not engines:
        engines = {"micrograd.engine:Value": None, "the good one": made()} | {name: class_of(name) for name in RIGHT}
    total = wrong = 0
    for name, engine in engines.items():
        if engine is None:
            module, _, cls = name.partition(":")
            engine = getattr(importlib.import_module(module), cls)
        report = check_engine(engine, size=options.size)
        total, wrong = total + report.tried, wrong + (report.fault is not None)
        print(
            f"{report.tried:10,}  {name}{'' if report.fault is None else f'  WRONG: {report.sentences()[0]}'}",
            flush=True,
        )
    print(f"{total:10,}  programs, {wrong} engines called wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
