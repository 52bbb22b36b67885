"""Functions in place of operators, and a pass that counts the uses of each node."""

import math


class Node:
    def __init__(self, val, deps=()):
        self.val = val
        self.grad = 0
        self.deps = deps


def add(x, y):
    return Node(x.val + y.val, ((x, 1), (y, 1)))


def mul(x, y):
    return Node(x.val * y.val, ((x, y.val), (y, x.val)))


def sub(x, y):
    return Node(x.val - y.val, ((x, 1), (y, -1)))


def div(x, y):
    return Node(x.val / y.val, ((x, 1 / y.val), (y, -x.val / y.val**2)))


def neg(x):
    return Node(-x.val, ((x, -1),))


def power(x, n):
    return Node(x.val**n, ((x, n * x.val ** (n - 1)),))


def tanh(x):
    t = math.tanh(x.val)
    return Node(t, ((x, 1 - t**2),))


def relu(x):
    return Node(x.val if x.val > 0 else 0.0, ((x, 1.0 if x.val > 0 else 0.0),))


def backward(root):
    indeg = {}
    stack = [root]
    seen = {root}
    while stack:
        n = stack.pop()
        for d, _ in n.deps:
            indeg[d] = indeg.get(d, 0) + 1
            if d not in seen:
                seen.add(d)
                stack.append(d)
    root.grad = 1
    ready = [root]
    while ready:
        n = ready.pop()
        for d, w in n.deps:
            d.grad += n.grad * w
            indeg[d] -= 1
            if indeg[d] == 0:
                ready.append(d)
