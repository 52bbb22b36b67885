"""What a Value answers to the standard library and to NumPy: the right gradient, or a refusal that says what to do."""

import array
import cmath
import fractions
import math
import operator
import statistics

import pytest

import autodiff
from autodiff import Value, grad

np = pytest.importorskip("numpy", reason="NumPy is not installed")

# fmt: off
CONVERSIONS = {
    "float": float, "complex": complex, "math.exp": math.exp, "math.isnan": math.isnan, "cmath.exp": cmath.exp,
    "math.hypot": lambda x: math.hypot(x, 1.0), "math.fsum": lambda x: math.fsum([x]),
    "statistics.fmean": lambda x: statistics.fmean([x]), "percent": lambda x: operator.mod("%f", x),
    "array.array": lambda x: array.array("d", [x]),
    "float array": lambda x: np.array([x, 1.0], dtype=float), "asarray": lambda x: np.asarray([x], float),
    "put": lambda x: operator.setitem(np.zeros(2), 0, x), "astype": lambda x: np.array([x]).astype(float),
    "np.float64": np.float64, "in place": lambda x: operator.iadd(np.zeros(2), x),
}
STEPS = {
    "int": int, "round": round, "round to digits": lambda x: round(x, 2), "floor": math.floor, "ceil": math.ceil,
    "trunc": math.trunc, "//": lambda x: x // 2, "2 //": lambda x: 2 // x, "%": lambda x: x % 2, "2 %": lambda x: 2 % x,
    "divmod": lambda x: divmod(x, 2), "2 divmod": lambda x: divmod(2, x), "np.floor": np.floor,
    "np.floor of several": lambda x: np.floor(np.array([x])),
}
NO_NUMBERS = {
    "index": lambda x: [1, 2][x], "range": range, "fraction": fractions.Fraction, "np.rint": np.rint,
    "np.signbit": np.signbit, "np.isnan": np.isnan,
}
# fmt: on


@pytest.mark.parametrize("convert", CONVERSIONS.values(), ids=CONVERSIONS)
def test_what_would_make_a_plain_number_of_a_value_is_refused_with_the_cure(convert):
    with pytest.raises(TypeError, match=r"would leave the graph.*(x\.data|dtype=object)"):
        convert(Value(1.0))


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_what_has_no_derivative_is_refused_with_the_cure(step):
    with pytest.raises(TypeError, match=r"would leave the graph.* its derivative is 0 or undefined.*x\.data"):
        step(Value(1.5))


