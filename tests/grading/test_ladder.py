"""What small programs do not show: each mistake of the ladder is found in an engine that has it, and named."""

from functools import cache

import pytest
from helpers.engines import SWEEP, made

from autodiff import check_engine

PARENTS = "        self.parents = parents\n"
RADD = "    def __radd__"
DEFAULTS = {"(self):\n        order, seen = [], set()": "(self, order=[], seen=set()):\n        pass"}
IN_PLACE = {RADD: "    def __iadd__(self, other):\n        self.data += other.data\n        return self\n\n" + RADD}
DETACHED_IN_PLACE = {
    RADD: "    def __iadd__(self, other):\n        return Value(self.data + other.data, (self,))\n\n" + RADD
}
SUM_OF_A_SET = {
    "class Value:": "def sum(terms):\n    total = Value(0)\n    for term in dict.fromkeys(terms):\n"
    "        total = total + term\n    return total\n\nclass Value:"
}
MEAN = """def mean(terms):
    out = Value(sum(term.data for term in terms) / len(terms), tuple(terms))
    def rule():
        for term in terms:
            term.grad += out.grad
    out._backward = rule
    return out

class Value:"""
NEAREST_FIRST = """        level, order = {id(self): 0}, [self]
        for node in order:
            for parent in node.parents:
                if id(parent) not in level:
                    level[id(parent)] = level[id(node)] + 1
                    order.append(parent)
        self.grad = 1.0
        for node in sorted(order, key=lambda node: level[id(node)]):
            node._backward()
"""
SORTS = """        self.grad, waiting, met = 1.0, [self], {self}
        while waiting:
            waiting.sort(key=lambda node: node.age)
            node = waiting.pop()
            node._backward()
            for parent in node.parents:
                if parent not in met:
                    met.add(parent)
                    waiting.append(parent)
        [sorted(met, key=lambda node: node.age) for node in met]
"""
AGE = {PARENTS: f"{PARENTS}        self.age = 1 + max([p.age for p in parents], default=0)\n"}
MARKS = {
    PARENTS: f"{PARENTS}        self.seen = False\n",
    "if node not in seen:\n                seen.add(node)": "if not node.seen:\n                node.seen = True",
}
RESETS = {
    "        self.grad = 1.0\n": "        for node in order:\n            node.grad = 0.0\n        self.grad = 1.0\n"
}
WRONG = {  # the step of the lesson that is wrong, the mistake, how it is planted
    "+= changes the node": ("in-place +=", "changes a node in place", IN_PLACE),
    "+= forgets its operand": ("in-place +=", "changes a node in place", DETACHED_IN_PLACE),
    "a sum of a set": ("sums of lists", "terms of a list lost", SUM_OF_A_SET),
    "a mean without 1/n": ("means of lists", "1/n of the mean missing", {"class Value:": MEAN}),
    "a mean that loses a term": (
        *("means of lists", "terms of a list lost"),
        {"class Value:": MEAN.replace("in terms:", "in terms[1:]:").replace("+= out.grad", "+= out.grad / len(terms)")},
    ),
    "only a hundred nodes": ("a wide sum", "the pass ends early", {"reversed(order)": "order[:-101:-1]"}),
    "the list is a default argument": (
        *("zeroing", "remembers earlier graphs"),
        DEFAULTS,
    ),
    "relu's slope at 0 is -1": (
        "kinks",
        "slope at a kink",
        {"(self.data > 0) *": "((self.data > 0) - (self.data == 0)) *"},
    ),
    "levels by the shortest way": (
        *("the order of the pass", "not in topological order"),
        {**AGE, "        order, seen = [], set()\n": "", SWEEP: NEAREST_FIRST},
    ),
}
REMARKS = {  # the step that is remarked on, the mistake, how it is planted
    "marks on the nodes": ("backward() twice", "marks kept between passes", MARKS),
    "inner gradients kept": ("backward() twice", "inner gradients kept between passes", {}),
    "every pass starts from 0": ("a leaf of two losses", "gradients of earlier losses dropped", RESETS),
    "recursion": ("a chain of 10,000", "recursion", {}),
    "e**1000": ("large arguments", "overflow", {}),
    "sorts for each node": (
        *("a chain of 10,000", "time grows faster than the graph"),
        {**AGE, SWEEP: SORTS},
    ),
}


@cache
def report_of(name):
    return check_engine(made((WRONG | REMARKS)[name][2]))


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_that_the_ladder_finds_is_named(name):
    step, fault, _ = WRONG[name]
    report = report_of(name)
    assert not report.ok
    assert report.fault.name == fault
    assert {line.name: line.status for line in report.rubric}[step] == "wrong"
    assert report.found != report.expected
    assert report.program


@pytest.mark.parametrize("name", REMARKS)
def test_a_remark_is_named_and_no_number_is_wrong(name):
    step, fault, _ = REMARKS[name]
    report = report_of(name)
    assert report.ok
    assert report.fault is None
    assert {line.name: line.fault for line in report.remarks}[step] == fault
    assert f"Remark, {step}: {fault}: " in str(report)


def test_the_method_to_look_at_is_that_of_the_operator():
    assert report_of("+= changes the node").place.startswith("Value.__iadd__ (engine.py, line ")
