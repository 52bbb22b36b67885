"""Edges with their local derivatives; a derivative that is None before the pass; every pass starts from 0."""

import math


class Number:
    def __init__(self, number, children=None, name=None):
        self.number = number
        self.derivative = None
        self.children = children or []
        self.name = name

    def _lift(x):
        return x if isinstance(x, Number) else Number(x)

    def __add__(self, o):
        o = Number._lift(o)
        return Number(self.number + o.number, [(self, 1), (o, 1)])

    __radd__ = __add__

    def __mul__(self, o):
        o = Number._lift(o)
        return Number(self.number * o.number, [(self, o.number), (o, self.number)])

    __rmul__ = __mul__

    def __sub__(self, o):
        o = Number._lift(o)
        return Number(self.number - o.number, [(self, 1), (o, -1)])

    def __rsub__(self, o):
        return Number._lift(o) - self

    def __truediv__(self, o):
        o = Number._lift(o)
        return Number(self.number / o.number, [(self, 1 / o.number), (o, -self.number / o.number**2)])

    def __rtruediv__(self, o):
        return Number._lift(o) / self

    def __neg__(self):
        return Number(-self.number, [(self, -1)])

    def sin(self):
        return Number(math.sin(self.number), [(self, math.cos(self.number))])

    def backprop(self, seed=1.0):
        order = []
        seen = set()

        def go(n):
            if id(n) in seen:
                return
            seen.add(id(n))
            for c, _ in n.children:
                go(c)
            order.append(n)

        go(self)
        for n in order:
            n.derivative = 0.0
        self.derivative = seed
        for n in order[::-1]:
            for c, w in n.children:
                c.derivative += w * n.derivative
