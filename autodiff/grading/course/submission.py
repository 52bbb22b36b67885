"""A file that was handed in, checked in a child process with limits of time, memory and output.

Whatever the file does (loops for ever, recursion, exits, prints, writes), the answer is a report. This is no sandbox:
the file runs with the rights of the person who checks it, and can read and send what they can. Against malice use
containers, as Gradescope and the other autograders do.
"""

from __future__ import annotations

import faulthandler
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from autodiff.grading.adapter import Engine
from autodiff.grading.check import ENDED, not_checked, stages
from autodiff.grading.report import EngineReport
from autodiff.support.labels import printable

MAX_SECONDS = 20.0  # of the clock, for one file
MAX_MEMORY = 1024  # MiB of addresses
MAX_WRITTEN = 1 << 20  # bytes in any one file, and what is printed is one
MAX_SHOWN = 2_000  # characters of what was printed that a report keeps


def check_file(
    path: str | os.PathLike[str],
    *,
    name: str = "",
    names: Mapping[str, str] | None = None,
    size: int = 2,
    seconds: float = MAX_SECONDS,
    memory: int = MAX_MEMORY,
) -> EngineReport:
    """Return the report on the engine in a file, which is run in a child process.

    The child has a folder of its own for what it writes, which is deleted. This is no sandbox: see above.

    Args:
        path: the file.
        name: the class in it; else ``Value``, or the only class that has a backward pass.
        names: what the class calls things, as for `check_engine`.
        size: up to how many operations all programs are tried.
        seconds: how long it may take.
        memory: how many MiB of addresses it may use, where the system can hold it to that.
    """
    file = Path(path).resolve()
    if not file.is_file():
        return not_checked(f"there is no file {file.name!r}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        order = {"path": str(file), "name": name, "names": dict(names or {}), "size": size, "seconds": seconds}
        (place / "order.json").write_text(json.dumps({**order, "memory": memory}))
        (place / "work").mkdir()
        with open(place / "printed.txt", "wb") as printed:
            child = subprocess.Popen(
                [sys.executable, "-m", __name__, folder],
                cwd=place / "work",
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": "0"},
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                status = child.wait(seconds + 5)  # it ends itself before, unless it holds that up
            except subprocess.TimeoutExpired:
                status = None
            finally:
                _kill(child)
        return _answer(place, status, seconds, file)


def split(file: str) -> tuple[str, str]:
    """Return the path and the class of ``engine.py:Scalar``; a drive's letter is part of the path."""
    path, colon, name = file.rpartition(":")
    return (path, name) if colon and name.isidentifier() and len(path) > 1 else (file, "")


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End the child and what it has started."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        child.kill()
    except (ProcessLookupError, PermissionError):
        pass  # it has ended
    child.wait()


def _answer(place: Path, status: int | None, seconds: float, file: Path) -> EngineReport:
    output = _read(place / "printed.txt")
    try:
        report = EngineReport.loads(_read(place / "report.json", whole=True))
    except (KeyError, TypeError, ValueError):  # none, or half of one
        report = None
    if report and report.error:  # made here, where nothing has been changed by the file
        return not_checked(report.error, output)
    if report and status == 0 and not any(line.reason == ENDED for line in report.rubric):
        return replace(report, output=report.output or output)
    stuck = _read(place / "stuck.txt")
    if stuck or status is None:
        lines = [line for line in stuck.splitlines() if f'"{file}"' in line]
        where = lines[0].strip().replace(str(file), file.name) if lines else ""
        reason = (
            f"it did not end within {seconds:g} s{f', and was at {where}' if where else ''}: a loop without an end?"
        )
    elif status < 0:
        reason = f"it was ended by the signal {signal.Signals(-status).name}: out of memory, output or processor time?"
    else:
        reason = f"it ended Python itself with status {status}, before the check was over"
    if report is None:
        return not_checked(reason, output)
    rubric = [replace(line, reason=reason) if line.reason == ENDED else line for line in report.rubric]
    error = "" if report.fault else f"on the ladder {reason}"
    return replace(report, ok=False, rubric=tuple(rubric), error=error, output=output)


def _read(path: Path, whole: bool = False) -> str:
    try:
        with open(path, "rb") as file:
            text = file.read(-1 if whole else 2 * MAX_SHOWN).decode(errors="replace")
    except OSError:
        return ""
    return text if whole else printable(text)[:MAX_SHOWN]


def _limit(seconds: float, memory: int) -> None:
    """Hold this process to its limits, where the system knows such."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    for what, most in (
        (resource.RLIMIT_CPU, int(seconds) + 2),
        (resource.RLIMIT_AS, memory << 20),
        (resource.RLIMIT_FSIZE, MAX_WRITTEN),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _load(path: str) -> ModuleType:
    """Return the module of a file as it is now: Python may keep one that is as old and as long."""
    name = Path(path).stem
    sys.path.insert(0, str(Path(path).parent))
    sys.dont_write_bytecode = True  # nothing is left beside what was handed in
    loader = SourceFileLoader(name, path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None, path
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    exec(loader.source_to_code(loader.get_data(path), path), vars(module))
    return module


def engine_in(module: ModuleType, name: str = "") -> Any:
    """Return the class of values in a module: as named, else `Value`, else the only one that computes with gradients.

    Raises:
        ValueError: if there is none, or more than one.
    """
    classes = {key: held for key, held in vars(module).items() if isinstance(held, type)}
    if name:
        if name not in classes:
            raise ValueError(f"there is no class {name!r}: there are {', '.join(classes) or 'none'}")
        return classes[name]
    if "Value" in classes:
        return classes["Value"]
    able = [key for key, held in classes.items() if held.__module__ == module.__name__ and _computes(held)]
    if len(able) != 1:
        raise ValueError(f"which class is it? Say FILE:NAME; there are {', '.join(able or classes) or 'none'}")
    return classes[able[0]]


def _computes(cls: type) -> bool:
    """Whether a class can be made of a number, has a gradient and a backward pass, and + or *."""
    try:
        engine = Engine(cls)
        with engine.lending():
            return not engine.lacking and (hasattr(cls, "__add__") or hasattr(cls, "__mul__"))
    except Exception:  # whatever a stranger's constructor raises
        return False


def _where(error: BaseException, path: str) -> str:
    """Return the line of a file at which an error was raised, for a message."""
    lines, trace = [], error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.lineno:
        lines.append(error.lineno)
    return f" ({Path(path).name}, line {lines[-1]})" if lines else ""


def child(folder: str) -> None:
    """Check the file that the order in a folder names, and write the report beside it."""
    place = Path(folder)
    order = json.loads((place / "order.json").read_text())
    stuck = open(place / "stuck.txt", "w")  # noqa: SIM115  # open as long as the process lives
    faulthandler.dump_traceback_later(order["seconds"], exit=True, file=stuck)
    _limit(order["seconds"], order["memory"])
    try:
        engine = engine_in(_load(order["path"]), order["name"])
        _check_own(engine, Path(order["path"]).parent)
        for report in stages(engine, names=order["names"], size=order["size"]):
            _write(place, report)  # so that what is known stays, should it never end
    except BaseException as error:  # exits and interrupts, too, are answers of the file
        said = error.msg if isinstance(error, SyntaxError) else error
        _write(place, not_checked(f"{type(error).__name__}: {said}"[:500] + _where(error, order["path"])))
    faulthandler.cancel_dump_traceback_later()
    sys.stdout.flush()
    os._exit(0)  # whatever threads and exit handlers the file has left


def _check_own(engine: type, folder: Path) -> None:
    """Check that a class was handed in, and is not that of an installed package.

    Raises:
        ValueError: if it stands in a file outside of the folder.
    """
    file = getattr(sys.modules.get(engine.__module__), "__file__", None)
    if file is None or not Path(file).resolve().is_relative_to(folder):
        raise ValueError(f"{engine.__name__} is the class of {engine.__module__}, and was not handed in")


def _write(place: Path, report: EngineReport) -> None:
    (place / "report.new").write_text(report.dumps())
    os.replace(place / "report.new", place / "report.json")


if __name__ == "__main__":
    child(sys.argv[1])
