"""A class for each operation, and generations for the order."""

import math


class Op:
    pass


class Add(Op):
    def forward(self, a, b):
        return a + b

    def backward(self, g):
        return g, g


class Mul(Op):
    def forward(self, a, b):
        self.a, self.b = a, b
        return a * b

    def backward(self, g):
        return g * self.b, g * self.a


class Exp(Op):
    def forward(self, a):
        self.out = math.exp(a)
        return self.out

    def backward(self, g):
        return (g * self.out,)


def apply(op, *inputs):
    inputs = [i if isinstance(i, Variable) else Variable(i) for i in inputs]
    out = Variable(op.forward(*[i.data for i in inputs]))
    out.creator, out.inputs = op, inputs
    out.generation = 1 + max(i.generation for i in inputs)
    return out


class Variable:
    def __init__(self, data):
        self.data = data
        self.grad = None
        self.creator = None
        self.inputs = []
        self.generation = 0

    def __add__(self, o):
        return apply(Add(), self, o)

    def __radd__(self, o):
        return apply(Add(), o, self)

    def __mul__(self, o):
        return apply(Mul(), self, o)

    def __rmul__(self, o):
        return apply(Mul(), o, self)

    def exp(self):
        return apply(Exp(), self)

    def cleargrad(self):
        self.grad = None

    def backward(self):
        if self.grad is None:
            self.grad = 1.0
        todo, seen = [self], {self}
        while todo:
            todo.sort(key=lambda v: v.generation)
            v = todo.pop()
            if v.creator is None:
                continue
            for i, g in zip(v.inputs, v.creator.backward(v.grad), strict=True):
                i.grad = g if i.grad is None else i.grad + g
                if i not in seen:
                    seen.add(i)
                    todo.append(i)
