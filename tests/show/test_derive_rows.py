"""How a derivation reads: its rows, what it leaves out, and what it says of the last product."""

import pytest

from autodiff import Value, derive, dot, nn, prod, sum
from autodiff.formulas.parse import parse


@pytest.mark.parametrize(
    ("expression", "numbers", "rows"),
    [
        ("x**2", {"x": 3}, ["2 * x", "2 * 3", "6"]),
        ("k*x", {"x": 2, "k": -3}, ["k", "-3"]),
        ("relu(x)*k", {"x": -2, "k": 3}, ["(dL/dv1)(dv1/dx)", "k * [x > 0]", "3 * [-2 > 0]", "3 * 0", "0"]),
        (
            "exp(k*x)",
            {"x": -2, "k": -3},
            [
                "(dL/dv1)(dv1/dx)",
                "exp(v1) * k",
                "exp(6) * (-3)",
                "403.429 * (-3)",
                "403.429 * (-3)  (local error dL/dv1 * other factor k)",
                "-1210.29",
            ],
        ),
        (
            "tanh(x)*m - sin(x)*k",
            {"x": 0, "k": 2, "m": -4},
            [
                "(dL/dv4)(dv4/dv3)(dv3/dx) + (dL/dv2)(dv2/dv1)(dv1/dx)",
                "-1 * k * cos(x) + 1 * m * (1 - tanh(x)**2)",
                "-1 * 2 * cos(0) + 1 * (-4) * (1 - tanh(0)**2)",
                "-1 * 2 * 1 + 1 * (-4) * 1",
                "-2 + (-4)",
                "-6",
            ],
        ),
        (
            "m*x - k*x",
            {"x": 1, "k": 2, "m": -4},
            ["(dL/dv2)(dv2/dx) + (dL/dv1)(dv1/dx)", "-1 * k + 1 * m", "-1 * 2 + 1 * (-4)", "-2 + (-4)", "-6"],
        ),
        (
            "exp(x)*m + k*x",
            {"x": 0, "k": -2, "m": -4},
            [
                "(dL/dv3)(dv3/dx) + (dL/dv2)(dv2/dv1)(dv1/dx)",
                "1 * k + 1 * m * exp(x)",
                "1 * (-2) + 1 * (-4) * exp(0)",
                "1 * (-2) + 1 * (-4) * 1",
                "-2 + (-4)",
                "-6",
            ],
        ),
    ],
)
def test_the_rows_read_as_people_write_them(expression, numbers, rows):
    root, leaves = parse(expression, numbers)
    root.label = "L"
    (line, *_) = derive(root, leaves["x"]).lines
    assert line.rows() == rows


def test_a_minus_is_in_brackets_but_at_the_start_of_a_row():
    x, a, b = Value(1.0), Value(5.0), Value(3.0)
    L = dot([2.0, -4.0], [x * a, x * b])
    assert "= 2 * a + (-4) * b\n" in str(derive(L, x))
    L = dot([-2.0, 4.0], [x * a, x * b])
    assert "= -2 * a + 4 * b\n" in str(derive(L, x))
    w, x = Value(1.0), Value(3.0)
    y = w * x
    L = y * -1.0
    assert (
        r"\underbrace{-1}_{\text{local error }\frac{dL}{dy}} \cdot \underbrace{3}_{\text{input }x}"
        in derive(L, w).latex
    )
    L = (w * Value(-3.0, "x")).exp()
    assert r"\underbrace{\left(-3\right)}_{\text{input }x" in derive(L, w).latex


@pytest.mark.parametrize("n", [12, 13])
def test_of_more_than_twelve_factors_terms_and_nodes_the_first_ones_and_the_last_are_written(n):
    x = Value(0.5, "x")
    y = x
    for _ in range(n):
        y = y.sin()
    factors = [f"(dy/dv{n - 1})", *[f"(dv{i + 1}/dv{i})" for i in range(n - 2, 0, -1)], "(dv1/dx)"]
    numbers = [str(i + 1) for i in range(n)]
    if n == 13:
        factors[9:12], numbers[9:12] = ["..."], ["..."]
    derivation = derive(y, x)
    symbols = derivation.lines[0].rows()[0]
    assert symbols == "".join(factors)
    assert [line.split()[0] for line in str(derivation).partition("where\n")[2].splitlines()] == [
        *[f"v{i + 1}" for i in range(11 if n == 12 else 9)],
        *(["...", "y"] if n == 13 else ["y"]),
    ]
    assert derivation.latex.count(r"\text{where }v_{1} &= ") == derivation.latex.count(r"\text{where }") == 1
    assert (r"\cdot \dots \cdot" in derivation.latex) == (r"&\dots" in derivation.latex) == (n == 13)
    total = sum([x * float(i + 1) for i in range(n)])
    assert derive(total, x).lines[0].rows()[-2] == " + ".join(numbers)


