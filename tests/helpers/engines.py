"""Engines as learners write them, each with one mistake that was found in the wild, in words of our own.

A good engine first; a mistake replaces a piece of it.
"""

GOOD = """
import math

class Value:
    def __init__(self, data, parents=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self._backward = lambda: None

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))
        def rule():
            self.grad += out.grad
            other.grad += out.grad
        out._backward = rule
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))
        def rule():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad
        out._backward = rule
        return out

    def __pow__(self, n):
        if isinstance(n, Value):
            raise NotImplementedError("only numbers")
        out = Value(self.data ** n, (self,))
        def rule():
            self.grad += n * self.data ** (n - 1) * out.grad
        out._backward = rule
        return out

    def tanh(self):
        t = math.tanh(self.data)
        out = Value(t, (self,))
        def rule():
            self.grad += (1 - t * t) * out.grad
        out._backward = rule
        return out

    def exp(self):
        out = Value(math.exp(self.data), (self,))
        def rule():
            self.grad += out.data * out.grad
        out._backward = rule
        return out

    def relu(self):
        out = Value(max(0.0, self.data), (self,))
        def rule():
            self.grad += (self.data > 0) * out.grad
        out._backward = rule
        return out

    def sigmoid(self):
        s = 1 / (1 + math.exp(-self.data))
        out = Value(s, (self,))
        def rule():
            self.grad += s * (1 - s) * out.grad
        out._backward = rule
        return out

    def __neg__(self):
        return self * -1

    def __radd__(self, other):
        return self + other

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return other + (-self)

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        return self * other ** -1

    def __rtruediv__(self, other):
        return other * self ** -1

    def backward(self):
        order, seen = [], set()
        def visit(node):
            if node not in seen:
                seen.add(node)
                for parent in node.parents:
                    visit(parent)
                order.append(node)
        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            node._backward()
"""
TANH = "self.grad += (1 - t * t) * out.grad"
PRODUCT = "            self.grad += other.data * out.grad\n            other.grad += self.data * out.grad\n"
SWEEP = (
    "        visit(self)\n        self.grad = 1.0\n        for node in reversed(order):\n            node._backward()\n"
)
# The nine of the wild: name, smallest wrong program, its size, the fault, what is replaced.
WILD = {
    "tanh overwrites": ("a + a.tanh()", 2, "overwrites a gradient", {TANH: TANH.replace("+=", "=")}),
    "product, power and exp overwrite": (
        *("a * a", 1, "overwrites a gradient"),
        {
            PRODUCT: PRODUCT.replace("+=", "="),
            "self.grad += n *": "self.grad = n *",
            "self.grad += out.data": "self.grad = out.data",
        },
    ),
    "gradient for data on one side": (
        *("a * a", 1, "gradient in place of data"),
        {PRODUCT: PRODUCT.replace("other.data", "other.grad")},
    ),
    "gradient for data on both sides": (
        *("a * a", 1, "gradient in place of data"),
        {
            PRODUCT: PRODUCT.replace("other.data", "other.grad").replace("self.data", "self.grad"),
            "self.grad += n": "self.grad = n",
        },
    ),
    "relu is hung on backward": (
        *("a.relu()", 1, "hook under another name"),
        {
            "(self.data > 0) * out.grad\n        out._backward = rule": "(self.data > 0) * out.grad\n        out.backward = rule"
        },
    ),
    "the numerator of a quotient is a number": (
        *("a / a", 1, "first operand detached"),
        {"return self * other ** -1": "return other ** -1 * self.data"},
    ),
    "sigmoid answers a number": (
        "a + a.sigmoid()",
        2,
        "answers a plain number",
        {"out = Value(s, (self,))": "return s"},
    ),
    "2 - a is a - 2": (
        "2 - a",
        1,
        "reflected operator in the wrong order",
        {"return other + (-self)": "return self - other"},
    ),
    "the exponent is detached": (
        *("a ** a", 1, "second operand detached"),
        {'            raise NotImplementedError("only numbers")\n': "            n = n.data\n"},
    ),
    "no order, and no rule for +": (
        *("a + a", 1, "no rule"),
        {
            "            other.grad += out.grad\n        out._backward = rule": "            other.grad += out.grad",
            SWEEP: "        self.grad = 1.0\n        self._backward()\n        for node in self.parents:\n            node._backward()\n",
        },
    ),
    "the sweep stands inside the inner function": (
        *("a + a", 1, "sweep never runs"),
        {
            SWEEP: SWEEP.replace("        ", "            ")
            .replace("visit(self)", "pass", 1)
            .replace("for node in", "for node in ()  and")
        },
    ),
}
# Others that courses know.
CLASSIC = {
    "seed missing": ("a + a", 1, "seed missing", {"        self.grad = 1.0\n": ""}),
    "the order is not reversed": ("a - a", 1, "only the output hands on", {"reversed(order)": "order"}),
    "a set of operands": (
        "a + a",
        1,
        "set of operands",
        {
            "            self.grad += out.grad\n            other.grad += out.grad\n": "            for node in {self, other}:\n                node.grad += out.grad\n"
        },
    ),
    "no chain rule in tanh": ("a.tanh()", 1, "derivative forgotten", {TANH: "self.grad += out.grad"}),
    "tanh in its input": (
        "a.tanh()",
        1,
        "input in place of output",
        {TANH: "self.grad += (1 - self.data ** 2) * out.grad"},
    ),
    "incoming gradient dropped": (
        "a.tanh() + a.tanh()",
        2,
        "incoming gradient dropped",
        {TANH: "self.grad += 1 - t * t"},
    ),
    "factors swapped": (
        "a * b",
        1,
        "factors of a product swapped",
        {PRODUCT: "            self.grad += self.data * out.grad\n            other.grad += other.data * out.grad\n"},
    ),
    "exponent not lowered": ("a / a", 1, "exponent not lowered", {"self.data ** (n - 1)": "self.data ** n"}),
    "power rule on exp": (
        "a.exp()",
        1,
        "power rule on exp",
        {"self.grad += out.data * out.grad": "self.grad += self.data * math.exp(self.data - 1) * out.grad"},
    ),
    "relu hands on everything": (
        "(a + b).relu()",
        2,
        "derivative forgotten",
        {"(self.data > 0) * out.grad": "out.grad"},
    ),
    "gradients in a dictionary of the class": (
        "a + b",
        1,
        "remembers earlier graphs",
        {
            "class Value:\n": "class Value:\n    grads = {}\n    grad = property(lambda v: v.grads.get(v.data, 0.0), lambda v, g: v.grads.update({v.data: g}))\n",
            "        self.grad = 0.0\n": "",
        },
    ),
    "nodes are equal by their numbers": (
        "(a / a) + (a / a)",
        2,
        "nodes told apart by their numbers",
        {
            "class Value:\n": "class Value:\n    __eq__ = lambda v, w: v.data == w.data\n    __hash__ = lambda v: hash(v.data)\n",
        },
    ),
    "recursion over paths": (
        "(a + a) + (a + a)",
        2,
        "counts a shared node once per path",
        {
            SWEEP: "        self.grad = 1.0\n        def go(node):\n            node._backward()\n            for parent in node.parents:\n                go(parent)\n        go(self)\n"
        },
    ),
    "tanh has another value": (
        "a.tanh()",
        1,
        "another value",
        {"t = math.tanh(self.data)": "t = math.tanh(2 * self.data)"},
    ),
    "tanh forgets its operand": (
        "(a + a).tanh()",
        2,
        "operand not visited",
        {"out = Value(t, (self,))": "out = Value(t)"},
    ),
    "breadth first": (
        "(a + a) - (a + a)",
        2,
        "not in topological order",
        {
            SWEEP: "        self.grad = 1.0\n        waiting, met = [self], []\n        while waiting:\n            node = waiting.pop(0)\n            if node in met:\n                continue\n            met.append(node)\n            node._backward()\n            waiting += node.parents\n"
        },
    ),
}


def source(pieces=None):
    """Return the text of the good engine with pieces replaced."""
    text = GOOD
    for old, new in (pieces or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def made(pieces=None, name="Value"):
    """Return the class of the good engine with pieces replaced."""
    held = {"__name__": "engine"}
    exec(compile(source(pieces), "engine.py", "exec"), held)
    return held[name]
