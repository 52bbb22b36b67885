"""What a process that is forked off finds, by the way of its answer."""

import os
import signal
import sys
import warnings

import pytest

NEEDS_FORK = pytest.mark.skipif(not hasattr(os, "fork") or sys.platform == "emscripten", reason="no fork here")


def succeeds_in_child(check):
    """Whether `check()` is true in a process that is forked off, within ten seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a process of several threads, which is what is tried
        child = os.fork()
    if not child:
        try:
            signal.alarm(10)
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0