@pytest.mark.parametrize(
    ("build", "spoken_of"),
    [
        (lambda a, b, c: (a * b + c) * b - c, ["y", "L"]),
        (lambda a, b, c: ((a * b + c) * b - c) * b, ["v4", "y", "L"]),  # a formula would be too deep
        (lambda a, b, c: (lambda v: v + v * c)(a * b), ["v1", "y", "L"]),  # used twice
        (lambda a, b, c: (a * b).tanh(), ["v1", "y", "L"]),  # its user is no arithmetic
        (lambda a, b, c: a.tanh() * b, ["v1", "y", "L"]),  # nor is it
    ],
)
def test_what_nobody_named_is_put_in_where_it_is_short_and_used_once(build, spoken_of):
    a = Value(0.5, "a")
    y = build(a, Value(2.0, "b"), Value(3.0, "c"))
    y.label = "y"
    L = y.sin()
    assert [name for name, _, _ in derive(L, a).where] == spoken_of


@pytest.mark.parametrize(
    ("name", "other", "role"),
    [
        *[(name, "q", "input q") for name in ("w", "w1", "w_12", "w[0]", "weight", "weight[3]")],
        *[("p", name, f"input {name}") for name in ("x", "x0", "x_2", "x[1]", "input")],
        *[("p", "q", "other factor q"), ("width", "q", "other factor q"), ("p", "xs", "other factor xs")],
    ],
)
def test_what_stands_beside_the_local_error_is_an_input_if_names_say_so(name, other, role):
    p = Value(2.0, name)
    q = Value(3.0, other)
    for product in (p * q, q * p):
        y = product.tanh()
        assert f" * {role})" in str(derive(y, p))


def test_beside_the_local_error_of_a_dot_stands_the_one_that_it_is_multiplied_by():
    w, x, b = [Value(0.5, "p"), Value(0.25, "q")], [Value(2.0, "r"), Value(3.0, "s")], Value(1.0)
    y = dot(w, x, b).tanh()
    roles = [str(derive(y, node)).partition("(local error dy/dv1 * ")[2].partition(")")[0] for node in (*w, *x, b)]
    assert roles == ["input r", "input s", "weight p", "weight q", ""]


def test_to_a_parameter_of_a_model_the_other_factor_is_the_input():
    class Gain(nn.Module):
        def __init__(self):
            self.gain = Value(2.0, "gain")

    model, q = Gain(), Value(3.0)
    y = (model.gain * q).tanh()
    assert "* input q)" in str(derive(y, model.gain))


def test_there_is_no_local_error_where_ways_meet_or_nothing_lies_between():
    w, x = Value(2.0), Value(3.0)
    assert "local error" not in str(derive(w * x + w * 4.0, w)) + str(derive(w * x, w)) + str(
        derive((w * x) ** 2 * w, w)
    )


def test_a_stranger_without_a_name_is_called_x():
    L = Value(1.0) * 2.0
    assert str(derive(L, Value(3.0))) == "dL/dx = 0: L does not depend on x"
    assert str(derive(L, Value(3.0, "s"))) == "dL/ds = 0: L does not depend on s"


def test_of_a_product_of_another_kind_no_local_error_is_told():
    w, x = Value(2.0), Value(3.0)
    assert "local error" not in str(derive(prod(w, x).tanh(), w))


def test_parallel_ways_through_what_nobody_named_are_added_in_the_order_of_the_operands():
    a, b, c = Value(2.0), Value(3.0), Value(4.0)
    y = a * b + a * c
    L = y.sin()
    assert str(derive(L, a)).splitlines()[1] == "      = cos(y) * (b + c)"


def test_a_node_without_a_name_is_told_once():
    w, x = Value(2.0), Value(3.0)
    L = (w * x).tanh()
    assert [name for name, _, _ in derive(L, L.parents[0]).where] == ["v1", "L"]


def test_a_way_that_is_worth_two_contributions_is_told_by_their_sum():
    a = Value(2.0)
    y = a * a
    L = y + a * 3.0
    (line,) = derive(L, a).lines
    assert sorted(line.contributions) == [3.0, 4.0]
    assert line.rows()[-2:] in (["3 + 4", "7"], ["4 + 3", "7"])
