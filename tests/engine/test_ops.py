import copy
import itertools
import math
import operator
import pickle

import mpmath
import pytest
import sympy
from oracles.rows import NAMES, ROWS, TRUTH, compiled, error, exact, grouped, points

from autodiff import DomainError, Op, Value
from autodiff.engine import ops

INF, NAN = math.inf, math.nan
CASES = [
    pytest.param(name, domains, parameters, id=f"{name}{list(parameters) or ''}")
    for name, truth in TRUTH.items()
    for domains, parameters in truth.cases
]
each_row = pytest.mark.parametrize("name", ROWS)
each_case = pytest.mark.parametrize(("name", "domains", "parameters"), CASES)
each_case_in_pytorch = pytest.mark.parametrize(
    ("name", "domains", "parameters"), [case for case in CASES if TRUTH[case.values[0]].torch]
)


def test_every_row_of_the_table_has_an_oracle_and_every_oracle_a_row():
    for name in ROWS:
        TRUTH[name]
    assert not TRUTH.keys() - ROWS.keys()


@pytest.mark.sampled
@each_case
def test_the_value_is_that_of_mpmath(name, domains, parameters):
    row, truth = ROWS[name], TRUTH[name]
    for point in points(name, domains):
        got, want = row(*grouped(name, point), *parameters), exact(name, point, parameters)
        assert type(got) is float
        assert error(got, want) <= truth.tolerance or abs(got - want) <= truth.absolute, (point, got, want)


@pytest.mark.sampled
@each_case
def test_the_slopes_are_the_derivatives_that_sympy_finds(name, domains, parameters):
    row = ROWS[name]
    for point in points(name, domains):
        numbers = (*grouped(name, point), *parameters)
        slopes = row.local(row(*numbers), *numbers)
        assert len(slopes) == len(point)
        for i, slope in enumerate(slopes):
            want = exact(name, point, parameters, by=(i,))
            assert error(slope, want) <= TRUTH[name].tolerance, (point, i, slope, want)


@pytest.mark.slow
@each_case_in_pytorch
def test_value_and_slopes_are_those_of_pytorch(name, domains, parameters):
    torch = pytest.importorskip("torch")
    row, function = ROWS[name], operator.attrgetter(TRUTH[name].torch)(torch)
    for point in points(name, domains, count=15, largest_magnitude=0):
        tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in point]
        want = function(torch.stack(tensors), dim=0) if row.arity is None else function(*tensors, *parameters)
        want.backward()
        got = row(*point, *parameters)
        assert got == pytest.approx(want.item(), rel=1e-13, abs=1e-15)
        gradients = [t.grad.item() for t in tensors]
        # PyTorch takes the slopes of tanh and sigmoid from 1 - out, which cancels
        assert row.local(got, *point, *parameters) == pytest.approx(gradients, rel=1e-11, abs=1e-14)


class Symbol:
    """A sympy expression that rows can be applied to; numbers that meet it are taken as exact."""

    def __init__(self, expression):
        self.expression = expression

    def apply(self, op, operands):
        return Symbol(TRUTH[NAMES[op]].formula(*map(expression_of, operands)))

    def __add__(self, other):
        return Symbol(self.expression + expression_of(other))

    def __sub__(self, other):
        return Symbol(self.expression - expression_of(other))

    def __mul__(self, other):
        return Symbol(self.expression * expression_of(other))

    def __truediv__(self, other):
        return Symbol(self.expression / expression_of(other))

    def __rsub__(self, other):
        return Symbol(expression_of(other) - self.expression)

    def __rtruediv__(self, other):
        return Symbol(expression_of(other) / self.expression)

    def __neg__(self):
        return Symbol(-self.expression)

    __radd__, __rmul__ = __add__, __mul__


def expression_of(operand):
    return operand.expression if isinstance(operand, Symbol) else sympy.Rational(operand)


