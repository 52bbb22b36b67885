"""A dataclass whose nodes pull gradients; an order without recursion; the pass adds its seed."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(eq=False)
class Scalar:
    value: float
    gradient: float = 0.0
    inputs: tuple = ()
    pull: Callable = field(default=lambda g: (), repr=False)

    def __add__(self, other):
        if not isinstance(other, Scalar):
            other = Scalar(other)
        return Scalar(self.value + other.value, 0.0, (self, other), lambda g: (g, g))

    def __mul__(self, other):
        if not isinstance(other, Scalar):
            other = Scalar(other)
        return Scalar(self.value * other.value, 0.0, (self, other), lambda g: (g * other.value, g * self.value))

    def __pow__(self, k: float):
        return Scalar(self.value**k, 0.0, (self,), lambda g: (g * k * self.value ** (k - 1),))

    def __radd__(self, o):
        return self + o

    def __rmul__(self, o):
        return self * o

    def __neg__(self):
        return self * -1.0

    def __sub__(self, o):
        return self + -1 * o

    def __rsub__(self, o):
        return -self + o

    def __truediv__(self, o):
        return self * o**-1

    def __rtruediv__(self, o):
        return self**-1 * o

    def log(self):
        return Scalar(math.log(self.value), 0.0, (self,), lambda g: (g / self.value,))

    def backpropagate(self):
        topo = []
        stack = [(self, False)]
        ids = set()
        while stack:
            node, ready = stack.pop()
            if ready:
                topo.append(node)
                continue
            if id(node) in ids:
                continue
            ids.add(id(node))
            stack.append((node, True))
            stack.extend((i, False) for i in node.inputs)
        self.gradient += 1
        for node in reversed(topo):
            for i, g in zip(node.inputs, node.pull(node.gradient), strict=True):
                i.gradient += g
