"""Neurons, layers of them, and the multilayer perceptron."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral
from typing import Any

from autodiff.engine import functions, ops, value
from autodiff.engine.arguments import values_of
from autodiff.engine.value import Number, Value, as_value, node_of
from autodiff.nn.module import Module
from autodiff.support.arguments import check_flag, chosen, positive, rng_of
from autodiff.support.operands import each, several

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


def uniform(rng: random.Random, n_in: int, n_out: int) -> float:
    """Return a weight from the uniform distribution on -1 to 1."""
    return rng.uniform(-1, 1)


def xavier(rng: random.Random, n_in: int, n_out: int) -> float:
    """Return a weight from the uniform distribution on -r to r, r = sqrt(6/(n_in + n_out)), for tanh and sigmoid.

    Reference: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks".
    """
    bound = (6 / (n_in + n_out)) ** 0.5
    return rng.uniform(-bound, bound)


def he(rng: random.Random, n_in: int, n_out: int) -> float:
    """Return a weight from the normal distribution with mean 0 and standard deviation sqrt(2/n_in), for relu.

    Reference: He, Zhang, Ren and Sun 2015 (arXiv:1502.01852).
    """
    return rng.gauss(0, (2 / n_in) ** 0.5)


INITIALISERS: dict[str, Initialiser] = {"uniform": uniform, "xavier": xavier, "he": he}


class Neuron(Module):
    """One neuron: z = w1 x1 + ... + wn xn + b, and f(z) for its activation f.

    Args:
        n_in: how many inputs it has.
        activation: a function of a Value, or the name of one in `ACTIVATIONS`.
        bias: whether it has a bias; a bias starts at 0.
        init: how weights start: ``"uniform"``, ``"xavier"``, ``"he"``, or a function of (rng, n_in, n_out).
        seed: an integer, or a `random.Random` to go on drawing from; without one, Python's global `random` is used.
        expand: build z from single multiplications and additions instead of one `dot` node.
        n_out: how many neurons its layer has, which some initialisers use.
        nonlin: False leaves the activation out, as in micrograd: the same as ``activation="identity"``.

    The weights and the bias have micrograd's names, too: `w`, a list, and `b`.

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
        nonlin: bool = True,
    ) -> None:
        draw = chosen("init", init, INITIALISERS)
        rng = rng_of(seed)
        positive("n_in", n_in)
        check_flag("bias", bias)
        check_flag("expand", expand)
        check_flag("nonlin", nonlin)
        self.weights: Sequence[Value] = tuple([Value(draw(rng, n_in, n_out), f"w{i}") for i in range(n_in)])
        self.bias = Value(0.0, "b") if bias else None
        chosen_activation: Activation = chosen("activation", activation, ACTIVATIONS)
        self.activation = chosen_activation if nonlin else _identity
        self.expand = expand
        self._read: tuple[Any, ...] = (None, (), None, (), ())  # what `fire` read last, and at which edition

    @property
    def w(self) -> list[Value]:
        """The weights as micrograd has them, a list: changing it changes the neuron."""
        if not isinstance(self.weights, list):
            self.weights = list(self.weights)
        return self.weights

    @w.setter
    def w(self, weights: Iterable[Value]) -> None:
        checked = values_of("w", weights)
        self.weights = weights if isinstance(weights, list) else checked

    @property
    def b(self) -> Value | None:
        """The bias, as micrograd calls it; None without one."""
        return self.bias

    @b.setter
    def b(self, bias: Number | None) -> None:
        self.bias = None if bias is None else as_value(bias)

    @property
    def nonlin(self) -> bool:
        """Whether there is an activation, as micrograd asks it."""
        return self.activation is not _identity

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
        weights, bias, dot = self.weights, self.bias, ops.DOT.value
        edition, read, last, own, a = self._read
        if edition is not value.edition or read is not weights or last is not bias:
            edition = value.edition  # before the numbers: another thread may be setting some
            weights = tuple(weights)  # which cannot change unseen; a list is read anew each time
            own = (weights,) if bias is None else (weights, bias)
            a = each(lambda one: one._data, own)
            self._read = edition, weights, bias, own, a
        out = dot(a[0], numbers) if bias is None else dot(a[0], numbers, a[1])
        return self.activation(node_of(ops.DOT, own, x, out, a, numbers))

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
        nonlin: see `Neuron`.
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
        nonlin: bool = True,
    ) -> None:
        positive("n_out", n_out)
        options: dict[str, Any] = {"bias": bias, "init": init, "seed": rng_of(seed), "expand": expand, "nonlin": nonlin}
        self.neurons = [Neuron(n_in, activation, n_out=n_out, **options) for _ in range(n_out)]

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
        rng = rng_of(seed)
        self.layers = [
            Layer(n, m, output if i == len(n_outs) else activation, bias=bias, init=init, seed=rng, expand=expand)
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
