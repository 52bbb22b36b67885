"""Optimizers: rules that move parameters against their gradients.

A rule is `update(w, g, state, rate, step)`: from a parameter w and its gradient g, the new w and the new state, which
is what a rule remembers of the steps before: a velocity, or the first and the second moment. A rule is plain
arithmetic, so it serves a float and an array alike. The rules and their defaults are those of PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from autodiff.engine.arguments import values_of
from autodiff.engine.value import Value
from autodiff.nn.schedules import Schedule
from autodiff.support.arguments import check_flag, check_range
from autodiff.support.atomic import all_or_nothing
from autodiff.support.operands import several

State = tuple[Any, ...]  # of one parameter; empty before its first step


class Optimizer:
    """What all optimizers share: parameters, each with its state, a learning rate or schedule, and the count of steps.

    Args:
        parameters: the leaves to move.
        lr: the learning rate, a number or a schedule: a function of the number of steps already made.
        weight_decay: adds weight_decay x w to each gradient, which is the gradient of an L2 penalty.
    """

    def __init__(self, parameters: Iterable[Value], lr: float | Schedule, *, weight_decay: float = 0.0) -> None:
        self.parameters = values_of("parameters", parameters)
        if not self.parameters:
            raise ValueError(f"{type(self).__name__} got no parameters: give model.parameters()")
        for parameter in self.parameters:
            if parameter.parents:
                raise ValueError(f"only leaves can be moved, this Value is computed from others: {parameter!r}")
        if len({id(parameter) for parameter in self.parameters}) < len(self.parameters):
            raise ValueError("a parameter is listed twice: it would be moved twice a step")
        if not callable(lr):
            check_range("lr", lr)
        self.lr = lr
        self.weight_decay = check_range("weight_decay", weight_decay)
        self.steps = 0

    _columns: tuple[Any, ...] = ()  # of the state, until it is asked for

    @cached_property
    def state(self) -> list[State]:
        """What the rule remembers of the steps before, of each parameter: `()` before its first step."""
        columns = [column.tolist() for column in self._columns]
        return list(zip(*columns, strict=True)) if columns else [() for _ in self.parameters]

    @property
    def columns(self) -> tuple[Any, ...] | None:
        """The state as replays have it, an array for each number of it; None where it is listed, and may be changed."""
        return None if "state" in vars(self) else self._columns

    @columns.setter
    def columns(self, arrays: tuple[Any, ...]) -> None:
        self._columns = arrays
        vars(self).pop("state", None)  # it is listed when it is asked for, which takes long

    def rate(self) -> float:
        """Return the learning rate of the next step."""
        return check_range("lr", self.lr(self.steps)) if callable(self.lr) else self.lr

    def step(self) -> None:
        """Move each parameter once by its gradient. If anything raises on the way, none has moved."""
        rate = self.rate()
        before = [p.data for p in self.parameters]
        states, steps = self.state, self.steps
        moved = [
            self.update(data, p.grad, state, rate, steps + 1)
            for p, data, state in zip(self.parameters, before, states, strict=True)
        ]
        try:
            self._set([data for data, _ in moved], [state for _, state in moved], steps + 1)
        except BaseException:  # Ctrl-C too
            self._set(before, states, steps)
            raise

    def _set(self, data: Iterable[float], states: list[State], steps: int) -> None:
        for parameter, number in zip(self.parameters, data, strict=True):
            parameter.data = number
        self.state, self.steps = states, steps

    def zero_grad(self) -> None:
        """Forget the gradient of every parameter: it is 0 again."""
        for parameter in self.parameters:
            parameter._grad = None

    def update(self, w: Any, g: Any, state: State, rate: float, step: int) -> tuple[Any, State]:
        """Return the new w and state from w, its gradient g, its state, the rate and the step, counted from 1."""
        raise NotImplementedError(f"{type(self).__name__} must say how it updates a parameter")


class SGD(Optimizer):
    """Gradient descent: w <- w - lr g.

    With momentum m: v <- m v + g, w <- w - lr v. With Nesterov's: w <- w - lr (g + m v). At the first step v is g. The
    velocity v is the state of a parameter.

    Reference: Sutskever, Martens, Dahl and Hinton 2013, "On the importance of initialization and momentum in deep
    learning", in the form of PyTorch.

    >>> w = Value(1.5)
    >>> (w * w).backward(); SGD([w], lr=0.25).step(); w.data
    0.75
    """

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = 0.01,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay=weight_decay)
        self.momentum = check_range("momentum", momentum)
        check_flag("nesterov", nesterov)
        self.nesterov = nesterov
        if nesterov and not momentum:
            raise ValueError("nesterov=True needs a momentum above 0, such as 0.9")

    def update(self, w: Any, g: Any, state: State, rate: float, step: int) -> tuple[Any, State]:
        """Return w - rate x (the gradient, or the velocity)."""
        if self.weight_decay:
            g = g + self.weight_decay * w
        if not self.momentum:
            return w - rate * g, ()
        velocity = self.momentum * state[0] + g if state else g
        return w - rate * (g + self.momentum * velocity if self.nesterov else velocity), (velocity,)


class Adam(Optimizer):
    """Adam: steps scaled by running means of the gradient and of its square, corrected for their start at 0.

        m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g**2
        w <- w - lr (m/(1 - b1**t)) / (sqrt(v/(1 - b2**t)) + eps)

    m is the first moment and v the second, the state of a parameter; t counts the steps from 1.

    Reference: Kingma and Ba 2015 (arXiv:1412.6980).

    >>> w = Value(1.5)
    >>> (w * w).backward(); Adam([w], lr=0.25).step(); round(w.data, 6)
    1.25
    """

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay=weight_decay)
        pair = several("betas", betas)
        if len(pair) != 2:
            raise ValueError(f"betas must be a pair of numbers, got {betas!r}")
        self.betas = (check_range("betas[0]", pair[0], below=1.0), check_range("betas[1]", pair[1], below=1.0))
        self.eps = check_range("eps", eps)

    def update(self, w: Any, g: Any, state: State, rate: float, step: int) -> tuple[Any, State]:
        """Return w moved by the rule above."""
        return self._moved(w, g + self.weight_decay * w, state, rate, step)

    def _moved(self, w: Any, g: Any, state: State, rate: float, step: int) -> tuple[Any, State]:
        b1, b2 = self.betas
        first, second = state or (0.0 * g, 0.0 * g)
        first = b1 * first + (1 - b1) * g
        second = b2 * second + (1 - b2) * g * g
        m, v = first / (1 - b1**step), second / (1 - b2**step)  # corrected for their start at 0
        return w - rate * m / (v**0.5 + self.eps), (first, second)


class AdamW(Adam):
    """Adam with decoupled weight decay: w <- w - lr weight_decay w first, then Adam's step by the plain gradient.

    Reference: Loshchilov and Hutter 2019 (arXiv:1711.05101).

    >>> w = Value(1.5)
    >>> (w * w).backward(); AdamW([w], lr=0.25, weight_decay=0.1).step(); round(w.data, 6)
    1.2125
    """

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def update(self, w: Any, g: Any, state: State, rate: float, step: int) -> tuple[Any, State]:
        """Return w decayed, then moved by Adam's rule."""
        return self._moved(w - rate * self.weight_decay * w, g, state, rate, step)