@pytest.mark.sampled
@each_case
def test_read_with_symbols_a_row_yields_the_derivatives_as_expressions(name, domains, parameters):
    row = ROWS[name]
    xs = sympy.symbols(f"x1:{len(domains) + 1}", real=True)
    out = Symbol(TRUTH[name].formula(*xs, *map(sympy.Rational, parameters)))
    slopes = row.local(out, *grouped(name, list(map(Symbol, xs))), *parameters)
    assert len(slopes) == len(xs)
    for i, slope in enumerate(slopes):
        got = sympy.lambdify(xs, expression_of(slope), "mpmath")
        want = compiled(name, len(xs), parameters, (i,))
        for point in points(name, domains, count=5, largest_magnitude=0):
            with mpmath.workdps(40):
                numbers = [mpmath.mpf(x) for x in point]
                # not to 40 digits: sqrt(1/2) and pi are floats in the table
                assert abs(got(*numbers) - want(*numbers)) <= 4e-16 * (1 + abs(want(*numbers)))


@pytest.mark.sampled
@each_case
def test_read_with_values_a_row_yields_the_numbers_of_the_float_reading(name, domains, parameters):
    row = ROWS[name]
    for point in points(name, domains, count=10):
        numbers = (*grouped(name, point), *parameters)
        out = row(*numbers)
        slopes = row.local(Value(out), *grouped(name, list(map(Value, point))), *parameters)
        assert [slope.data if isinstance(slope, Value) else slope for slope in slopes] == list(row.local(out, *numbers))
        assert {type(slope) for slope in slopes} <= {Value, float}


@pytest.mark.sampled
@each_case
def test_applied_to_values_a_row_makes_one_node_of_itself(name, domains, parameters):
    row = ROWS[name]
    point = points(name, domains, count=1)[0]
    operands = [Value(x) for x in point]
    node = row(*grouped(name, operands), *parameters)
    assert node.op is row
    assert [id(x) for x in node.parents] == [id(x) for x in operands]
    numbers = (*grouped(name, point), *parameters)
    assert node.saved == (row(*numbers), *numbers)


# fmt: off
BRANCHES = {  # piecewise rows, where a slope is 0 because a branch is not taken or a step is flat
    "ABS": (0.0,), "SIGN": (2.0,), "HEAVISIDE": (2.0, 0.0), "RELU": (-2.0,), "LEAKY_RELU": (-2.0, 0.0),
    "ELU": (-2.0, 0.0), "MAXIMUM": (1.0, 2.0), "MINIMUM": (2.0, 1.0), "CLIP": (2.0, 0.0, 1.0), "MAX": (1.0, 2.0),
    "MIN": (2.0, 1.0), "WHERE": (1.0, 2.0, 3.0), "DETACH": (2.0,),
    "HOLD": (2.0,), "MASK": (2.0, 0.0), "STEP": (1.0, 2.0, 0.5),
}
# fmt: on


def test_the_rows_where_a_slope_of_0_is_a_branch_not_taken_are_listed():
    assert {name for name, row in ROWS.items() if row.piecewise} == BRANCHES.keys()


@pytest.mark.parametrize("name", BRANCHES)
@pytest.mark.parametrize("incoming", [INF, -INF, NAN])
def test_a_branch_not_taken_is_handed_0_whatever_comes_in(name, incoming):
    row, operands = ROWS[name], BRANCHES[name]
    assert row.chain((row(*operands), *operands), incoming)[0] == 0.0


@pytest.mark.parametrize(("x", "ratio"), [(2.0, INF), (-2.0, -INF), (INF, INF), (0.0, 0.0), (NAN, NAN)])
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_in_a_slope_a_ratio_to_0_is_an_infinity_or_0_and_nan_stays_nan(x, ratio, zero):
    assert ops.RATIO(x, zero) == pytest.approx(ratio, nan_ok=True)


def test_a_slope_of_0_in_a_product_does_not_stop_an_infinity():
    assert math.isnan(ops.MUL.chain((0.0, 3.0, 0.0), INF)[0])


