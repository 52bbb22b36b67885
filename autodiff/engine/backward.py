"""The backward pass: from the last node to the first, each hands its gradient to what it was computed from.

It knows the slots of a node (see `autodiff.engine.record.Record`) and what a row answers, and nothing of any single
operation. For speed it hands gradients on by a function for each row, which it makes from the row's own rule
(`_written`); what such a function computes is what `_by_rule` does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from threading import Lock, get_ident
from typing import Any

from autodiff.engine import ops
from autodiff.engine.ops import Op
from autodiff.support.lines import Lines, Name

NOTHING = float("0")  # the gradient of a node that nothing has come to; told from a 0 that came by its identity
_marks = Lock()  # who has it may mark nodes; nobody waits for it, so that nothing ever hangs
# Of each backward pass that runs now, by thread and id of its nodes: these, the leaves, and their gradients of before.
_under_way: dict[tuple[int, int], tuple[list[Any], list[Any], list[Any]]] = {}


def toposort(root: Any) -> tuple[list[Any], list[Any]]:
    """Return the nodes that `root` was computed from, and itself, parents first; and apart from them the leaves.

    Computed as here, but without recursion and with marks on the nodes in place of a set:

        def toposort(root):
            order, leaves, seen = [], [], set()

            def visit(node):
                if node not in seen:
                    seen.add(node)
                    for parent in entered(node):
                        visit(parent)
                    (order if node.parents else leaves).append(node)

            visit(root)
            return order, leaves

    This takes linear time, and gives the same order on every run. While another walk has marks on nodes, in another
    thread or interrupted by a signal, a walk takes a set, and both are right.
    """
    if not _marks.acquire(False):
        return _by_set(root)
    try:
        return _by_marks(root)
    finally:
        _marks.release()


def entered(node: Any) -> Sequence[Any]:
    """Return the parents of a node in the order in which a walk goes to them: those of a group from the last."""
    return node.parents[::-1] if node._x.__class__ is tuple else node.parents  # type: ignore[no-any-return]


def upward(root: Any, known: Callable[[Any], bool]) -> Iterator[Any]:
    """Yield `root` and what it was computed from as far as not yet `known`, parents first; the taker makes it known."""
    waiting = [root]
    while waiting:
        node = waiting[-1]
        missing = [] if known(node) else [parent for parent in entered(node) if not known(parent)]
        if missing:
            waiting += reversed(missing)
        else:
            waiting.pop()
            if not known(node):
                yield node


def _by_set(root: Any) -> tuple[list[Any], list[Any]]:
    order: list[Any] = []
    leaves: list[Any] = []
    seen: set[int] = set()
    for node in upward(root, lambda node: id(node) in seen):
        seen.add(id(node))
        (leaves if node._x is None else order).append(node)
    return order, leaves


def _by_marks(root: Any) -> tuple[list[Any], list[Any]]:
    """Return the answer of `toposort`; a group of operands that many nodes share is gone through once."""
    entered, shared, done = object(), object(), object()
    complete: set[int] = set()  # the groups that are in order as a whole
    order: list[Any] = []
    leaves: list[Any] = []
    latest: Any = None  # the last group seen to be in order
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        mark = node._mark
        if mark is entered or mark is shared:  # all that it was computed from is in order
            node._mark = done
            order.append(node)
            if mark is shared:
                complete.add(id(node._x[0]))
                complete.add(id(node._y))
            continue
        while mark is not done:
            x = node._x
            if x is None:
                node._mark = done
                leaves.append(node)
                break
            if x.__class__ is tuple:
                y = node._y
                missing: Any = x
                if y is not None:  # two groups, and perhaps an operand behind them
                    missing = x[0] if id(x[0]) not in complete else ()
                    if y is not latest and id(y) not in complete:
                        missing += y
                    if len(x) > 1 and x[1]._mark is not done:
                        missing += x[1:]
                    if not missing:  # as in all neurons of a layer but the first
                        node._mark = done
                        order.append(node)
                        latest = y
                        break
                node._mark = entered if y is None else shared
                waiting.append(node)
                waiting += missing
                break
            node._mark = entered
            waiting.append(node)
            y = node._y
            if y is not None and y._mark is not done:
                waiting.append(y)
            node = x
            mark = node._mark
    return order, leaves


@contextmanager
def marking() -> Iterator[bool]:
    """Tell whether nodes may be marked in this block with anything: they may not while a walk has marks on some."""
    free = _marks.acquire(False)
    try:
        yield free
    finally:
        if free:
            _marks.release()


def backward(root: Any, watcher: Any) -> None:
    """Add the derivatives of `root` to the gradients of its leaves, and set those of the nodes between, or change none.

    Raises:
        RuntimeError: if a pass through some of these nodes is under way: this may be a signal handler that has
            interrupted it, or another thread.
    """
    order, leaves = toposort(root)
    before: list[Any] = []
    key = get_ident(), id(order)
    try:
        try:
            _under_way[key] = order, leaves, before
            if len(_under_way) > 1:
                check_idle(order, leaves)
            before += [leaf._grad for leaf in leaves]
            backward_pass(root, order, leaves, watcher)
        finally:
            _under_way.pop(key, None)
    except BaseException:  # an interrupt, too, must leave the gradients as they were
        _under_way.pop(key, None)  # an interrupt in the line above, too
        _undo(order, leaves, before)
        raise


def _undo(order: list[Any], leaves: list[Any], before: list[Any]) -> None:
    """Give the leaves the gradients that they had before a pass, and the other nodes none, if it had begun."""
    if before:
        for leaf, grad in zip(leaves, before, strict=True):
            leaf._grad = grad
        for node in order:
            node._grad = None


def _in_child() -> None:
    """Undo the passes of other threads, which a process that has just been forked off does not have."""
    for key in [key for key in _under_way if key[0] != get_ident()]:
        _undo(*_under_way.pop(key))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def check_idle(order: list[Any], leaves: list[Any]) -> None:
    """Raise `RuntimeError` if a backward pass is under way, other than that of `order`, which shares a node with it."""
    others = [nodes for nodes in _under_way.copy().values() if nodes[0] is not order] if _under_way else ()
    if others:
        mine = set(map(id, chain(order, leaves)))
        if any([id(node) in mine for nodes in others for node in chain(*nodes[:2])]):
            raise RuntimeError(
                "a backward pass through nodes of this graph is under way, in another thread or interrupted by this "
                "signal handler: looking at the graph is fine, but its gradients can be changed only after that pass"
            )


def backward_pass(root: Any, order: list[Any], leaves: list[Any], watcher: Any) -> None:
    """Add the derivatives of `root` to the gradients of its `leaves`, and set those of the nodes in `order`.

    Computed as here, but with a function for each row in place of its chain rule, as training spends its time here:

        def backward_pass(root, order, leaves):
            for node in order:
                node._grad = 0.0
            for leaf in leaves:
                leaf._grad = leaf.grad  # what earlier passes gave it stays
            root._grad += 1.0
            reached = {root}
            for node in reversed(order):
                if node in reached:  # else it is in a branch not taken, and hands on nothing
                    for parent, slope in zip(node.parents, node.local_derivatives()):
                        if slope or not node.op.piecewise:
                            parent._grad += node.grad * slope
                            reached.add(parent)

    `node.grad` is the upstream gradient (cotangent, adjoint), which the inner loop turns into one for each parent: the
    pullback of the node.
    """
    nothing = NOTHING
    for node in order:
        node._grad = nothing
    for leaf in leaves:
        if leaf._grad is None:
            leaf._grad = 0.0
    root._grad += 1.0  # a lone leaf accumulates too
    for node in reversed(order):
        incoming = node._grad
        if incoming is not nothing:  # else it is a dead neuron, or in the branch of a choice that was not taken
            if watcher is not None:
                watcher.handed_on(node)
            hand_on = node.op.written or written(node.op)
            hand_on(node, incoming)


def written(op: Op) -> Callable[[Any, float], None]:
    """Return the function that hands the gradient of a node of this row on to its parents, made when first used."""
    function: Callable[[Any, float], None] = op.written or _written(op)
    op.written = function  # type: ignore[assignment]  # the row begins with None
    return function


def _by_rule(node: Any, incoming: float) -> None:
    """Hand the gradient of a node on to its parents, by the rule of its row, as `Op.chain` has it."""
    op, parents = node.op, node.parents
    if op.__class__ is Op:
        slopes = op.local(*node.saved)
    else:  # it has a `chain` of its own
        incoming, slopes = 1.0, op.chain(node.saved, incoming)
    if len(slopes) != len(parents):
        raise ValueError(f"the rule of {op} gives {len(slopes)} derivatives for {len(parents)} operands")
    pairs: Any = zip(parents, slopes)  # noqa: B905  # seen above; `strict` would cost a tenth of the loop
    for parent, slope in [pair for pair in pairs if pair[1]] if op.piecewise else pairs:
        parent._grad += incoming * slope


def _gives_partners(op: Op) -> bool:
    """Return whether a row is of products, and its rule gives each operand its partner, and what is added 1."""
    v, w, x, y, _ = names = [Name(name, Lines()) for name in "vwxyb"]
    return op.products(names) is not None and op.local(None, *op.grouped(names, ())) == (x, y, v, w, 1.0)


def _of_partners(node: Any, incoming: float) -> None:
    """Do what `_by_rule` does for a dot product: each weight is given its input, and each input its weight."""
    weights, *bias = node._x
    for parent, slope in zip(weights, node._b):  # noqa: B905  # as many as there are, and `strict` would cost time
        parent._grad += incoming * slope
    for parent, slope in zip(node._y, node._a[0]):  # noqa: B905  # as above
        parent._grad += incoming * slope
    for parent in bias:
        parent._grad += incoming


def _written(op: Op) -> Callable[[Any, float], None]:
    """Return what `_by_rule` does for the nodes of this row, with the lines of its rule written out where they are few.

    For ``*``, whose rule is ``(y, x)``, this is

        def hand_on(node, incoming):
            a = node._a
            b = node._b
            x = node._x; x._grad += incoming * b
            x = node._y; x._grad += incoming * a
    """
    if _TABLE.get(op) is not op.local:
        return _by_rule  # the row or its rule is somebody's own, and may do what no line says: count its calls, say
    if _gives_partners(op):
        return _of_partners
    if op.arity not in (1, 2) or len(op.operand_names) > 2:
        return _by_rule  # its nodes have no short record
    lines = Lines()
    slopes = op.local(*[Name(name, lines) for name in ("out", "a", "b")[: 1 + len(op.operand_names)]])
    if not set(lines.rows.values()) <= _TABLE.keys():
        return _by_rule  # somebody has put a row of their own in the place of another, perhaps for a while
    adds = []
    for parent, slope in zip(("_x", "_y")[: op.arity], slopes, strict=True):
        by = slope.name if isinstance(slope, Name) else repr(slope)
        add = f"x._grad += incoming * {by}"
        if by == "1.0":  # the same number need not be computed, nor be stored twice
            add = "g = x._grad; x._grad = incoming if g is nothing and incoming else g + incoming"
        adds += [f"if {by}:" if op.piecewise else "if True:", f"    x = node.{parent}; {add}"]
    asked = set(re.findall(r"\b(?:out|a|b)\b", " ".join([*lines.code, *adds])))  # the numbers that the rule asks for
    code = [f"{name} = node._{name}" for name in sorted(asked)]
    if "out" in asked:
        code += ["if out is None: out = node._data"]
    if lines.truths:
        code += [f"if not ({' and '.join(lines.truths)}): return by_rule(node, incoming)"]
    if lines.code:
        code += ["try:", *[f"    {line}" for line in lines.code]]
        code += ["except (ValueError, ZeroDivisionError): return by_rule(node, incoming)"]  # it says what is wrong
    names: dict[str, Any] = {
        **{name: row.value for name, row in lines.rows.items()},
        "by_rule": _by_rule,
        "nothing": NOTHING,
    }
    exec("\n    ".join(["def hand_on(node, incoming):", *code, *adds]), names)  # the code is that of the rows alone
    function: Callable[[Any, float], None] = names["hand_on"]
    return function


_TABLE = {row: row.local for row in vars(ops).values() if isinstance(row, Op)}  # with the rules as they are shipped
