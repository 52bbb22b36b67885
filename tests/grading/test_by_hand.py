"""`check_gradient` judges gradients that were worked out by hand, and names what explains a whole one."""

import math

import pytest

from autodiff import Value, check_gradient, sum as total

XS, TS = [1.0, 2.0, 3.0, -1.5, 0.5], [2.0, 3.5, 7.0, -2.0, 1.5]


def loss(wb):
    w, b = wb
    return sum((w * x + b - t) ** 2 for x, t in zip(XS, TS, strict=True)) / len(XS)


def gradient(wb):
    w, b = wb
    errors = [w * x + b - t for x, t in zip(XS, TS, strict=True)]
    return [sum(2 * e * x for e, x in zip(errors, XS, strict=True)) / len(XS), sum(2 * e for e in errors) / len(XS)]


AT = [0.7, -0.3]


def scaled(factor):
    return lambda wb: [factor * g for g in gradient(wb)]


def test_a_right_gradient_passes():
    report = check_gradient(loss, gradient, AT)
    assert report.ok
    assert report.fault is None
    assert [c.verdict for c in report.check.comparisons] == ["ok", "ok"]
    assert [c.label for c in report.check.comparisons] == ["x[0]", "x[1]"]


@pytest.mark.parametrize(
    ("factor", "name"),
    [
        (5, "mean missing"),
        (-1, "sign"),
        (0.5, "factor 1/2"),
        (2, "factor 2"),
        (0.2, "factor 1/5"),
        (0.37, "factor 0.37"),
    ],
)
def test_a_factor_of_the_whole_is_named(factor, name):
    report = check_gradient(loss, scaled(factor), AT)
    assert not report.ok
    assert report.fault.name == name
    assert name in str(report)


def test_zeros_are_named_and_one_wrong_entry_is_not_explained_by_a_factor():
    assert check_gradient(loss, [0.0, 0.0], AT).fault.name == "zeros"
    right = gradient(AT)
    report = check_gradient(loss, [right[0], -right[1]], AT)
    assert not report.ok
    assert report.fault is None
    assert [c.verdict for c in report.check.comparisons] == ["ok", "WRONG"]


def test_a_number_alone_is_enough():
    assert check_gradient(math.sin, math.cos, 0.3)
    assert check_gradient(math.sin, lambda x: -math.cos(x), 0.3).fault.name == "sign"
    assert check_gradient(math.sin, math.cos(0.3), 0.3)


def test_a_kink_is_no_mistake_and_the_edge_of_a_domain_has_one_side():
    for slope in (0.0, 0.25, 1.0):
        report = check_gradient(lambda x: max(x, 0.0), slope, 0.0)
        assert report.ok
        assert [c.verdict for c in report.check.comparisons] == ["kink"]
    assert not check_gradient(abs, 3.0, 0.0).ok
    assert check_gradient(lambda x: x**1.5 if x >= 0 else math.sqrt(x), 0.0, 0.0)


def test_matrices_of_numpy_are_read_and_their_transposes_named():
    np = pytest.importorskip("numpy", reason="arrays are NumPy's")
    X, W = np.array([[1.0, 2.0], [3.0, 5.0], [-1.0, 0.5]]), np.array([[0.3, -0.2, 1.0], [0.5, 0.7, -0.4]])
    square, v = np.array([[0.3, -0.2], [0.5, 0.7]]), np.array([1.0, -2.0])

    def f(W):
        return float(((X @ W) ** 2).sum())

    def mine(W):
        return 2 * X.T @ (X @ W)

    assert check_gradient(f, mine, W)
    assert check_gradient(f, lambda W: mine(W).T, W).fault.name == "transposed"
    assert check_gradient(f, lambda W: 3 * mine(W), W).fault.name == "mean missing"
    assert check_gradient(
        lambda S: float(v @ S @ np.array([1.0, 3.0])), np.outer([1.0, 3.0], v), square
    ).fault.name == ("transposed")
    with pytest.raises(ValueError, match=r"shape of `at`, \(2, 3\), got \(6,\)"):
        check_gradient(f, lambda W: mine(W).ravel(), W)


def test_nested_lists_and_functions_that_answer_values_will_do():
    at = [[1.0, 2.0], [3.0, 4.0]]
    report = check_gradient(lambda m: total([Value(x) * x for row in m for x in row]), [[2.0, 4.0], [6.0, 8.0]], at)
    assert report
    assert [c.label for c in report.check.comparisons] == ["x[0][0]", "x[0][1]", "x[1][0]", "x[1][1]"]


def test_what_cannot_be_checked_is_refused():
    with pytest.raises(TypeError, match="f must be a function"):
        check_gradient(3, 1.0, 1.0)
    with pytest.raises(TypeError, match="expected one real number"):
        check_gradient(math.sin, "cos", 1.0)
    with pytest.raises(TypeError, match="expected one real number"):
        check_gradient(lambda x: [x], 1.0, 1.0)
    with pytest.raises(ValueError, match="lists of the same length"):
        check_gradient(sum, [1.0], [[1.0], 2.0])
    numbers = iter(range(100))
    with pytest.raises(ValueError, match="not deterministic"):
        check_gradient(lambda x: next(numbers), 1.0, 1.0)
