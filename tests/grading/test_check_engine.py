"""`check_engine` finds the mistakes that were found in the wild, names them, and finds none where there is none."""

import io
from contextlib import redirect_stdout
from functools import cache

import pytest
from helpers.engines import CLASSIC, GOOD, WILD, made, source

import autodiff
from autodiff import check_engine
from autodiff.grading.adapter import EngineError
from autodiff.grading.check import Search
from autodiff.grading.naming import name_of
from autodiff.grading.planted import COMPOSED, plant
from autodiff.grading.table import TABLE

MISTAKES = WILD | CLASSIC


@cache
def report_of(name):
    return check_engine(made(MISTAKES[name][3]))


@pytest.mark.sampled
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_in_the_smallest_program_and_named(name):
    expression, size, fault, _ = MISTAKES[name]
    report = report_of(name)
    assert not report.ok
    assert (report.expression, report.size, report.fault.name) == (expression, size, fault)
    assert report.size <= 2


@pytest.mark.sampled
@pytest.mark.parametrize("name", [name for name in MISTAKES if MISTAKES[name][2] != "remembers earlier graphs"])
def test_the_program_shows_the_mistake_when_it_is_pasted(name):
    report = report_of(name)
    held, printed = {"Value": made(MISTAKES[name][3])}, io.StringIO()
    with redirect_stdout(printed):
        exec(report.program, held)
    shown = [float(line) for line in printed.getvalue().split()]
    assert shown == [report.found[key] for key in report.found if key != "out.data"]
    assert report.found != report.expected


@pytest.mark.slow
@pytest.mark.parametrize("name", list(MISTAKES)[::5])
def test_the_report_is_the_same_on_every_run(name):
    assert str(check_engine(made(MISTAKES[name][3]))) == str(report_of(name))


def places_of(fault):
    """The operations in which a row can be planted such that a number is wrong."""
    if fault.where == "backward":
        return [None]
    single = ("tanh", "**") if fault.name != "set of operands" else ()
    return [(key,) for key in fault.keys or ("+", "*", "-", "/", *single)]


ROWS = {
    f"{i} {fault.name} in {place}{' of composed' * composed}": (fault, place, composed)
    for i, fault in enumerate(TABLE)
    for place in places_of(fault)
    for composed in (False, True)
    if not (composed and place and place[0] in COMPOSED)
}


@pytest.mark.sampled
@pytest.mark.parametrize("row", ROWS)
def test_each_row_of_the_table_is_named_where_it_is_planted(row):
    fault, place, composed = ROWS[row]
    engine = plant(fault.hooks, place, composed)
    search = Search(engine)
    search.run(2)
    program = search.wrong.program
    named = name_of(engine, program, search.forms, search.first or program)
    assert fault.name in (named.fault.name, *[other.name for other in named.also])
    assert len(named.also) <= 1
    assert len(program) <= 2 or fault.where == "backward"


def test_the_good_engine_passes_and_is_told_of_what_is_no_wrong_number():
    report = check_engine(made())
    assert report.ok
    assert report.fault is None
    assert report.program == ""
    assert {line.name for line in report.remarks} == {"backward() twice", "a chain of 10,000", "large arguments"}
    assert set(report.missing) == {"2 ** a", "a ** a", "a ** b"}
    assert report.score == 94.0


def test_the_engine_of_this_package_passes_without_a_remark():
    report = check_engine(autodiff.Value)
    assert report.ok
    assert not report.remarks
    assert not report.missing
    assert report.score == 100.0


@pytest.mark.slow
def test_micrograd_passes_all_programs_of_up_to_three_operations():
    engine = pytest.importorskip("micrograd.engine", reason="micrograd is what must pass")
    report = check_engine(engine.Value, size=3)
    assert report.ok
    assert report.tried > 70_000
    assert {line.name for line in report.remarks} == {"backward() twice", "a chain of 10,000"}


@pytest.mark.slow
def test_the_method_to_look_at_is_named_with_its_line():
    pieces = WILD["tanh overwrites"][3]
    line = source(pieces).splitlines().index("    def tanh(self):") + 1
    assert check_engine(made(pieces)).place == f"Value.tanh (engine.py, line {line})"


