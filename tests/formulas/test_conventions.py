"""`conventions` says what is so: the words of each, and the numbers that they promise."""

import inspect

import pytest

import autodiff
from autodiff import Value, conventions, grad
from autodiff.engine import functions, ops, reductions


def names():
    return sorted(
        name
        for room in (functions, reductions)
        for name, function in vars(room).items()
        if inspect.isfunction(function)
        and function.__module__ == room.__name__
        and hasattr(autodiff, name)
        and not name.startswith("_")
    )


@pytest.mark.parametrize("name", names())
def test_each_row_with_a_branch_or_a_domain_has_a_convention(name):
    row = getattr(ops, name.upper(), None)
    said = conventions(name)
    if row is not None and (row.piecewise or row.domain):
        assert said != "no kink, tie or edge."
        assert f"Convention: {said[:20]}" in " ".join(inspect.getdoc(getattr(autodiff, name)).split())


SLOPES = [  # a name, what it says, the function, where, the slopes
    ("abs", "at 0 the slope is 0", abs, (0.0,), (0.0,)),
    ("relu", "at 0 the slope is 0", autodiff.relu, (0.0,), (0.0,)),
    ("leaky_relu", "at 0 the slope is that of the left", lambda x: autodiff.leaky_relu(x, 0.25), (0.0,), (0.25,)),
    ("elu", "at 0 the slope is alpha", lambda x: autodiff.elu(x, 2.0), (0.0,), (2.0,)),
    ("maximum", "1/2 for each", autodiff.maximum, (3.0, 3.0), (0.5, 0.5)),
    ("minimum", "1/2 for each", autodiff.minimum, (3.0, 3.0), (0.5, 0.5)),
    ("max", "1/k for each", lambda x, y: autodiff.max(x, y, 3.0), (3.0, 3.0), (1 / 3, 1 / 3)),
    ("clip", "a bound belongs to the inside: there the slope is 1", lambda x: autodiff.clip(x, 0, 1), (1.0,), (1.0,)),
    ("hypot", "at the origin both slopes are 0", autodiff.hypot, (0.0, 0.0), (0.0, 0.0)),
    ("sqrt", "at 0 the slope is inf", autodiff.sqrt, (0.0,), (float("inf"),)),
    ("asin", "at -1 and 1 the slope is inf", autodiff.asin, (1.0,), (float("inf"),)),
    ("acos", "at -1 and 1 the slope is -inf", autodiff.acos, (1.0,), (-float("inf"),)),
    ("**", "0**0 is 1, with the slope 0 by both", lambda x, y: x**y, (0.0, 0.0), (0.0, 0.0)),
]


@pytest.mark.parametrize(("name", "said", "function", "at", "slopes"), SLOPES, ids=[row[0] for row in SLOPES])
def test_what_it_says_is_so(name, said, function, at, slopes):
    assert said in conventions(name)
    leaves = [Value(x) for x in at]
    found = grad(function(*leaves), *leaves)
    assert tuple(slope.data for slope in (found if len(at) > 1 else [found])) == slopes


def test_an_unknown_name_lists_near_ones():
    with pytest.raises(ValueError, match="no operation 'rellu': did you mean relu"):
        conventions("rellu")
    with pytest.raises(ValueError, match="there are abs, "):
        conventions("")
    with pytest.raises(TypeError, match="expected the name of an operation"):
        conventions(autodiff.relu)


def test_an_error_at_an_edge_notes_where_its_convention_stands():
    with pytest.raises(autodiff.DomainError) as caught:
        autodiff.log(Value(0.0))
    assert caught.value.__notes__ == ['autodiff.conventions("log") says what it answers at its edges']
    with pytest.raises(ZeroDivisionError) as caught:
        Value(1.0) / 0
    assert conventions(caught.value.__notes__[0].split('"')[1])


def test_an_operation_of_ones_own_has_no_note():
    def value(x):
        raise ValueError

    with pytest.raises(autodiff.DomainError) as caught:
        ops.Op("mine", value, lambda out, x: (1.0,), "mine({x})", "luck")(1.0)
    assert not hasattr(caught.value, "__notes__")
