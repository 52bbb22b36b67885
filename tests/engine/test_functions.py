import inspect
import math
import operator
from decimal import Decimal
from fractions import Fraction

import mpmath
import pytest
from oracles.rows import ROWS

import autodiff
from autodiff import Value
from autodiff.engine import functions, ops, reductions
from autodiff.engine.backward import toposort

np = pytest.importorskip("numpy", reason="NumPy is not installed")

# fmt: off
UNARY = [
    "abs", "acos", "asin", "atan", "cos", "cosh", "elu", "erf", "erfc", "exp", "expm1", "gelu", "heaviside",
    "leaky_relu", "clip", "log", "log1p", "relu", "sigmoid", "sign", "silu", "sin", "sinh", "softplus", "sqrt",
    "tan", "tanh", "asinh", "cbrt", "detach", "log2", "log10",
]
NARROW = {"acosh": 1.5, "atanh": 0.25}  # of the numbers that the tests of all others use, these have no value at some
BINARY = ["atan2", "hypot", "maximum", "minimum"]
REDUCTIONS = ["logsumexp", "max", "mean", "min", "prod", "sum"]
NO_OPERATIONS = {
    "AnomalyError", "Blame", "Derivation", "DomainError", "Drawing", "GradientCheck", "Ledger", "Op", "OrderReport",
    "Replay", "ReplayError", "Steps", "Value", "anomaly_detection", "blame", "check_gradients", "derive", "draw",
    "grad", "hessian", "jacobian", "large_graph", "nn", "order_matters", "plots", "steps",
}
ARGUMENTS = {"clip": [(-0.25, 0.25)], "elu": [(), (2.0,)], "heaviside": [(), (0.5,)], "leaky_relu": [(), (0.25,)]}
DEFAULTS = {"clip": (-math.inf, math.inf), "elu": (1.0,), "heaviside": (0.0,), "leaky_relu": (0.01,)}
# fmt: on
UNARY_CALLS = [(name, arguments) for name in UNARY for arguments in ARGUMENTS.get(name, [()])]
SCALARS = [3, 0.5, True, Fraction(1, 4), Decimal("0.5"), np.float64(1.5), np.float32(1.5), np.int64(3), np.bool_(True)]
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
METHODS = [(name, a) for name, a in UNARY_CALLS if hasattr(Value, name)]


def kind(x):
    return getattr(x, "__name__", type(x).__name__)


def test_every_public_operation_is_tested_here():
    rooms = (functions.__name__, reductions.__name__)
    operations = {name for name in autodiff.__all__ if getattr(getattr(autodiff, name), "__module__", "") in rooms}
    assert operations == {
        *(*UNARY, *NARROW, *BINARY, *REDUCTIONS, "dot", "log_softmax", "softmax", "stop_gradient", "where"),
    }


@pytest.mark.parametrize("name", [*UNARY, *NARROW, *BINARY, *REDUCTIONS, "dot", "log_softmax", "softmax", "where"])
def test_a_public_operation_says_what_it_returns_and_shows_it(name):
    doc = inspect.getdoc(getattr(autodiff, name))
    assert doc.startswith("Return ")
    assert "Derivative: " in doc
    assert f">>> {name}(" in doc or f"({name}(" in doc


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "arguments"), UNARY_CALLS)
@pytest.mark.parametrize(
    "number", [0.5, 1, True, Fraction(1, 2), Decimal("0.5"), np.float64(0.5), np.int64(1)], ids=repr
)
def test_a_function_of_a_number_is_a_float(name, arguments, number):
    out = getattr(autodiff, name)(number, *arguments)
    assert type(out) is float
    assert out == ROWS[name.upper()].value(float(number), *(arguments or DEFAULTS.get(name, ())))


@pytest.mark.parametrize(("name", "arguments"), UNARY_CALLS)
def test_a_function_of_a_value_is_a_node_of_its_row_with_the_same_number(name, arguments):
    x = Value(0.5)
    out = getattr(autodiff, name)(x, *arguments)
    assert type(out) is Value
    assert out.op is ROWS[name.upper()]
    assert [id(parent) for parent in out.parents] == [id(x)]
    assert out.data == getattr(autodiff, name)(0.5, *arguments)
    assert out.saved == (out.data, 0.5, *(arguments or DEFAULTS.get(name, ())))


