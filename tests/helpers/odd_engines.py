"""Engines of other styles than the textbook's, in words of our own: the files of `styles`, right or with a mistake."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from autodiff.grading.course.submission import engine_in

FOLDER = Path(__file__).parent / "styles"
RIGHT = tuple(sorted([path.stem for path in FOLDER.glob("*.py")]))
# A style, the mistake, what is replaced by what.
WRONG = {
    **{
        f"one operand alone: {slip}": ("arrays", name, {right: wrong})
        for slip, name, right, wrong in (
            (
                "no incoming",
                "incoming gradient dropped",
                "self.grad += out.grad * other.data",
                "self.grad += other.data",
            ),
            ("overwrites", "overwrites a gradient", "other.grad += out.grad * self", "other.grad = out.grad * self"),
            ("a minus", "sign", "self.grad += out.grad * other.data", "self.grad -= out.grad * other.data"),
            ("its own number", "factors of a product swapped", "out.grad * self.data", "out.grad * other.data"),
            ("a sum", "sum in place of product", "out.grad * other.data", "out.grad + other.data"),
            ("the output", "data in place of gradient", "other.grad += out.grad\n", "other.grad += out.data\n"),
        )
    },
    "1 - s alone": ("arrays", "first part of the rule left out", {"s * (1 - s)": "(1 - s)"}),
    "1 + s": ("arrays", "sign inside the rule turned", {"s * (1 - s)": "s * (1 + s)"}),
    "a bracket forgotten": ("arrays", "wrong gradient", {"s * (1 - s) * out.grad": "s - s * s * out.grad"}),
    "2 * a is no node of a": ("arrays", "no rule", {"return self * o\n": "return Tensor(self.data * o)\n"}),
    "a difference without a minus": ("edges", "no minus on the second operand", {"(o, -1)]": "(o, 1)]"}),
    "a denominator that is not squared": ("edges", "denominator not squared", {"o.number**2": "o.number"}),
    "sin for cos": ("edges", "value in place of derivative", {"math.cos": "math.sin"}),
    "edges overwrite": ("edges", "overwrites a gradient", {"c.derivative += w": "c.derivative = w"}),
    "the order of creation": ("edges", "only the output hands on", {"order[::-1]": "order"}),
    "2 - a is a - 2": (
        "data_class",
        "reflected operator in the wrong order",
        {"return -self + o": "return self + -1 * o"},
    ),
    "k forgotten": ("data_class", "factor n forgotten", {"g * k * self": "g * self"}),
    "nodes equal by number": (
        "data_class",
        "nodes told apart by their numbers",
        {
            "@dataclass(eq=False)": "@dataclass",
            "repr=False": "compare=False",
            "ids = set()": "ids = []",
            "if id(node) in ids": "if node in ids",
            "ids.add(id(node))": "ids.append(node)",
        },
    ),
    "the log of the log": ("data_class", "output in place of input", {"g / self.value": "g / math.log(self.value)"}),
    "the seed is the output": (
        "data_class",
        "seed is the output",
        {"self.gradient += 1": "self.gradient += self.value"},
    ),
    "the tape forward": ("tape", "only the output hands on", {"reversed(_TAPE)": "list(_TAPE)"}),
    "the tape's factors swapped": (
        "tape",
        "factors of a product swapped",
        {"(a, b.v), (b, a.v)": "(a, a.v), (b, b.v)"},
    ),
    "exp is given z": ("tape", "input in place of output", {"(a, e))": "(a, a.v))"}),
    "a function with 1 - t": ("functions", "tanh' = 1 - tanh", {"1 - t**2": "1 - t"}),
    "a function hands on its value": (
        "functions",
        "value in place of derivative",
        {"1.0 if x.val > 0 else 0.0": "x.val if x.val > 0 else 0.0"},
    ),
    "a function detaches": ("functions", "second operand detached", {"((x, y.val), (y, x.val))": "((x, y.val),)"}),
    "ready too early": (
        "functions",
        "not in topological order",
        {"if indeg[d] == 0": "if indeg[d] >= 0 and d not in ready"},
    ),
    "incoming is added": ("functions", "sum in place of product", {"n.grad * w": "n.grad + w"}),
    "each one in the set": (
        "arrays",
        "set of operands",
        {
            "            self.grad += out.grad\n": "            for n in out._prev:\n",
            "            other.grad += out.grad\n": "                n.grad = n.grad + out.grad\n",
        },
    ),
    "sigmoid in its input": ("arrays", "input in place of output", {"s * (1 - s)": "self.data * (1 - self.data)"}),
    "sigmoid answers an array": (
        "arrays",
        "answers a plain number",
        {'out = Tensor(s, (self,), "sigmoid")': "return s"},
    ),
    "each use again": (
        "operations",
        "counts a shared node once per path",
        {"if i not in seen:": "if seen:"},
    ),
    "the first that came": ("operations", "keeps the first contribution", {"else i.grad + g": "else i.grad"}),
    "a seed of nothing": ("operations", "seed missing", {"self.grad = 1.0": "self.grad = 0.0"}),
    "self for other": ("private", "contribution to the wrong operand", {"(other, lambda g, x": "(self, lambda g, x"}),
    "the whole gradient on each path": (
        "paths",
        "counts a shared node once per path",
        {"child.backward(g * w)": "child.backward(self.grad * w)"},
    ),
    "the first kid alone": ("kinds", "second operand detached", {"for k in self.kids:\n": "for k in self.kids[:1]:\n"}),
    "no incoming gradient": (
        "kinds",
        "incoming gradient dropped",
        {"b.value * self.partial": "b.value", "a.value * self.partial": "a.value"},
    ),
    "a list for all passes": (
        "classroom",
        "remembers earlier graphs",
        {"(self):\n        topo, seen = [], set()": "(self, topo=[], seen=set()):\n        pass"},
    ),
    "the power not lowered": ("classroom", "exponent not lowered", {"self.data ** (k - 1)": "self.data**k"}),
    "relu leaks": ("classroom", "derivative forgotten", {"(r.data > 0) * r.grad": "r.grad"}),
    "log's sign": ("classroom", "sign", {"1 / self.data": "-1 / self.data"}),
    "data for the gradient": ("classroom", "data in place of gradient", {"**2) * r.grad": "**2) * r.data"}),
    "a - b is a + b": ("classroom", "another value", {"return self + (-o)": "return self + o"}),
}


def text_of(name: str) -> str:
    """Return the source of a right engine by its style, or of a wrong one by its name."""
    style, _, pieces = WRONG.get(name, (name, "", {}))
    text = (FOLDER / f"{style}.py").read_text(encoding="utf-8")
    for old, new in pieces.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def class_of(name: str) -> Any:
    """Return the class of a right engine by its style, or of a wrong one by its name."""
    module = ModuleType(f"odd {name}")
    sys.modules[module.__name__] = module  # where dataclasses look
    exec(compile(text_of(name), f"{name}.py", "exec"), vars(module))
    return engine_in(module)
