"""The pytest plugin: `pytest --engine engine.py:Value` has a test for each step of the lesson.

A wrong number fails its step; what the engine does not have is skipped; a remark, where no number is wrong, is an
expected failure. The engine is checked once, in a child process, when the first of its steps is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # pytest loads this file in every session: the rest is for those that have an engine
    from autodiff.grading.report import EngineReport


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("engine", "an autodiff engine of one's own")
    group.addoption("--engine", metavar="FILE[:CLASS]", help="check the engine in a file, step by step of the lesson")
    group.addoption("--engine-names", metavar="ROLE=NAME,...", default="", help="what the class calls things")


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the steps behind the tests that were found."""
    given = config.getoption("--engine")
    if given:
        items += EngineSteps.from_parent(session, name=given, nodeid=given).collect()


class StepFailed(Exception):
    """A step of the lesson has a wrong number, or could not be tried."""


class EngineSteps(pytest.Collector):
    """The steps of the lesson, for one engine."""

    @cached_property
    def checked(self) -> EngineReport:
        """The report, made when it is first asked for."""
        from autodiff.grading.course.submission import check_file, split

        pairs = filter(None, self.config.getoption("--engine-names").split(","))
        path, name = split(self.name)
        return check_file(path, name=name, names=dict([pair.partition("=")[::2] for pair in pairs]))

    def collect(self) -> list[Any]:
        """Return a test for each line of the rubric."""
        from autodiff.grading.check import not_checked

        return [EngineStep.from_parent(self, name=line.name) for line in not_checked("").rubric]


class EngineStep(pytest.Item):
    """One step of the lesson."""

    def runtest(self) -> None:
        """Fail where a number is wrong."""
        report: EngineReport = self.parent.checked  # type: ignore[union-attr]  # the steps are always its parent
        line = next(line for line in report.rubric if line.name == self.name)
        if line.status == "remark":
            pytest.xfail(line.reason)
        if line.status == "not there":
            pytest.skip(line.reason)
        if line.status != "right":
            raise StepFailed("\n".join(self.answer(report, line.reason)))

    def answer(self, report: EngineReport, reason: str) -> Iterator[str]:
        """Yield the lines of a failure: the reason, then the whole answer where it stands for the first time."""
        yield f"{self.name}: {reason}"
        first = next(line.name for line in report.rubric if line.status in ("wrong", "not tried"))
        if self.name == first:
            yield ""
            yield str(report)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the answer, without a traceback through this file."""
        return str(excinfo.value) if isinstance(excinfo.value, StepFailed) else super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Any, None, str]:
        """Return what the summary shows."""
        return self.path, None, f"{self.parent.name if self.parent else ''}: {self.name}"