@pytest.mark.parametrize("name", [*BINARY, *REDUCTIONS])
@pytest.mark.parametrize("plain", [(), (0,), (1,), (0, 1)], ids=["values", "number first", "number last", "numbers"])
def test_operands_keep_their_order_and_numbers_become_leaves(name, plain):
    operands = [number if i in plain else Value(number) for i, number in enumerate([2.0, 3.0])]
    out = getattr(autodiff, name)(*operands)
    assert (out.data if isinstance(out, Value) else out) == ROWS[name.upper()].value(2.0, 3.0)
    if len(plain) == 2:
        assert type(out) is float
    else:
        assert type(out) is Value
        assert out.op is ROWS[name.upper()]
        assert [parent.data for parent in out.parents] == [2.0, 3.0]
        assert all(parent is x for parent, x in zip(out.parents, operands, strict=True) if isinstance(x, Value))


@pytest.mark.parametrize(("name", "arguments"), METHODS)
def test_a_method_of_one_operand_equals_the_function(name, arguments):
    x = Value(0.5)
    method, function = getattr(x, name)(*arguments), getattr(autodiff, name)(x, *arguments)
    assert (method.op, method.saved, method.parents[0]) == (function.op, function.saved, x)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("other", [3.0, Value(3.0)], ids=["number", "Value"])
def test_a_method_of_two_operands_equals_the_function(name, other):
    x = Value(0.5)
    method, function = getattr(x, name)(other), getattr(autodiff, name)(x, other)
    assert (method.op, method.saved, method.parents[0]) == (function.op, function.saved, x)


@pytest.mark.parametrize(("name", "at"), NARROW.items())
def test_a_function_with_a_narrow_domain_is_a_node_of_its_row_a_method_and_a_float(name, at):
    node = getattr(autodiff, name)(Value(at))
    assert node.op is ROWS[name.upper()]
    assert (
        node.data == getattr(Value(at), name)().data == getattr(autodiff, name)(Fraction(at)) == getattr(math, name)(at)
    )


def test_the_built_in_abs_and_the_signs_are_operations():
    x = Value(-3.0)
    assert (abs(x).op, abs(x).data) == (ops.ABS, 3.0)
    assert ((-x).op, (-x).data) == (ops.NEG, 3.0)
    assert +x is x


def test_an_operator_with_a_number_exponent_keeps_the_exponent_out_of_the_graph():
    x = Value(3.0)
    power = x**2
    assert (power.op, len(power.parents), power.saved) == (ops.POWER, 1, (9.0, 3.0, 2.0))
    assert (x ** Value(2.0)).op is ops.POW
    assert (2**x).op is ops.POW


@pytest.mark.parametrize("name", [*REDUCTIONS, "softmax"])
@pytest.mark.parametrize(
    "wrap",
    [list, tuple, iter, lambda xs: (x for x in xs), np.array],
    ids=["list", "tuple", "iter", "generator", "array"],
)
def test_a_reduction_takes_an_iterable_as_it_takes_separate_operands(name, wrap):
    function, numbers = getattr(autodiff, name), [2.0, 3.0, 5.0]
    assert function(wrap(numbers)) == function(*numbers)
    values = [Value(x) for x in numbers]
    together = function(list(values)) if wrap is np.array else function(wrap(values))
    assert [x.data for x in np.ravel([together])] == [x.data for x in np.ravel([function(*values)])]


@pytest.mark.parametrize(
    ("name", "want"),
    [("sum", 10.0), ("mean", 10 / 3), ("prod", 30.0), ("max", 5.0), ("logsumexp", 5.169846)],
)
def test_a_reduction_of_numbers_and_values_is_one_node(name, want):
    x = Value(3.0)
    out = getattr(autodiff, name)(2, x, 5.0)
    assert out.data == pytest.approx(want, rel=1e-6)
    order, leaves = toposort(out)
    assert (len(order), len(leaves)) == (1, 3)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_a_reduction_of_one_operand_is_that_operand(name):
    x = Value(3.0)
    out = getattr(autodiff, name)(x)
    out.backward()
    assert (out.data, x.grad, getattr(autodiff, name)([3])) == (3.0, 1.0, 3.0)


