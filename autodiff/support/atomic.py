"""Changes of several nodes that are made all or not at all.

It knows that a node has data and a gradient (see `autodiff.engine.value.Value`), and nothing of graphs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def all_or_nothing(nodes: Iterable[Any]) -> Iterator[None]:
    """Give the nodes back the data and gradients that they had, if anything raises in the block, Ctrl-C too."""
    before = [(node, node._data, node._grad) for node in nodes]
    try:
        yield
    except BaseException:  # an interrupt, too
        for node, data, grad in before:
            node.data, node._grad = data, grad
        raise
