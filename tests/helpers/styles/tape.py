"""A tape in the module that the pass empties; slots; operators hung on the class afterwards."""

import math

_TAPE = []


class Var:
    __slots__ = ("g", "slot", "v")

    def __init__(self, v):
        self.v = float(v)
        self.g = 0.0


def _record(out, *pairs):
    _TAPE.append((out, pairs))
    return out


def _wrap(x):
    return x if isinstance(x, Var) else Var(x)


def add(a, b):
    a, b = _wrap(a), _wrap(b)
    return _record(Var(a.v + b.v), (a, 1.0), (b, 1.0))


def mul(a, b):
    a, b = _wrap(a), _wrap(b)
    return _record(Var(a.v * b.v), (a, b.v), (b, a.v))


def exp(a):
    e = math.exp(a.v)
    return _record(Var(e), (a, e))


Var.__add__ = add
Var.__mul__ = mul
Var.__radd__ = lambda s, o: add(o, s)
Var.__rmul__ = lambda s, o: mul(o, s)
Var.__sub__ = lambda s, o: s + (-1) * _wrap(o)
Var.__rsub__ = lambda s, o: _wrap(o) - s


def backward(out):
    out.g = 1.0
    for node, pairs in reversed(_TAPE):
        for p, d in pairs:
            p.g += d * node.g
    _TAPE.clear()
