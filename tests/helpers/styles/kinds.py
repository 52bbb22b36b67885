"""A class for each kind of node, and an order by a generator."""

import math


class Expr:
    def __init__(self):
        self.partial = 0.0

    def __add__(self, o):
        return Sum(self, lift(o))

    def __radd__(self, o):
        return Sum(lift(o), self)

    def __mul__(self, o):
        return Prod(self, lift(o))

    def __rmul__(self, o):
        return Prod(lift(o), self)

    def tanh(self):
        return Tanh(self)

    def backward(self):
        order = list(topo(self, set()))
        for n in order:
            n.partial = 0.0
        self.partial = 1.0
        for n in reversed(order):
            n.push()

    def push(self):
        pass

    kids = ()


class Value(Expr):
    def __init__(self, value):
        super().__init__()
        self.value = value


class Sum(Expr):
    def __init__(self, a, b):
        super().__init__()
        self.kids = (a, b)
        self.value = a.value + b.value

    def push(self):
        for k in self.kids:
            k.partial += self.partial


class Prod(Expr):
    def __init__(self, a, b):
        super().__init__()
        self.kids = (a, b)
        self.value = a.value * b.value

    def push(self):
        a, b = self.kids
        a.partial += b.value * self.partial
        b.partial += a.value * self.partial


class Tanh(Expr):
    def __init__(self, a):
        super().__init__()
        self.kids = (a,)
        self.value = math.tanh(a.value)

    def push(self):
        self.kids[0].partial += self.partial * (1 - self.value**2)


def lift(x):
    return x if isinstance(x, Expr) else Value(x)


def topo(n, seen):
    if id(n) in seen:
        return
    seen.add(id(n))
    for k in n.kids:
        yield from topo(k, seen)
    yield n