@pytest.mark.parametrize("use", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_what_is_not_here_raises(use):
    with pytest.raises(TypeError):
        use(Value(1.0))


# fmt: off
UNARY = {
    "exp": 0.5, "expm1": 0.5, "log": 0.5, "log1p": 0.5, "log2": 0.5, "log10": 0.5, "sqrt": 0.5, "cbrt": -0.5,
    "sin": 0.5,
    "cos": 0.5, "tan": 0.5, "arcsin": 0.5, "arccos": 0.5, "arctan": 0.5, "sinh": 0.5, "cosh": 0.5, "tanh": 0.5,
    "arcsinh": -0.5, "arccosh": 1.5, "arctanh": 0.5, "fabs": -0.5, "absolute": -0.5, "negative": 0.5, "positive": 0.5,
    "square": 0.5, "reciprocal": 0.5, "sign": -0.5, "exp2": 0.5, "deg2rad": 45.0,
    "rad2deg": 0.5, "radians": 45.0, "degrees": 0.5,
}
BINARY = ["add", "subtract", "multiply", "divide", "power", "arctan2", "hypot", "maximum", "minimum", "fmax", "fmin",
          "logaddexp", "float_power"]
# fmt: on


def slope(function, *at):
    """Differences of the function of floats."""
    h = 1e-6

    def moved(k, step):
        return function(*[b + step * (i == k) for i, b in enumerate(at)])

    return [(moved(k, h) - moved(k, -h)) / (2 * h) for k in range(len(at))]


@pytest.mark.parametrize(("name", "at"), UNARY.items())
def test_a_function_of_numpy_of_a_value_has_its_number_and_slope(name, at):
    function, x = getattr(np, name), Value(at)
    y = function(x)
    y.backward()
    assert y.data == pytest.approx(function(at), rel=1e-15)
    assert x.grad == pytest.approx(slope(function, at)[0], rel=1e-8, abs=1e-12)


@pytest.mark.parametrize(("name", "at"), [pair for pair in UNARY.items() if pair[0] != "sign"])
def test_a_function_of_numpy_takes_an_array_of_values(name, at):
    function, xs = getattr(np, name), [Value(at), Value(at + 0.25)]
    ys = function(np.array(xs))
    autodiff.sum(ys).backward()
    assert [y.data for y in ys] == pytest.approx(function(np.array([at, at + 0.25])).tolist(), rel=1e-15)
    want = [slope(function, x.data)[0] for x in xs]
    assert [x.grad for x in xs] == pytest.approx(want, rel=1e-8)


@pytest.mark.parametrize("name", [name for name in BINARY if name != "float_power"])
def test_a_function_of_numpy_of_two_takes_values_numbers_and_arrays_on_either_side(name):
    function, (a, b) = getattr(np, name), (0.5, 1.25)
    for x, y in [(Value(a), Value(b)), (Value(a), b), (a, Value(b)), (np.float64(a), Value(b))]:
        out = function(x, y)
        out.backward()
        assert out.data == pytest.approx(function(a, b), rel=1e-15)
        for operand, want in zip((x, y), slope(function, a, b), strict=True):
            assert not isinstance(operand, Value) or operand.grad == pytest.approx(want, rel=1e-8)
    numbers = np.array([[1.0, 2.0, 0.75]])
    for left in (True, False):
        x = Value(a)
        out = function(x, numbers) if left else function(numbers, x)
        want = function(a, numbers) if left else function(numbers, a)
        assert (out.shape, out.dtype) == ((1, 3), np.dtype(object))
        assert [y.data for y in out.ravel()] == pytest.approx(want.ravel().tolist(), rel=1e-15)


@pytest.mark.parametrize("combine", [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow])
def test_an_array_and_a_value_give_an_array_of_values_in_both_orders(combine):
    numbers = np.array([2.0, 3.0])
    for out, want in [
        (combine(numbers, Value(2.0)), combine(numbers, 2.0)),
        (combine(Value(2.0), numbers), combine(2.0, numbers)),
        (combine(numbers.astype(object), Value(2.0)), combine(numbers, 2.0)),
    ]:
        assert (out.dtype, [x.data for x in out]) == (np.dtype(object), list(want))


def test_choices_clips_comparisons_and_sums_of_numpy_keep_the_graph():
    x, y = Value(0.5, "x"), Value(2.0, "y")
    assert (np.array([0.0, 1.0]) < x).tolist() == [True, False]
    chosen = np.where(np.array([True, False]), x, y)
    assert [chosen[0] is x, chosen[1] is y] == [True, True]
    out = np.clip(y, 0.0, 1.0) + np.clip(x, 0.0, 1.0) * np.sum(np.array([x, y])) + np.dot(np.array([x, y]), [3.0, 4.0])
    out.backward()
    assert (out.data, x.grad, y.grad) == (11.75, 0.5 + 2.5 + 3.0, 0.5 + 4.0)
    assert np.mean(np.array([x, y])).data == 1.25
    assert np.array([x, y]).std().data == 0.75


def test_heaviside_of_numpy_is_a_step_whose_height_at_zero_is_a_number():
    for number in (-0.5, 0.0, 2.0):
        x = Value(number)
        step = np.heaviside(x, 0.25)
        step.backward()
        assert (step.data, x.grad) == (np.heaviside(number, 0.25), 0.0)
    with pytest.raises(TypeError, match="expected"):
        np.heaviside(x, Value(0.25))


@pytest.mark.slow
def test_special_functions_of_scipy_find_their_rows():
    special = pytest.importorskip("scipy.special", reason="SciPy is not installed")
    for name, own in [("erf", autodiff.erf), ("erfc", autodiff.erfc), ("expit", autodiff.sigmoid)]:
        assert getattr(special, name)(Value(0.5)).data == own(0.5)


def test_in_lists_and_sets_a_value_is_found_by_identity_and_beside_numbers_by_number():
    a, b = Value(0.0), Value(0.0)
    values = [a, b]
    assert (values.index(b), values.count(a), b in [a], 0.0 in values) == (1, 1, False, True)
    values.remove(b)
    assert values[0] is a
    assert len({a, b, a}) == 2
    assert {a: 1, b: 2}[b] == 2
    nan = Value(math.nan)
    assert nan in [nan]
    assert nan != math.nan


def test_a_value_equals_a_number_without_the_hash_of_it():
    assert (Value(2.0) == 2.0, Value(2.0) in {2.0}) == (True, False)  # documented: a Value hashes by identity


@pytest.mark.parametrize("label", [3, None, 2.5, b"x"])
def test_a_label_that_is_set_is_text(label):
    x = Value(1.0, "x")
    with pytest.raises(TypeError, match="expected a label as text, got "):
        x.label = label
    assert x.label == "x"


def test_a_gradient_is_forgotten_by_zero_grad_and_not_by_none():
    x = Value(1.0)
    with pytest.raises(TypeError, match=r"zero_grad\(\) forgets a gradient"):
        x.grad = None


def test_jacobian_and_hessian_are_the_derivatives_of_the_book():
    x, y = Value(2.0), Value(3.0)
    rows = autodiff.jacobian([x**2 * y, x + y, Value(1.0)], (x, y))
    assert [[slope.data for slope in row] for row in rows] == [[12.0, 4.0], [1.0, 1.0], [0.0, 0.0]]
    second = autodiff.hessian(x**2 * y, [x, y])
    assert [[slope.data for slope in row] for row in second] == [[6.0, 4.0], [4.0, 0.0]]
    assert grad(second[0][1], x).data == 2.0
    assert autodiff.hessian(x**3, x)[0][0].data == 12.0
    with pytest.raises(TypeError, match="inputs must be Values"):
        autodiff.jacobian(x, [1.0])
