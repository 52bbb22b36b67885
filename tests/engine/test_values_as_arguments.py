"""Values as arguments: what the optimizers, the penalties, the gradient check and the replay may be given."""

import pytest

from autodiff import Value, nn
from autodiff.engine.arguments import named_values, values_of

A, B = Value(1.0, "a"), Value(2.0)


class Restricted(nn.Module):
    """A module that says itself what is to be trained, as in micrograd."""

    def __init__(self):
        self.frozen, self.free = Value(1.0), Value(2.0)

    def parameters(self):
        return [self.free]


class Foreign:
    """What is no `nn.Module`, but has parameters."""

    def parameters(self):
        return (A, B)


GIVEN = {
    "one": (A, [("a", A)]),
    "several": ((A, B), [("a", A), ("", B)]),
    "an iterator": (iter([B]), [("", B)]),
    "a mapping": ({"w": B, 1: A}, [("w", B), ("1", A)]),
    "nothing": ([], []),
    "a module of others": (Foreign(), [("a", A), ("", B)]),
}


@pytest.mark.parametrize(("given", "expected"), GIVEN.values(), ids=GIVEN)
def test_values_come_in_order_under_the_names_that_they_have(given, expected):
    found = named_values("parameters", given)
    assert [(name, id(value)) for name, value in found] == [(name, id(value)) for name, value in expected]


def test_a_module_names_its_parameters_by_their_paths_and_says_itself_which_they_are():
    assert [name for name, _ in named_values("x", nn.MLP(1, [1], seed=0))] == [
        "layers.0.neurons.0.weights.0",
        "layers.0.neurons.0.bias",
    ]
    module = Restricted()
    ((name, value),) = named_values("x", module)
    assert (name, value is module.free) == ("free", True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3.0, "^xs must be several Values, such as a list of them, got float"),
        ("w", "^xs must be several Values, such as a list of them, got str"),
        (nn.MLP, "^xs must be several Values, such as a list of them, got type"),
        ([A, 3.0], "^xs must be Values, got float: 3.0$"),
        ({"w": None}, "^xs must be Values, got NoneType for 'w': None$"),
    ],
    ids=["a number", "a text", "a class", "a number among Values", "None in a mapping"],
)
def test_what_holds_no_values_is_refused_with_what_was_given(given, message):
    with pytest.raises(TypeError, match=message):
        named_values("xs", given)


def test_those_who_ask_for_values_alone_are_given_them_of_a_mapping_too_but_not_of_a_module():
    assert [id(value) for value in values_of("xs", {"w": B, "b": A})] == [id(B), id(A)]
    with pytest.raises(TypeError, match=r"^expected Values, got a MLP: give its \.parameters\(\)"):
        values_of("xs", nn.MLP(1, [1], seed=0))