SPECIAL = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -3.0, 5e-324, 1e200, -1e200, 1.7e308, -1.7e308, INF, -INF, NAN]


@pytest.mark.sampled
@each_row
def test_where_a_row_has_a_value_its_slopes_never_raise(name):
    row = ROWS[name]
    parameters = TRUTH[name].cases[0][1]
    for point in itertools.product(SPECIAL, repeat=row.arity or 3):
        numbers = (*grouped(name, point), *parameters)
        try:
            out = row(*numbers)
        except (DomainError, ZeroDivisionError):
            # a helper is only asked where the operation it serves has a value
            assert row.domain or name in {"POW_SLOPE", "POWER0", "LOG_SHARE"}, (
                f"{row} raised without a domain to tell, at {point}"
            )
            continue
        for number in (out, *row.local(out, *numbers), *row.chain((out, *numbers), 1.0)):
            assert type(number) is float


@pytest.mark.sampled
@each_row
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda row: pickle.loads(pickle.dumps(row))])
def test_a_row_is_copied_and_pickled_as_itself(name, copied):
    assert copied(ROWS[name]) is ROWS[name]


# fmt: off
FORMULAS = {
    "ADD": "x + y", "SUB": "x - y", "MUL": "x * y", "DIV": "x / y", "NEG": "-x", "POW": "x**y", "POWER": "x**n",
    "ATAN2": "atan2(y, x)", "HYPOT": "hypot(x, y)", "MAXIMUM": "maximum(x, y)", "MINIMUM": "minimum(x, y)",
    "HEAVISIDE": "heaviside(x, at_zero)", "LEAKY_RELU": "leaky_relu(x, slope)", "ELU": "elu(x, alpha)",
    "CLIP": "clip(x, low, high)", "SUM": "sum(xs)", "MEAN": "mean(xs)", "PROD": "prod(xs)", "DOT": "dot(xs)",
    "LOGSUMEXP": "logsumexp(xs)", "MAX": "max(xs)", "MIN": "min(xs)",
    "WHERE": "where(condition, x, y)", "IDENTITY": "x", "RATIO": "x / y", "MASK": "x * y", "STEP": "step(x, y, tie)",
    "POW_SLOPE": "d^k/dx^k d^m/dy^m x**y", "POWER0": "x**(n - k)", "SQUARES": "x**2 - y**2",
    "DIRECTION": "Re(i**turns (x - i y)) / hypot(x, y)",
    "HARMONIC": "Re(i**turns / (x + i y)**n)", "BELL": "sigmoid(x) * sigmoid(-x)",
    "X_BELL": "x * sigmoid(x) * sigmoid(-x)", "GAUSS": "d^n/dx^n exp(-a * x**2)", "NORMAL": "P(Z <= x)",
    "EXP_BELOW": "exp(x - top)", "SHARE": "x / (before + x + after)",
    "LOG_SHARE": "log(exp(x) / (before + exp(x) + after))",
}

UNDEFINED = {
    "DIV": ((1.0, 0.0), "x = 1.0{0}, y = 0.0{1}", "y != 0"),
    "POW": ((-8.0, 0.5), "x = -8.0{0}, y = 0.5{1}", "x > 0, or x = 0 and y >= 0, or a whole y with x != 0"),
    "POWER": ((-8.0, 0.5), "x = -8.0{0}, n = 0.5", "x > 0, or x = 0 and n >= 0, or a whole n with x != 0"),
    "LOG": ((-1.0,), "x = -1.0{0}", "x > 0"),
    "LOG2": ((0.0,), "x = 0.0{0}", "x > 0"),
    "LOG10": ((-1.0,), "x = -1.0{0}", "x > 0"),
    "ACOSH": ((0.5,), "x = 0.5{0}", "x >= 1"),
    "ATANH": ((1.0,), "x = 1.0{0}", "-1 < x < 1"),
    "LOG1P": ((-1.0,), "x = -1.0{0}", "x > -1"),
    "SQRT": ((-1.0,), "x = -1.0{0}", "x >= 0"),
    "SIN": ((INF,), "x = inf{0}", "a finite x"),
    "COS": ((-INF,), "x = -inf{0}", "a finite x"),
    "TAN": ((INF,), "x = inf{0}", "a finite x"),
    "ASIN": ((2.0,), "x = 2.0{0}", "-1 <= x <= 1"),
    "ACOS": ((-2.0,), "x = -2.0{0}", "-1 <= x <= 1"),
    "ATAN2": ((0.0, 0.0), "y = 0.0{0}, x = 0.0{1}", "x and y not both 0"),
    "CLIP": ((0.5, 1.0, 0.0), "x = 0.5{0}, low = 1.0, high = 0.0", "low <= high"),
}
# fmt: on


