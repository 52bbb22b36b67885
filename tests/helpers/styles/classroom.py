"""The shape that courses hand out: slots, and a rule that is None in leaves."""

import math


class Value:
    __slots__ = ("_backfn", "_prev", "data", "grad")

    def __init__(self, data, prev=()):
        self.data = data
        self.grad = 0
        self._prev = prev
        self._backfn = None

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        r = Value(self.data + other.data, (self, other))

        def fn():
            self.grad += r.grad
            other.grad += r.grad

        r._backfn = fn
        return r

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        r = Value(self.data * other.data, (self, other))

        def fn():
            self.grad += other.data * r.grad
            other.grad += self.data * r.grad

        r._backfn = fn
        return r

    def __pow__(self, k):
        assert isinstance(k, (int, float))
        r = Value(self.data**k, (self,))

        def fn():
            self.grad += k * self.data ** (k - 1) * r.grad

        r._backfn = fn
        return r

    def relu(self):
        r = Value((self.data > 0) * self.data, (self,))

        def fn():
            self.grad += (r.data > 0) * r.grad

        r._backfn = fn
        return r

    def tanh(self):
        r = Value(math.tanh(self.data), (self,))

        def fn():
            self.grad += (1 - r.data**2) * r.grad

        r._backfn = fn
        return r

    def exp(self):
        r = Value(math.exp(self.data), (self,))

        def fn():
            self.grad += r.data * r.grad

        r._backfn = fn
        return r

    def log(self):
        r = Value(math.log(self.data), (self,))

        def fn():
            self.grad += 1 / self.data * r.grad

        r._backfn = fn
        return r

    def __neg__(self):
        return self * -1

    def __radd__(self, o):
        return self + o

    def __sub__(self, o):
        return self + (-o)

    def __rsub__(self, o):
        return o + (-self)

    def __rmul__(self, o):
        return self * o

    def __truediv__(self, o):
        return self * o**-1

    def __rtruediv__(self, o):
        return o * self**-1

    def backward(self):
        topo, seen = [], set()

        def build(v):
            if v not in seen:
                seen.add(v)
                for c in v._prev:
                    build(c)
                topo.append(v)

        build(self)
        self.grad = 1
        for v in reversed(topo):
            if v._backfn:
                v._backfn()
