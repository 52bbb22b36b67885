"""Python's garbage collector, held off the graphs that are alive.

A graph of Values has no cycles: it is freed at once when the last reference to it goes, without the collector. But as
it grows, the collector goes through it again and again, for nothing.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from operator import call
from threading import RLock, get_ident

# How many more new objects than freed ones let the collector look at the new ones; how many such looks, at those that
# survived one; how many of these, at all that is alive: never.
THRESHOLDS = (2_000_000, 50, 1_000_000)
MANY = 500_000  # new objects that are alive at the end of a block: as shipped, Python would then look at all of them
MORE = 6_000_000  # pieces of memory, as many as two million nodes take: where there are so many more, all is looked at
FROZEN = 1000  # objects, or more, that people have frozen by `gc.freeze`; Python 3.12 begins with some hundred
_lock = RLock()  # of one thread again where a signal handler opens a block of its own
_open: dict[object, int] = {}  # the blocks in all threads, each with its thread
_before: tuple[int, int, int] | None = None  # the thresholds that the first of them found
_least: int | None = None  # the pieces of memory in use at the end of such a block, at least, since all was looked at


@contextmanager
def large_graph() -> Iterator[None]:
    """Build and differentiate large graphs in this block faster: the collector looks at each node at most twice.

    Of a graph of a million nodes that is three quarters of the time. What Python's collector is there for, garbage with
    cycles, is found after the block, or when there are two million new objects. If half a million new objects are alive
    at the end, all are old from then on: a full collection looks at them next. Python makes it, or `gc.collect()`; and
    the block itself where memory grows from block to block, by a quarter and what two million nodes take.
    The thresholds of the collector (`gc.set_threshold`) are raised for all threads, and are put back at the end of the
    last of the blocks that are open, whatever happens in them. A collector that is switched off stays so.

    >>> from autodiff import Value, large_graph
    >>> x = Value(1.0)
    >>> with large_graph():
    ...     y = sum(x * i for i in range(1000))
    ...     y.backward()
    >>> x.grad
    499500.0
    """
    block = object()
    try:
        try:
            _enter(block)
            yield
        finally:
            _leave(block)
    except BaseException:  # Ctrl-C in the line above, too
        _leave(block)
        raise


def _enter(block: object) -> None:
    global _before
    with _lock:
        _open[block] = get_ident()  # first: what a signal handler opens and closes below this line is not the last one
        found = gc.get_threshold()
        if _before is None:
            _before = found
            if found[0] > 0:
                gc.set_threshold(*map(max, THRESHOLDS, found))


def _leave(block: object | None) -> None:
    global _before, _least
    grown = False
    with _lock:
        _open.pop(block, None)
        before = _before  # read once: a signal handler may come to the end of a block, too
        if not _open and before is not None:
            much = gc.get_count()[0] > MANY and gc.isenabled() and before[0] > 0 and gc.get_freeze_count() < FROZEN
            taken = sys.getallocatedblocks() if much else 0
            if taken:  # else Python does not count them, as in a browser: what heaps up would not be seen
                list(map(call, (gc.freeze, gc.unfreeze)))  # as one call: no interrupt and no thread comes between
                least = min(taken, _least or taken)
                grown = taken > 1.25 * least + MORE
                _least = None if grown else least
            gc.set_threshold(*before)
            _before = None
    if grown:  # garbage with cycles may be among them, which Python itself would not look for
        gc.collect()


def _in_child() -> None:
    """Forget the blocks of other threads, which a process that has just been forked off does not have."""
    global _lock
    _lock = RLock()
    for block in [block for block, thread in _open.items() if thread != get_ident()]:
        del _open[block]
    _leave(None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