@each_row
def test_the_text_of_a_row_is_its_formula(name):
    assert str(ROWS[name]) == FORMULAS.get(name, f"{name.lower()}(x)")


def test_every_row_with_a_domain_is_asked_outside_it():
    assert {name for name, row in ROWS.items() if row.domain} == UNDEFINED.keys()


@pytest.mark.parametrize("name", UNDEFINED)
def test_outside_its_domain_the_message_tells_operation_operands_labels_and_need(name):
    row, (point, at, need) = ROWS[name], UNDEFINED[name]
    n = len(point) - row.static
    for labels in [("", ""), ("first", "second")]:
        told = at.format(*[f" ({label!r})" if label else "" for label in labels])
        operands = [Value(x, label) for x, label in zip(point[:n], labels, strict=False)] if labels[0] else point[:n]
        with pytest.raises((DomainError, ZeroDivisionError)) as caught:
            row(*operands, *point[n:])
        assert (
            str(caught.value) == f"{FORMULAS.get(name, f'{name.lower()}(x)')} is undefined at {told}: it needs {need}"
        )
        assert type(caught.value) is (ZeroDivisionError if name == "DIV" else DomainError)


def test_a_domain_error_is_a_value_error():
    assert issubclass(DomainError, ValueError)


def test_a_message_numbers_the_operands_of_a_row_that_takes_any_number():
    assert ops.SUM.at((1.0, 2.0, 3.0), ("a", "", "c")) == "x1 = 1.0 ('a'), x2 = 2.0, x3 = 3.0 ('c')"


@each_row
def test_arity_and_parameters_are_read_off_the_rule(name):
    domains, parameters = TRUTH[name].cases[0]
    many = name in {"SUM", "MEAN", "PROD", "DOT", "LOGSUMEXP", "MAX", "MIN"}
    assert ROWS[name].arity == (None if many else len(domains))
    assert ROWS[name].static == len(parameters)


def test_a_new_row_needs_nothing_but_its_rule():
    cube = Op("cube", lambda x: x * x * x, lambda out, x: (3.0 * x * x,), "{x}**3")
    x = Value(2.0)
    node = cube(x)
    node.backward()
    assert (node.data, x.grad, str(cube), cube(2)) == (8.0, 12.0, "x**3", 8.0)


def test_of_the_table_only_dot_takes_its_operands_in_groups():
    flat = [1.0, 2.0, 3.0, 4.0, 5.0]
    assert ops.DOT.grouped(flat, ()) == ((1.0, 2.0), (3.0, 4.0), 5.0)
    assert ops.DOT.products(flat) == ((1.0, 2.0), (3.0, 4.0), [5.0])
    assert ops.DOT.products(flat[:4]) == ((1.0, 2.0), (3.0, 4.0), [])
    assert ops.POWER.grouped(flat[:1], (3.0,)) == (1.0, 3.0)
    others = [row for row in vars(ops).values() if isinstance(row, ops.Op) and row is not ops.DOT]
    assert all(row.grouped(flat, ()) == tuple(flat) and row.products(flat) is None for row in others)