@pytest.mark.parametrize(("name", "neutral"), [("sum", 0.0), ("prod", 1.0)])
@pytest.mark.parametrize("nothing", [(), ([],), (iter(()),)], ids=["no argument", "empty list", "empty iterator"])
def test_of_nothing_the_sum_is_0_and_the_product_1(name, neutral, nothing):
    out = getattr(autodiff, name)(*nothing)
    assert type(out) is float
    assert out == neutral


@pytest.mark.parametrize("name", ["mean", "max", "logsumexp", "softmax"])
@pytest.mark.parametrize("nothing", [(), ([],), (x for x in ())], ids=["no argument", "empty list", "empty iterator"])
def test_of_nothing_there_is_no_mean_maximum_or_softmax(name, nothing):
    with pytest.raises(ValueError, match=f"{name} needs at least one number, got none"):
        getattr(autodiff, name)(*(nothing if isinstance(nothing, tuple) else (nothing,)))


@pytest.mark.parametrize("name", [*REDUCTIONS, "softmax"])
@pytest.mark.parametrize(
    "operands", [("12",), ([1.0, "2"],), (None,), (Value(1.0), [2.0]), ([1.0], 2.0), ([[1.0]],)], ids=repr
)
def test_a_reduction_refuses_what_is_no_number(name, operands):
    with pytest.raises(TypeError):
        getattr(autodiff, name)(*operands)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_an_operand_given_twice_counts_twice(name):
    x, y = Value(3.0), Value(3.0)
    getattr(autodiff, name)(x, x).backward()
    getattr(autodiff, name)(y, 3.0).backward()
    assert x.grad == pytest.approx(2 * y.grad, rel=1e-15)


@pytest.mark.parametrize(("bias", "want"), [((), 23.0), ((1.5,), 24.5)])
@pytest.mark.parametrize("wrap", [list, tuple, iter], ids=str)
def test_dot_is_one_node_of_weights_inputs_and_bias(bias, want, wrap):
    weights, inputs, biases = [Value(2.0), Value(3.0)], [Value(4.0), Value(5.0)], [Value(b) for b in bias]
    assert autodiff.dot(wrap([2, 3]), wrap([4, 5]), *bias) == want
    out = autodiff.dot(wrap(weights), wrap(inputs), *biases)
    assert (out.op, out.data) == (ops.DOT, want)
    assert [id(x) for x in out.parents] == [id(x) for x in weights + inputs + biases]
    out.backward()
    assert [x.grad for x in weights + inputs + biases] == [4.0, 5.0, 2.0, 3.0] + [1.0] * len(bias)


def test_dot_of_nothing_is_the_bias():
    assert autodiff.dot([], []) == 0.0
    assert autodiff.dot([], [], 2.5) == 2.5
    assert autodiff.dot([], [], Value(2.5)).data == 2.5


@pytest.mark.parametrize(("weights", "inputs"), [([1.0, 2.0], [3.0]), ([1.0], [2.0, 3.0]), ([], [1.0]), ([1.0], [])])
def test_dot_of_lengths_that_differ_tells_both(weights, inputs):
    for make in [float, Value]:
        with pytest.raises(ValueError, match=f"{len(weights)} weights and {len(inputs)} inputs"):
            autodiff.dot(map(make, weights), map(make, inputs), 1.0)


def test_softmax_is_the_share_of_each_power_of_e():
    xs = [-1.0, 0.5, 2.0]
    with mpmath.workdps(40):
        total = sum(map(mpmath.exp, xs))
        want = [float(mpmath.exp(x) / total) for x in xs]
    assert autodiff.softmax(xs) == pytest.approx(want, rel=1e-15)
    shares = autodiff.softmax([Value(x) for x in xs])
    assert [share.data for share in shares] == autodiff.softmax(xs)


@pytest.mark.parametrize("number", [Decimal, Fraction, np.float64, int], ids=kind)
def test_softmax_takes_every_kind_of_number(number):
    assert autodiff.softmax([number(0), number(0)]) == [0.5, 0.5]


