"""Neurons, layers of them, and the multilayer perceptron."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral
from typing import Any

from autodiff import functions, ops, value
from autodiff.arguments import check_flag, chosen, dice_of, positive
from autodiff.nn.module import Module
from autodiff.operands import several
from autodiff.value import Number, Value, as_value, record

Activation = Callable[[Value], Value]
Initialiser = Callable[[random.Random, int, int], float]
ALONE = (Value, str, bytes)  # one input, though Python can iterate over some of them


def _identity(z: Value) -> Value:
    return z


ACTIVATIONS: dict[str, Activation] = {
    "identity": _identity,
    "relu": Value.relu,
    "leaky_relu": functions.leaky_relu,
    "elu": functions.elu,
    "silu": functions.silu,
    "gelu": functions.gelu,
    "softplus": functions.softplus,
    "sigmoid": Value.sigmoid,
    "tanh": Value.tanh,
    "sin": Value.sin,
}


def uniform(dice: random.Random, n_in: int, n_out: int) -> float:
    """Return a weight from the uniform distribution on -1 to 1."""
    return dice.uniform(-1, 1)


def xavier(dice: random.Random, n_in: int, n_out: int) -> float:
    """Return a weight from the uniform distribution on -r to r, r = sqrt(6/(n_in + n_out)), for tanh and sigmoid.

    Reference: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks".
    """
    bound = (6 / (n_in + n_out)) ** 0.5
    return dice.uniform(-bound, bound)


def he(dice: random.Random, n_in: int, n_out: int) -> float:
    """Return a weight from the normal distribution with mean 0 and standard deviation sqrt(2/n_in), for relu.

    Reference: He, Zhang, Ren and Sun 2015 (arXiv:1502.01852).
    """
    return dice.gauss(0, (2 / n_in) ** 0.5)


INITIALISERS: dict[str, Initialiser] = {"uniform": uniform, "xavier": xavier, "he": he}


class Neuron(Module):
    """One neuron: z = w1 x1 + ... + wn xn + b, and f(z) for its activation f.

    Args:
        n_in: how many inputs it has.
        activation: a function of a Value, or the name of one in `ACTIVATIONS`.
        bias: whether it has a bias; a bias starts at 0.
        init: how weights start: ``"uniform"``, ``"xavier"``, ``"he"``, or a function of (dice, n_in, n_out).
        seed: an integer, or a `random.Random` to go on drawing from; without one, Python's global `random` is used.
        expand: build z from single multiplications and additions instead of one `dot` node.
        n_out: how many neurons its layer has, which some initialisers use.

    >>> neuron = Neuron(2, "tanh", seed=0)
    >>> [p.label for p in neuron.parameters()], neuron([1.0, 2.0]).op.name
    (['w0', 'w1', 'b'], 'tanh')
    """

    __slots__ = ("weights", "bias", "activation", "expand", "_read")  # noqa: RUF023  # parameters are listed in this order

    def __init__(
        self,
        n_in: int,
        activation: str | Activation = "relu",
        *,
        bias: bool = True,
        init: str | Initialiser = "uniform",
        seed: int | random.Random | None = None,
        expand: bool = False,
        n_out: int = 1,
    ) -> None:
        draw = chosen("init", init, INITIALISERS)
        dice = dice_of(seed)
        positive("n_in", n_in)
        check_flag("bias", bias)
        check_flag("expand", expand)
        self.weights = tuple([Value(draw(dice, n_in, n_out), f"w{i}") for i in range(n_in)])
        self.bias = Value(0.0, "b") if bias else None
        self.activation: Activation = chosen("activation", activation, ACTIVATIONS)
        self.expand = expand
        self._read: tuple[object, tuple[Value, ...], tuple[float, ...]] = (None, (), ())

    def __call__(self, inputs: Number | Sequence[Number]) -> Value:
        """Return f(w . x + b).

        Raises:
            ValueError: if there are not as many inputs as weights.
        """
        x = as_inputs(inputs, len(self.weights))
        return self.fire(x, tuple([v._data for v in x]))

    def fire(self, x: tuple[Value, ...], numbers: tuple[float, ...]) -> Value:
        """Return the output for inputs that are Values, one for each weight, and their numbers, read once a layer."""
        if self.expand:
            return self.activation(self._expanded(x))
        weights, bias, dot, activation = self.weights, self.bias, ops.DOT.value, self.activation
        edition, read, a = self._read
        if edition is not value.edition or read is not weights:
            edition = value.edition  # before the numbers: another thread may be setting some
            weights = self.weights = tuple(weights)  # a tuple cannot change unseen
            a = tuple([weight._data for weight in weights])
            self._read = edition, weights, a
        b = None if bias is None else bias._data
        out = dot(a, numbers) if b is None else dot(a, numbers, b)
        return activation(record(ops.DOT, weights, x, out, a, numbers, bias, b))

    def _expanded(self, x: tuple[Value, ...]) -> Value:
        products = [weight * v for weight, v in zip(self.weights, x, strict=True)]
        z = products[0]
        for product in products[1:]:
            z = z + product
        return z if self.bias is None else z + self.bias

    def __repr__(self) -> str:
        return f"Neuron({len(self.weights)}, {name_of(self.activation)!r})"


class Layer(Module):
    """Neurons side by side on the same inputs. Takes `n_in` numbers, answers a list of `n_out` Values, or the only one.

    Args:
        n_in: how many inputs each neuron has.
        n_out: how many neurons there are.
        activation: as in `Neuron`, and so are all further arguments.
        bias: see `Neuron`.
        init: see `Neuron`.
        seed: see `Neuron`.
        expand: see `Neuron`.
    """

    __slots__ = ("neurons",)

    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation: str | Activation = "relu",
        *,
        bias: bool = True,
        init: str | Initialiser = "uniform",
        seed: int | random.Random | None = None,
        expand: bool = False,
    ) -> None:
        positive("n_out", n_out)
        dice = dice_of(seed)
        self.neurons = [
            Neuron(n_in, activation, bias=bias, init=init, seed=dice, expand=expand, n_out=n_out) for _ in range(n_out)
        ]

    def __call__(self, inputs: Number | Sequence[Number]) -> Any:
        """Return the outputs, a list of Values or the only one; wrong numbers of inputs raise `ValueError`."""
        x = as_inputs(inputs, len(self.neurons[0].weights))
        numbers = tuple([v._data for v in x])
        outputs = [neuron.fire(x, numbers) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        first = self.neurons[0]
        return f"Layer({len(first.weights)}, {len(self.neurons)}, {name_of(first.activation)!r})"


class MLP(Module):
    """A multilayer perceptron: layers, each fed with the outputs of the one before.

    Args:
        n_in: how many inputs it takes.
        n_outs: how many neurons each layer has, the output layer last.
        activation: of the hidden layers; as in `Neuron`, and so are all further arguments.
        output: the activation of the output layer.
        bias: see `Neuron`.
        init: see `Neuron`.
        seed: see `Neuron`.
        expand: see `Neuron`.

    >>> model = MLP(2, [3, 1], seed=0)
    >>> len(model.parameters()), list(dict(model.named_parameters()))[-1]
    (13, 'layers.1.neurons.0.bias')
    """

    def __init__(
        self,
        n_in: int,
        n_outs: Iterable[int],
        activation: str | Activation = "relu",
        *,
        output: str | Activation = "identity",
        bias: bool = True,
        init: str | Initialiser = "uniform",
        seed: int | random.Random | None = None,
        expand: bool = False,
    ) -> None:
        if isinstance(n_outs, Integral):
            raise TypeError(f"n_outs must list the size of each layer, such as [{n_outs}], got the number {n_outs}")
        n_outs = several("n_outs", n_outs, "sizes of layers")
        if not n_outs:
            raise ValueError("an MLP needs at least one layer, got n_outs=[]: give the sizes, such as [16, 1]")
        chosen("activation", activation, ACTIVATIONS)  # also where there is no hidden layer to use it
        sizes = [n_in, *n_outs]
        dice = dice_of(seed)
        self.layers = [
            Layer(n, m, output if i == len(n_outs) else activation, bias=bias, init=init, seed=dice, expand=expand)
            for i, (n, m) in enumerate(zip(sizes, n_outs, strict=False), start=1)
        ]

    def __call__(self, inputs: Number | Sequence[Number]) -> Any:
        """Return the outputs, a list of Values or the only one; wrong numbers of inputs raise `ValueError`."""
        x: Any = inputs
        for layer in self.layers:
            x = layer(x)
        return x

    def __repr__(self) -> str:
        return f"MLP({', '.join(map(repr, self.layers))})"


def as_inputs(inputs: Any, n_in: int) -> tuple[Value, ...]:
    """Return the inputs as Values; a lone number is a list of one.

    Raises:
        ValueError: if there are not `n_in` of them.
    """
    alone = isinstance(inputs, ALONE) or not hasattr(inputs, "__iter__")
    x = (inputs,) if alone else tuple(inputs)
    for v in x:
        if v.__class__ is not Value:
            x = tuple(map(as_value, x))
            break
    if len(x) != n_in:
        raise ValueError(f"expected {n_in} input{'s' if n_in > 1 else ''}, got {len(x)}")
    return x


def name_of(function: Callable[..., Any]) -> str:
    """Return a function's name for people."""
    return getattr(function, "__name__", repr(function)).lstrip("_")
