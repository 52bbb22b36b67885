"""What numbers of other libraries and a Value make of each other: the table of docs/numbers.md, row by row."""

import math
import operator
import re
import warnings
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path

import pytest

from autodiff import Value

PAGE = (Path(__file__).parents[2] / "docs" / "numbers.md").read_text()
TABLE = re.findall(r"^\| `(.+?)` \| (.+?) \| (.+?) \|", PAGE, re.MULTILINE)[1:]  # the first is the heading
OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow}


def number(code, monkeypatch):
    monkeypatch.setenv("DEV", "PYTHON")  # tinygrad's device that needs no compiler
    names = {}
    library = re.match(r"([a-z]\w*)\.", code)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if library:
            names[library[1]] = pytest.importorskip(library[1])
        if code.startswith("jax"):
            pytest.importorskip("jax.numpy")
        return eval(code, names)


def entries(thing):
    return thing.to_numpy().ravel() if hasattr(thing, "to_numpy") else thing.ravel()


@pytest.mark.parametrize("sign", OPERATIONS)
@pytest.mark.parametrize(("code", "first", "second"), TABLE, ids=[row[0] for row in TABLE])
def test_each_row_of_the_page_is_so(code, first, second, sign, monkeypatch):
    n, operation = number(code, monkeypatch), OPERATIONS[sign]
    for outcome, swapped in ((first, False), (second, True)):
        v = Value(3.0)

        def apply(x, y=n, swapped=swapped):
            return operation(y, x) if swapped else operation(x, y)

        if outcome.startswith("refused"):
            with pytest.raises(Exception) as caught:  # noqa: PT011  # by it: each library has an error of its own
                apply(v)
            if outcome == "refused":
                assert caught.type is TypeError, caught.value
        else:
            answer = apply(v)
            found = [answer] if outcome == "a Value" else entries(answer)
            plain = [float(n)] if outcome == "a Value" else [float(x) for x in entries(n)]
            assert len(found) == len(plain)
            for value, constant in zip(found, plain, strict=True):
                assert type(value) is Value
                v.grad = 0.0
                value.backward()
                twin = Value(3.0)
                wanted = apply(twin, constant)
                wanted.backward()
                assert (value.data, v.grad) == (wanted.data, twin.grad)


def test_the_page_has_every_kind_of_outcome():
    assert len(TABLE) > 45
    assert {outcome for _, *outcomes in TABLE for outcome in outcomes} == {
        "a Value",
        "Values",
        "refused",
        "refused by it",
    }


STRANGE = [
    row[0] for row in TABLE if re.match("torch|jax|casadi.[SM]X|uncertainties|sym(py|engine).Symbol|numpy.ma", row[0])
]


@pytest.mark.parametrize("code", STRANGE)
def test_a_refusal_says_what_to_do(code, monkeypatch):
    n = number(code, monkeypatch)
    for attempt in (lambda: Value(3.0) * n, lambda: n * Value(3.0)):
        with pytest.raises(TypeError, match="take "):
            attempt()
    with pytest.raises(TypeError, match="expected one real number"):
        Value(n)


@pytest.mark.parametrize(
    "near", [Fraction(10**17 + 1, 10**17), Fraction(1, 3), 2**53 + 1, -(2**53) - 1, 10**400, Decimal("0.1")], ids=str
)
def test_comparisons_are_as_exact_as_those_of_floats(near):
    x = float(near) if abs(near) < 10**300 else 1.7e308
    for relation in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne):
        assert relation(Value(x), near) is relation(x, near)
        assert relation(near, Value(x)) is relation(near, x)


def test_a_long_double_does_not_ask_without_an_end():
    np = pytest.importorskip("numpy")
    v = Value(3.0)
    (np.longdouble(2) * v * np.longdouble(2)).backward()
    assert v.grad == 4.0


def test_a_symbol_that_says_it_is_nan_is_no_number():
    class Symbol:
        def __float__(self):
            return math.nan

    with pytest.raises(TypeError, match="expected one real number"):
        Value(Symbol())
    with pytest.raises(TypeError):
        Value(1.0) + Symbol()
    assert math.isnan(Value(Decimal("nan")).data)


def test_dask_knows_a_leaf_by_itself_and_not_by_its_number():
    dask = pytest.importorskip("dask")
    a, b = Value(2.0), Value(2.0)
    square = dask.delayed(lambda x: x * x)
    loss = dask.delayed(lambda x, y: x + y)(square(a), square(b)).compute(scheduler="synchronous")
    loss.backward()
    assert (loss.data, a.grad, b.grad) == (8.0, 4.0, 4.0)


def slope(leaf):
    (leaf * leaf).backward()
    return leaf


def test_another_process_fills_the_gradients_of_copies():
    leaf = Value(2.0, label="w")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        copy = pool.submit(slope, leaf).result()
    assert (copy.grad, copy.label) == (4.0, "w")
    assert copy is not leaf
    assert leaf.grad == 0.0
