"""A whole class: the files of all, checked side by side, in an answer that does not depend on how many at once."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from autodiff.grading.check import not_checked
from autodiff.grading.course.submission import MAX_MEMORY, MAX_SECONDS, check_file
from autodiff.grading.report import EngineReport
from autodiff.support.labels import printable

COLUMNS = ("file", "ok", "score", "fault", "program", "size", "place", "missing", "remarks", "error")


def check_files(
    paths: Sequence[str],
    *,
    executor: Executor | None = None,
    workers: int | None = None,
    name: str = "",
    names: Mapping[str, str] | None = None,
    size: int = 2,
    seconds: float = MAX_SECONDS,
    memory: int = MAX_MEMORY,
) -> Iterator[EngineReport]:
    """Yield the report on each file, in the order of the files, as soon as it and those before it are there.

    Each file has a child process of its own, so that threads are enough to run several; one that hangs holds up its
    thread until its time is over, and no other.

    Args:
        paths: the files.
        executor: what runs the checks, such as a cluster's: anything with `submit`; else threads of this process.
        workers: how many at once; None for one for each processor. Not for an executor, which knows.
        name: the class in each file, as for `check_file`; the same holds for what follows.
        names: what the class calls things.
        size: up to how many operations all programs are tried.
        seconds: how long each may take.
        memory: how many MiB each may use.
    """
    options: dict[str, Any] = {"name": name, "names": names, "size": size, "seconds": seconds, "memory": memory}
    if executor is not None:
        yield from _through(executor, paths, options)
        return
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as own:
        yield from _through(own, paths, options)


def _through(executor: Executor, paths: Sequence[str], options: Mapping[str, Any]) -> Iterator[EngineReport]:
    futures = [executor.submit(_checked, path, i, dict(options)) for i, path in enumerate(paths)]
    for future in futures:
        try:
            yield EngineReport.loads(future.result())
        except Exception as error:  # the executor's own: a worker that was lost takes no other report with it
            yield not_checked(f"the executor lost it: {type(error).__name__}: {error}")


def _checked(path: str, place: int, options: Mapping[str, Any]) -> str:
    """Return a report as text. The place in the class makes two calls differ, where equal ones would be run once."""
    try:
        return check_file(path, **options).dumps()
    except BaseException as error:  # an exception that is not caught here ends or blocks some executors' workers
        return not_checked(f"{type(error).__name__}: {error}").dumps()


def table(paths: Sequence[str], reports: Sequence[EngineReport]) -> str:
    """Return the reports as CSV, a line each, that no spreadsheet takes for a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for path, report in zip(paths, reports, strict=True):
        fault = report.fault.name if report.fault else ""
        remarks = "; ".join([line.name for line in report.remarks])
        cells = (path, "yes" if report.ok else "no", f"{report.score:g}", fault, report.expression, report.size or "")
        writer.writerow(map(_cell, (*cells, report.place, "; ".join(report.missing), remarks, report.error)))
    return text.getvalue()


def _cell(content: object) -> str:
    text = " ".join(printable(str(content)).split())
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def summary(reports: Sequence[EngineReport]) -> str:
    """Return how many engines are right, and which mistakes the others have, the most frequent first."""
    faults = Counter(
        [report.fault.name if report.fault else "could not be checked" for report in reports if not report.ok]
    )
    right = sum(report.ok for report in reports)
    lines = [f"{len(reports)} engines, {right} right"]
    for name, count in sorted(faults.items(), key=lambda pair: (-pair[1], pair[0])):
        shown = next((r.expression for r in reports if r.fault and r.fault.name == name and r.expression), "")
        lines.append(f"{count:5}  {name}{f', as in {shown}' if shown else ''}")
    return "\n".join(lines)