@pytest.mark.slow
def test_the_answer_says_what_is_wrong_in_the_words_of_a_lesson():
    text = str(check_engine(made(WILD["product, power and exp overwrite"][3])))
    assert "In a * a your a.grad is 3, right is 6." in text
    assert "overwrites a gradient: `=` stands where `+=` is needed." in text
    assert "Look at Value.__mul__ (engine.py, line " in text
    assert "The first number that departs is a.grad: 3, right is 6." in text
    assert "other.data * out.grad" not in text  # never the solution


@pytest.mark.slow
def test_the_drawing_has_both_gradients():
    report = check_engine(made(WILD["product, power and exp overwrite"][3]))
    assert "a (yours: 3)" in report.drawing.dot
    assert "grad 6" in report.drawing.dot
    with pytest.raises(ValueError, match="no small wrong program"):
        _ = check_engine(made()).drawing


@pytest.mark.sampled
@pytest.mark.parametrize("name", MISTAKES)
def test_the_steps_have_their_numbers_beside_ours_up_to_the_first_that_departs(name):
    report = report_of(name)
    if not report._steps:  # found on the ladder, in a program without names
        pytest.fail("each of these is found in a small program")
    first = next(number for number in report.steps.compared if not number.same)
    assert (first.right, first.other) == (report.departs.right, report.departs.found)
    assert "beside: your engine" in str(report.steps)


def test_a_notebook_shows_the_steps_below_the_answer():
    bundle = report_of("tanh overwrites")._repr_mimebundle_()
    assert bundle["text/html"].startswith("<pre>In a + a.tanh() your a.grad is")
    assert "data-autodiff-steps" in bundle["text/html"]
    assert check_engine(made())._repr_mimebundle_().keys() == {"text/plain"}


def renamed(text, names):
    for old, new in names.items():
        text = text.replace(old, new)
    return text


@pytest.mark.slow
def test_names_can_be_told():
    text = renamed(GOOD, {".grad": ".slope", ".data": ".content", "def backward(": "def run("})
    held = {"__name__": "engine"}
    exec(text, held)
    report = check_engine(held["Value"])
    assert not report.ok
    assert report.fault is None
    assert "All values so far are right, and no gradient is there yet: Value has no backward pass that" in str(report)
    with pytest.raises(EngineError, match=r"Value has no backward pass .* \(looked for walk\)"):
        check_engine(held["Value"], names={"backward": "walk"})
    report = check_engine(held["Value"], names={"backward": "run"})  # the others are found by what they hold
    assert report.ok
    assert "data content, grad slope, backward .run()" in report.took
    functions = {"data": lambda v: v.content, "grad": "slope", "backward": lambda v: v.run()}
    assert check_engine(held["Value"], names=functions).ok


@pytest.mark.slow
def test_usual_names_are_found():
    text = renamed(
        GOOD, {".grad": ".derivative", ".data": ".value", "def backward(self):": "def backprop(self, seed):"}
    )
    held = {"__name__": "engine"}
    exec(text.replace("self.derivative = 1.0", "self.derivative = seed"), held)
    report = check_engine(held["Value"])
    assert report.ok
    assert "data value, grad derivative, backward .backprop(1.0)" in report.took


@pytest.mark.slow
def test_what_an_engine_does_not_have_is_missing_and_not_wrong():
    text = GOOD.partition("    def __pow__")[0] + "    def backward" + GOOD.partition("    def backward")[2]
    held = {"__name__": "engine"}
    exec(text, held)
    report = check_engine(held["Value"])
    assert report.ok
    assert {"-a", "a ** 2", "a - b", "a / b", "2 - a", "2 * a"} <= set(report.missing)
    by_name = {line.name: line for line in report.rubric}
    assert by_name["numbers on the left"].status == "not there"
    assert by_name["numbers on the left"].points == 0
    assert by_name["gradients"].points == 15


@pytest.mark.slow
def test_numbers_of_float32_are_a_remark():
    numpy = pytest.importorskip("numpy", reason="float32 is NumPy's")
    held = {"__name__": "engine", "np": numpy}
    exec(GOOD.replace("self.data = data", "self.data = np.float32(data)"), held)
    report = check_engine(held["Value"])
    assert report.ok
    assert "precision" in {line.name for line in report.remarks}


