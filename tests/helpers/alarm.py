"""A signal of the system in the middle of whatever runs, as Ctrl-C would be one."""

import signal
from contextlib import contextmanager

import pytest

# An exception of a handler that comes while an object is freed is lost, and Python says so; pytest would fail the test.
lost = pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")


@contextmanager
def alarm(handler, first, interval=0.0):
    """Call `handler()` after `first` seconds, then again each `interval`, or when it asks for it by `alarm_in`."""
    before = signal.signal(signal.SIGALRM, lambda number, frame: handler())
    signal.setitimer(signal.ITIMER_REAL, first, interval)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)  # first, or a handler that is due could set the clock again
        alarm_in(0.0)
        signal.signal(signal.SIGALRM, before)


def alarm_in(seconds):
    """Let the next signal come in so many seconds, or none if they are 0."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
