"""Every path is pushed by itself: slow, and right."""


class Value:
    def __init__(self, data, edges=()):
        self.data = data
        self.grad = 0
        self.edges = edges

    def __add__(self, o):
        o = o if isinstance(o, Value) else Value(o)
        return Value(self.data + o.data, ((self, 1), (o, 1)))

    def __mul__(self, o):
        o = o if isinstance(o, Value) else Value(o)
        return Value(self.data * o.data, ((self, o.data), (o, self.data)))

    __radd__ = __add__
    __rmul__ = __mul__

    def backward(self, g=1):
        self.grad += g
        for child, w in self.edges:
            child.backward(g * w)
