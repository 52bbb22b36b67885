"""The lesson on one's own engine: it passes as it is shipped; each of the known mistakes is found in it and named."""

import json
from pathlib import Path

import pytest

from autodiff import check_engine
from autodiff.grading.table import WRITTEN

LESSON = Path(__file__).parents[2] / "notebooks" / "11-write-your-own-value.ipynb"
CELLS = ["".join(cell["source"]) for cell in json.loads(LESSON.read_text(encoding="utf-8"))["cells"]]
GROWING = [
    cell.partition("\n\n\ncheck_engine")[0].partition("\n\n\nreport")[0] for cell in CELLS if "class Value" in cell
]
SOURCE = "import math\n\n\n" + "\n\n\n".join(GROWING)

SUM = "            self.grad += out.grad\n            other.grad += out.grad\n"
PRODUCT = "            self.grad += other.data * out.grad\n            other.grad += self.data * out.grad\n"
POWER = "self.grad += n * self.data ** (n - 1) * out.grad"
TANH = "self.grad += (1 - t * t) * out.grad"
LOOP = "        for node in reversed(order):\n            node.rule()"
PASS = SOURCE[SOURCE.index("        order = {}") : SOURCE.index(LOOP) + len(LOOP)]
VISIT = "            for operand in node.operands:\n                if"
IN_PLACE = "    def __iadd__(self, other):\n        self.data += value(other).data\n        return self\n\n"
QUEUE = """        self.grad, waiting, met = 1.0, [self], []
        while waiting:
            node = waiting.pop(0)
            if node not in met:
                met.append(node)
                node.rule()
                waiting += node.operands"""
PATHS = """        self.grad = 1.0

        def go(node):
            node.rule()
            for operand in node.operands:
                go(operand)

        go(self)"""