class RMSprop(Optimizer):
    """RMSprop: steps scaled by a running mean of the gradient's square, the second moment s.

        s <- a s + (1 - a) g**2,  w <- w - lr g/(sqrt(s) + eps)

    With momentum m: v <- m v + g/(sqrt(s) + eps), w <- w - lr v. The state of a parameter is s and the velocity v.

    Reference: Hinton 2012, "Neural networks for machine learning", lecture 6e.

    >>> w = Value(1.5)
    >>> (w * w).backward(); RMSprop([w], lr=0.025).step(); round(w.data, 6)
    1.25
    """

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = 0.01,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay=weight_decay)
        self.alpha = check_range("alpha", alpha, below=1.0)
        self.eps = check_range("eps", eps)
        self.momentum = check_range("momentum", momentum)

    def update(self, w: Any, g: Any, state: State, rate: float, step: int) -> tuple[Any, State]:
        """Return w moved by the rule above."""
        g = g + self.weight_decay * w
        second, velocity = state or (0.0 * g, 0.0 * g)
        second = self.alpha * second + (1 - self.alpha) * g * g
        velocity = self.momentum * velocity + g / (second**0.5 + self.eps)
        return w - rate * velocity, (second, velocity)


def gradient_norm(parameters: Iterable[Value]) -> float:
    """Return the Euclidean length of the gradient: sqrt(g1**2 + ... + gn**2).

    >>> w = Value(3.0); (w * 4.0).backward(); gradient_norm([w])
    4.0
    """
    return math.hypot(*[p.grad for p in values_of("parameters", parameters)])


def clip_gradient_norm(parameters: Iterable[Value], max_norm: float) -> float:
    """Scale all gradients by the same factor so that their norm is at most `max_norm`; return the norm before.

    The factor is min(1, max_norm/(norm + 1e-6)), as in PyTorch. Reference: Pascanu, Mikolov and Bengio 2013
    (arXiv:1211.5063).

    >>> w = Value(3.0); (w * 4.0).backward()
    >>> clip_gradient_norm([w], 1.0), round(w.grad, 4)
    (4.0, 1.0)

    Raises:
        ValueError: if `max_norm` is not above 0.
    """
    check_range("max_norm", max_norm, positive=True)
    parameters = values_of("parameters", parameters)
    norm = gradient_norm(parameters)
    factor = max_norm / (norm + 1e-6)
    if factor < 1:
        with all_or_nothing(parameters):
            for parameter in parameters:
                parameter.grad = parameter.grad * factor
    return norm


def clip_gradient_value(parameters: Iterable[Value], limit: float) -> None:
    """Bring each gradient into the range from -limit to limit.

    >>> w = Value(3.0); (w * -4.0).backward(); clip_gradient_value([w], 1.0); w.grad
    -1.0

    Raises:
        ValueError: if `limit` is not above 0.
    """
    check_range("limit", limit, positive=True)
    parameters = values_of("parameters", parameters)
    with all_or_nothing(parameters):
        for parameter in parameters:
            parameter.grad = min(max(parameter.grad, -limit), limit)