@pytest.mark.slow
def test_a_pass_that_visits_every_path_again_is_slow_and_told_so():
    every_path = {"            if node not in seen:\n                seen.add(node)\n": "            if True:\n"}
    first_only = {"visit(self)\n        self": "visit(self)\n        order = dict.fromkeys(order)\n        self"}
    report = check_engine(made(every_path | first_only))
    assert report.ok
    assert "each node is visited once for each path" in {r.name: r.reason for r in report.remarks}["speed"]


@pytest.mark.slow
def test_a_pass_that_looks_nodes_up_in_a_list_is_told_so():
    report = check_engine(
        made({"order, seen = [], set()": "order, seen = [], []", "seen.add(node)": "seen.append(node)"})
    )
    assert report.ok
    assert "keep what was met in a set" in {r.name: r.reason for r in report.remarks}["speed"]


@pytest.mark.sampled
@pytest.mark.parametrize("given", [3, autodiff.Value(3.0), "Value", None], ids=repr)
def test_what_is_no_class_is_refused(given):
    with pytest.raises(TypeError, match="expected a class of values, such as Value"):
        check_engine(given)


def test_a_role_that_is_none_and_a_size_out_of_range_are_refused():
    with pytest.raises(ValueError, match="names has no place for 'gard'"):
        check_engine(made(), names={"gard": "grad"})
    with pytest.raises(ValueError, match="at most 4"):
        check_engine(made(), size=5)


def test_a_class_that_grows_is_checked_as_far_as_it_is_there():
    class Value:
        def __init__(self, data):
            self.data = data

    report = check_engine(Value)
    assert str(report).startswith("No operation runs yet: see what is not there.")
    assert (report.ok, report.fault, report.score) == (False, None, 1)  # for its floats

    Value.__add__ = lambda self, other: Value(self.data + other.data)
    report = check_engine(Value)
    assert (report.ok, report.fault, report.program) == (False, None, "")
    assert "no gradient is there yet: Value has no grad" in str(report)
    assert 'names={"grad": "..."}' in str(report)
    assert "Not there: a * a, a * b" in str(report)
    assert report.score == 11

    Value.__mul__ = lambda self, other: Value(self.data + other.data)
    report = check_engine(Value)
    assert (report.expression, report.fault.name) == ("a * a", "another value")
    assert report.program == "a = Value(3.0)\nout = a * a\nprint(out.data)"
    assert report.found == {"out.data": 6.0}


def test_a_class_whose_numbers_are_not_found_is_refused_with_what_to_say():
    class Number:
        def __init__(self, data):
            self.held = [data]

    with pytest.raises(EngineError, match=r"Number has no data .* names=\{\"data\": \"...\"\}"):
        check_engine(Number)


def test_a_backward_pass_that_raises_is_told_with_its_line():
    pieces = {"self.grad += (1 - t * t) * out.grad": "self.grad += (1 - tt * tt) * out.grad"}
    report = check_engine(made(pieces))
    assert (report.expression, report.fault.name) == ("a.tanh()", "the backward pass raises")
    line = source(pieces).splitlines().index("            self.grad += (1 - tt * tt) * out.grad") + 1
    assert "NameError: name 'tt' is not defined" in str(report)
    assert report.place == f"Value.tanh.rule (engine.py, line {line})"


@pytest.mark.slow
def test_a_class_that_exec_has_made_in_a_bare_namespace_is_spoken_to_as_any_other():
    for text, expected in ((GOOD, True), (source({"self.grad += (1 - t * t)": "self.grad = (1 - t * t)"}), False)):
        space = {}
        exec(text, space)  # so that its module is "builtins", as graders make it
        report = check_engine(space["Value"])
        assert report.ok is expected
        assert report.missing.keys() == check_engine(made()).missing.keys()


@pytest.mark.slow
def test_points_are_a_hundred_and_every_line_has_a_reason_or_all_of_its_points():
    for report in (check_engine(made()), *map(report_of, MISTAKES)):
        assert sum(line.maximum for line in report.rubric) == report.maximum == 100
        assert 0 <= report.score <= 100
        assert all(line.reason if line.points < line.maximum else not line.reason for line in report.rubric)
        assert report.ok == (not any(line.status == "wrong" for line in report.rubric))