EQUAL = """
    def __eq__(self, other):
        return self.data == other.data

    def __hash__(self):
        return hash(self.data)
"""
BROKEN = {  # what is written: the mistake, what is replaced
    "a sum overwrites": ("overwrites a gradient", {SUM: SUM.replace("+=", "=")}),
    "a product overwrites": ("overwrites a gradient", {PRODUCT: PRODUCT.replace("+=", "=")}),
    "tanh overwrites": ("overwrites a gradient", {TANH: TANH.replace("+=", "=")}),
    "product and power overwrite": (
        "overwrites a gradient",
        {PRODUCT: PRODUCT.replace("+=", "="), POWER: POWER.replace("+=", "=")},
    ),
    "a sum keeps what is there": (
        "keeps the first contribution",
        {
            SUM: SUM.replace("self.grad += ", "self.grad = self.grad or ").replace(
                "other.grad += ", "other.grad = other.grad or "
            )
        },
    ),
    "other.grad for other.data": ("gradient in place of data", {"other.data * out.grad": "other.grad * out.grad"}),
    "self.grad for self.data": ("gradient in place of data", {"+= self.data * out.grad": "+= self.grad * out.grad"}),
    "grad for data twice": (
        "gradient in place of data",
        {PRODUCT: PRODUCT.replace("other.data", "other.grad").replace("self.data", "self.grad")},
    ),
    "out.data for out.grad": ("data in place of gradient", {TANH: TANH.replace("out.grad", "out.data")}),
    "no incoming gradient": ("incoming gradient dropped", {TANH: "self.grad += 1 - t * t"}),
    "incoming gradient added": ("sum in place of product", {TANH: "self.grad += (1 - t * t) + out.grad"}),
    "a product forgets the second": ("second operand detached", {PRODUCT: PRODUCT.splitlines(True)[0]}),
    "a product forgets the first": ("first operand detached", {PRODUCT: PRODUCT.splitlines(True)[1]}),
    "a numerator is a number": (
        "first operand detached",
        {"return self * other**-1": "return value(other) ** -1 * self.data"},
    ),
    "an exponent is a number": (
        "second operand detached",
        {
            "Value(self.data**n, (self,))": "Value(self.data ** (n := value(n).data), (self,))",
            "def __pow__(self, n)": "def __pow__(self, n)",
        },
    ),
    "a set of operands": (
        "set of operands",
        {SUM: "            for node in {self, other}:\n                node.grad += out.grad\n"},
    ),
    "the sweep in the inner function": (
        "sweep never runs",
        {
            LOOP: "\n        def sweep():\n"
            + LOOP.replace("        ", "            ", 1).replace("            node.", "                node.")
        },
    ),
    "tanh has no rule": (
        "no rule",
        {TANH: TANH, "        out = Value(t, (self,))\n": "        return Value(t, (self,))\n"},
    ),
    "a product adds to self twice": (
        "contribution to the wrong operand",
        {PRODUCT: PRODUCT.replace("other.grad +=", "self.grad +=")},
    ),
    "a product remembers one operand": (
        "operand not visited",
        {"self.data * other.data, (self, other)": "self.data * other.data, (self,)"},
    ),
    "tanh remembers no operand": ("operand not visited", {"Value(t, (self,))": "Value(t)"}),
    "factors swapped": (
        "factors of a product swapped",
        {PRODUCT: PRODUCT.replace("other.data", "x").replace("self.data", "other.data").replace("x *", "self.data *")},
    ),
    "a product is a sum": ("product taken as a sum", {PRODUCT: SUM}),
    "n x**n": ("exponent not lowered", {"self.data ** (n - 1)": "self.data**n"}),
    "x**(n - 1)": ("factor n forgotten", {"n * self.data ** (n - 1)": "self.data ** (n - 1)"}),
    "n x": ("power taken as a product", {"n * self.data ** (n - 1)": "n * self.data"}),
    "(n - 1) x**(n - 1)": ("factor n - 1", {"n * self.data ** (n - 1)": "(n - 1) * self.data ** (n - 1)"}),
    "tanh for its derivative": ("value in place of derivative", {TANH: "self.grad += t * out.grad"}),
    "tanh hands all on": ("derivative forgotten", {TANH: "self.grad += out.grad"}),
    "1 - x**2": ("input in place of output", {TANH: "self.grad += (1 - self.data**2) * out.grad"}),
    "sigmoid's rule": ("rule of another function", {TANH: "self.grad += t * (1 - t) * out.grad"}),
    "1 - t": ("tanh' = 1 - tanh", {TANH: "self.grad += (1 - t) * out.grad"}),
    "-(1 - t**2)": ("sign", {TANH: "self.grad -= (1 - t * t) * out.grad"}),
    "2 - a is a - 2": ("reflected operator in the wrong order", {"return other + -self": "return self + -other"}),
    "no seed": ("seed missing", {"        self.grad = 1.0\n": ""}),
    "the seed is the loss": ("seed is the output", {"self.grad = 1.0": "self.grad = self.data"}),
    "the list not reversed": ("only the output hands on", {"reversed(order)": "order"}),
    "two levels": (
        "only the output and its operands hand on",
        {LOOP: LOOP.replace("reversed(order)", "dict.fromkeys((self, *self.operands))")},
    ),
    "a queue": ("not in topological order", {PASS: QUEUE}),
    "each node before its operands": (
        "not in topological order",
        {
            "            order[node] = True\n": "",
            VISIT: "            order[node] = True\n" + VISIT,
            "reversed(order)": "order",
        },
    ),
    "nodes are equal by number": ("nodes told apart by their numbers", {"lambda: None\n": "lambda: None\n" + EQUAL}),
    "every path": ("counts a shared node once per path", {PASS: PATHS}),
    "tanh answers a number": ("answers a plain number", {"        out = Value(t, (self,))\n": "        return t\n"}),
    "the rule is called backward": (
        "hook under another name",
        {TANH + "\n\n        out.rule": TANH + "\n\n        out.backward"},
    ),
    "the list is a default": (
        "remembers earlier graphs",
        {"def backward(self):\n        order = {}": "def backward(self, order={}):\n        order = order"},
    ),
    "tanh of twice x": ("another value", {"math.tanh(self.data)": "math.tanh(2 * self.data)"}),
    "a name is misspelt": ("the backward pass raises", {TANH: TANH.replace("t * t", "t * tt")}),
    "+= changes the node": (
        "changes a node in place",
        {"    def __neg__": IN_PLACE + "    def __neg__"},
    ),
}
ELSEWHERE = {  # rows for rules that the lesson's class does not have
    *(
        "no minus on the second operand",
        "no minus on the denominator",
        "quotient: 1/y for both",
        "denominator not squared",
    ),
    *("output in place of input", "power rule on exp"),
}


def engine(pieces):
    text = SOURCE
    for old, new in pieces.items():
        assert old in text, old
        text = text.replace(old, new)
    held = {"__name__": "lesson"}
    exec(compile(text, "lesson.py", "exec"), held)
    return held["Value"]


def test_the_class_of_the_lesson_passes_as_it_is_shipped():
    report = check_engine(engine({}))
    assert report.ok
    assert {line.name for line in report.remarks} == {"backward() twice", "a chain of 10,000"}


def test_it_has_forty_lines():
    lines = [line for cell in GROWING[:3] + GROWING[-4:-2] for line in cell.splitlines() if line.strip()]
    assert [
        name for name in ("__add__", "backward", "__mul__", "__pow__") if f"def {name}" not in "\n".join(lines)
    ] == []
    assert 35 <= len([line for line in lines if line != "class Value(Value):"]) <= 40


@pytest.mark.parametrize("name", BROKEN)
def test_a_mistake_in_the_lesson_is_found_and_named(name):
    fault, pieces = BROKEN[name]
    report = check_engine(engine(pieces))
    assert not report.ok
    assert fault == report.fault.name


def test_the_mistakes_are_all_those_of_the_table_that_such_a_class_can_have():
    assert {fault.name for fault in WRITTEN} - {fault for fault, _ in BROKEN.values()} == ELSEWHERE
