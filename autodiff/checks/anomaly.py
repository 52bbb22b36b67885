"""Where a nan or an inf began: the operation, its operands, and the line of code.

It looks at nodes from outside: `autodiff.engine.value` tells the watcher of each node made and each gradient handed on.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from autodiff.engine import value
from autodiff.engine.backward import toposort
from autodiff.engine.value import Value
from autodiff.support.operands import flat

_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep
_open: set[object] = set()  # the blocks that are being watched, in all threads; they share one watcher


class AnomalyError(ArithmeticError):
    """A computation produced the first nan or inf; the message says where."""


@contextmanager
def anomaly_detection() -> Iterator[None]:
    """Raise at the first nan or inf that is computed, forward or backward, naming operation, operands and line.

    Elsewhere: PyTorch's `detect_anomaly`, JAX's `debug_nans`.

    While it is on, every new node remembers the file and line that made it, which takes time and memory: it is for
    finding a fault, not for training. It watches all threads.

    >>> x = Value(0.0, label="x")
    >>> with anomaly_detection():
    ...     y = x.sqrt()
    ...     y.backward()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    autodiff.checks.anomaly.AnomalyError: inf in the backward pass: sqrt(x) = 0.0 at x = 0.0 ('x'), made at ...

    Raises:
        AnomalyError: at the first nan or inf.
    """
    block = object()
    try:
        try:
            _open.add(block)
            value.watcher = _watcher
            yield
        finally:
            _close(block)
    except BaseException:  # Ctrl-C in the line above, too
        _close(block)
        raise


def _close(block: object) -> None:
    _open.discard(block)
    if not _open:
        value.watcher = None
    if _open:  # another thread has begun to watch in between; no lock, which an interrupt could leave locked
        value.watcher = _watcher


class _Watcher:
    def __init__(self) -> None:
        self.places: WeakKeyDictionary[Value, str] = WeakKeyDictionary()

    def created(self, node: Value) -> None:
        self.places[node] = _place()
        if not math.isfinite(node.data):
            came_in = any([not math.isfinite(parent.data) for parent in node.parents])
            hint = (
                f" ({_kind(node.data)} because an operand is not finite: look where that came from)" if came_in else ""
            )
            raise AnomalyError(f"{_kind(node.data)} in the forward pass: {self._told(node, hint)}")

    def handed_on(self, node: Value) -> None:
        for i, contribution in enumerate(node.chain_rule(node.grad)):
            if not math.isfinite(contribution):
                slope = node.local_derivatives()[i]
                raise AnomalyError(
                    f"{_kind(contribution)} in the backward pass: {self._told(node)}, hands parent {i + 1} "
                    f"its gradient {node.grad!r} x the local derivative {slope!r}"
                )

    def _told(self, node: Value, hint: str = "") -> str:
        return f"{describe(node)}{hint}, made at {self.places.get(node, 'a place before detection was on')}"


_watcher = _Watcher()


def describe(node: Value) -> str:
    """Return what a node is, in words: its operation, its number, and its operands with their labels.

    >>> describe(Value(1.0, label="a") / Value(4.0))
    "x / y = 0.25 at x = 1.0 ('a'), y = 4.0"
    """
    name = f" ({node.label!r})" if node.label else ""
    if node.op is None:
        return f"the leaf{name} = {node.data!r}"
    at = node.op.at(flat(node.saved[1:]), [parent.label for parent in node.parents])
    return f"{node.op}{name} = {node.data!r} at {at if len(at) < 500 else at[:500] + ' ...'}"


def first_nonfinite(root: Value) -> Value | None:
    """Return the first node of the graph that is nan or inf, all of whose operands are finite; None if none is.

    >>> x = Value(1000.0, label="x")
    >>> describe(first_nonfinite(x.exp() - x.exp()))
    "exp(x) = inf at x = 1000.0 ('x')"
    """
    order, leaves = toposort(root)
    return next((node for node in leaves + order if not math.isfinite(node.data)), None)


def _kind(number: float) -> str:
    return "nan" if math.isnan(number) else "inf"


def _place() -> str:
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}, line {frame.f_lineno}"