@pytest.mark.parametrize("number", [np.float32, np.float16], ids=kind)
def test_softmax_of_short_floats_is_computed_in_double_precision(number):
    xs = [number(1.1), number(1e-4)]
    assert autodiff.softmax(xs) == autodiff.softmax([float(x) for x in xs])


def test_softmax_has_the_derivatives_of_the_book():
    xs = [Value(-1.0), Value(0.5), Value(2.0)]
    p = autodiff.softmax(xs)
    for i in range(3):
        want = [p[i].data * ((i == j) - p[j].data) for j in range(3)]
        assert [slope.data for slope in autodiff.grad(p[i], *xs)] == pytest.approx(want, rel=1e-14)


@pytest.mark.parametrize(("low", "high"), [(1.0, 0.0), (math.nan, 1.0), (0.0, math.nan)])
@pytest.mark.parametrize("clip", [autodiff.clip, Value.clip], ids=["function", "method"])
def test_clip_refuses_bounds_the_wrong_way_round(clip, low, high):
    with pytest.raises(ValueError, match=f"low = {low}, high = {high}: it needs low <= high"):
        clip(Value(0.5), low, high)


@pytest.mark.parametrize("name", ["clip", "elu", "heaviside", "leaky_relu"])
@pytest.mark.parametrize("x", [0.5, Value(0.5)], ids=["number", "Value"])
def test_a_parameter_is_a_plain_number(name, x):
    with pytest.raises(TypeError, match="expected one real number"):
        getattr(autodiff, name)(x, Value(0.5))


def edges(*outputs):
    """The edges of the graph that all outputs share."""
    return sum(len(node.parents) for node in {id(n): n for out in outputs for n in toposort(out)[0]}.values())


@pytest.mark.parametrize("name", [*REDUCTIONS, "dot"])
def test_the_derivatives_of_n_operands_are_a_graph_linear_in_n(name):
    def size(n):
        xs = [Value(float(i)) for i in range(n)]
        out = autodiff.dot(xs, xs) if name == "dot" else getattr(autodiff, name)(xs)
        return edges(*autodiff.grad(out, *xs))

    assert size(80) <= 2.5 * size(40)


@pytest.mark.parametrize("combine", OPERATORS)
@pytest.mark.parametrize("scalar", SCALARS, ids=kind)
def test_a_scalar_on_either_side_of_an_operator_gives_a_value(combine, scalar):
    for operands in [(Value(1.25), scalar), (scalar, Value(1.25))]:
        out = combine(*operands)
        assert type(out) is Value
        assert out.data == combine(*[x.data if isinstance(x, Value) else float(x) for x in operands])


@pytest.mark.parametrize("combine", OPERATORS)
@pytest.mark.parametrize("thing", ["3", b"3", None, 1j, np.complex128(1), (1.0,), {}, object()], ids=kind)
def test_an_operator_with_a_foreign_type_is_pythons_own_type_error(combine, thing):
    for operands in [(Value(1.0), thing), (thing, Value(1.0))]:
        with pytest.raises(
            TypeError, match=r"unsupported operand|can't multiply|concatenate|can't concat|must be real|of real numbers"
        ):
            combine(*operands)


@pytest.mark.parametrize("combine", OPERATORS)
def test_a_foreign_type_may_take_part_in_an_operator(combine):
    class Foreign:
        def answer(self, other):
            return "foreign"

        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = answer
        __truediv__ = __rtruediv__ = __pow__ = __rpow__ = answer

    assert combine(Value(1.0), Foreign()) == combine(Foreign(), Value(1.0)) == "foreign"


@pytest.mark.parametrize("combine", OPERATORS)
def test_an_array_takes_a_value_element_by_element(combine):
    for out, want in [
        (combine(np.array([2.0, 3.0]), Value(2.0)), combine(np.array([2.0, 3.0]), 2.0)),
        (combine(Value(2.0), np.array([2.0, 3.0])), combine(2.0, np.array([2.0, 3.0]))),
    ]:
        assert [type(x) for x in out] == [Value, Value]
        assert [x.data for x in out] == list(want)
