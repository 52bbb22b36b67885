"""The engines, each asked every row: `python engines.py torch` reads rows as JSON and writes the answers as JSON.

An engine is a function that answers four things: the names that rows use and it spells otherwise, the modules where its
other names are, how a number becomes its own, and `gradient(f, xs, again)`: the derivatives of `f(*xs)` by each of xs,
which will be differentiated again or not. It runs in an environment that holds nothing but this engine.
"""

from __future__ import annotations

import json
import math
import os
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

Engine = tuple[dict[str, Any], list[Any], Callable[[float], Any], Callable[..., list[Any]]]


def gathered(stack: Callable[..., Any]) -> Callable[..., Any]:
    """Return what makes of a function of one vector a function of its entries."""
    return lambda f: lambda *xs: f(stack(xs))


def norms(of: Callable[..., Any], norm: Callable[..., Any]) -> dict[str, Any]:
    """Return the names of the norms, from the function of a vector and an order."""
    return {"norm": of(norm), "norm_1": of(lambda v: norm(v, 1)), "norm_inf": of(lambda v: norm(v, math.inf))}


def autodiff() -> Engine:
    import autodiff as ad

    names = {"norm_1": lambda x, y: ad.abs(x) + ad.abs(y), "softmax_first": lambda *xs: ad.softmax(*xs)[0]}

    def gradient(f: Any, xs: Any, again: bool) -> list[Any]:
        slopes = ad.grad(f(*xs), *xs)
        return list(slopes) if len(xs) > 1 else [slopes]

    return names, [ad], ad.Value, gradient


def torch() -> Engine:
    import torch as t
    from torch.nn import functional

    def number(x: float) -> Any:
        return t.tensor(float(x), dtype=t.float64, requires_grad=True)

    def tensors(f: Any) -> Any:
        return lambda *xs: f(*(x if isinstance(x, t.Tensor) else number(x) for x in xs))

    of = gathered(t.stack)

    def gradient(f: Any, xs: Any, again: bool) -> list[Any]:
        out = f(*xs)
        if not out.requires_grad:
            return [t.zeros((), dtype=t.float64)] * len(xs)
        slopes = t.autograd.grad(out, xs, create_graph=True, allow_unused=True)
        return [t.zeros((), dtype=t.float64) if slope is None else slope for slope in slopes]

    names = {
        **{name: tensors(getattr(t, name)) for name in ("maximum", "minimum", "fmax", "fmin", "where")},
        **{name: of(getattr(t, name)) for name in ("std", "var", "median", "prod")},
        "max": of(t.amax),
        "min": of(t.amin),
        "cummax": of(lambda v: t.cummax(v, 0)[0][-1]),
        "cumprod": of(lambda v: t.cumprod(v, 0)[-1]),
        "sorted_middle": of(lambda v: t.sort(v)[0][1]),
        "logsumexp": of(lambda v: t.logsumexp(v, 0)),
        "softmax_first": of(lambda v: t.softmax(v, 0)[0]),
        **norms(of, t.linalg.vector_norm),
        "kl_div": lambda x, y: functional.kl_div(t.log(y), x, reduction="sum"),
        "hypot": t.hypot,  # without the others, since a Python float is refused
    }
    return names, [t, t.special, functional], number, gradient


def jax() -> Engine:
    import jax as j
    from jax import numpy as jnp
    from jax.scipy import special

    j.config.update("jax_enable_x64", True)

    of = gathered(jnp.stack)

    names = {
        **{name: of(getattr(jnp, name)) for name in ("max", "min", "median", "prod", "var")},
        "std": of(lambda v: jnp.std(v, ddof=1)),
        "cummax": of(lambda v: j.lax.cummax(v)[-1]),
        "cumprod": of(lambda v: jnp.cumprod(v)[-1]),
        "sorted_middle": of(lambda v: jnp.sort(v)[1]),
        "logsumexp": of(special.logsumexp),
        "softmax_first": of(lambda v: j.nn.softmax(v)[0]),
        **norms(of, jnp.linalg.norm),
        "hardtanh": j.nn.hard_tanh,
        "hardsigmoid": j.nn.hard_sigmoid,
        "hardswish": j.nn.hard_silu,
        "softsign": j.nn.soft_sign,
        "atan2": jnp.arctan2,
    }
    return (
        names,
        [jnp, j.nn, special],
        lambda x: jnp.asarray(float(x)),
        lambda f, xs, again: j.grad(f, tuple(range(len(xs))))(*xs),
    )


def tensorflow() -> Engine:
    import tensorflow as tf

    def number(x: float) -> Any:
        return tf.constant(float(x), dtype=tf.float64)

    of = gathered(tf.stack)

    def gradient(f: Any, xs: Any, again: bool) -> list[Any]:
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(xs)
            out = f(*xs)
        return [number(0.0) if slope is None else slope for slope in tape.gradient(out, xs)]

    names = {
        "prod": of(tf.reduce_prod),
        "max": of(tf.reduce_max),
        "min": of(tf.reduce_min),
        "cumprod": of(lambda v: tf.math.cumprod(v)[-1]),
        "sorted_middle": of(lambda v: tf.sort(v)[1]),
        "logsumexp": of(tf.reduce_logsumexp),
        "softmax_first": of(lambda v: tf.nn.softmax(v)[0]),
        **norms(of, tf.norm),
        "std": of(tf.math.reduce_std),
        "var": of(tf.math.reduce_variance),
        "clip": tf.clip_by_value,
        "i0": tf.math.bessel_i0,
        "where": lambda condition, x, y: tf.where(condition, x, number(y)),
    }
    return names, [tf, tf.math, tf.nn], number, gradient


def autograd() -> Engine:
    import autograd.numpy as np
    from autograd import grad
    from autograd.scipy import special

    of = gathered(np.array)

    names = {
        **{name: of(getattr(np, name)) for name in ("max", "min", "prod", "var")},
        "std": of(lambda v: np.std(v, ddof=1)),
        "logsumexp": of(special.logsumexp),
        **norms(of, np.linalg.norm),
        "sorted_middle": of(lambda v: np.sort(v)[1]),
        "sigmoid": special.expit,
        "atan2": np.arctan2,
        "asin": np.arcsin,
        "atan": np.arctan,
        "cumprod": of(lambda v: np.cumprod(v)[-1]),
    }
    return names, [np, special], np.float64, lambda f, xs, again: list(grad(f, tuple(range(len(xs))))(*xs))


def casadi() -> Engine:
    import casadi as ca

    def gradient(f: Any, xs: Any, again: bool) -> list[Any]:
        free = [ca.SX.sym(f"x{i}") for i in range(len(xs))]
        slopes = [ca.gradient(ca.SX(f(*free)), x) for x in free]
        if isinstance(xs[0], ca.SX):
            return [ca.substitute(slope, ca.vertcat(*free), ca.vertcat(*xs)) for slope in slopes]
        values = ca.Function("f", free, slopes).call(list(xs))
        return [float(value) for value in values]

    of = gathered(lambda xs: ca.vertcat(*xs))

    names = {
        "abs": ca.fabs,
        "maximum": ca.fmax,
        "minimum": ca.fmin,
        "max": of(ca.mmax),
        "min": of(ca.mmin),
        "logsumexp": of(ca.logsumexp),
        "norm": of(ca.norm_2),
        "norm_1": of(ca.norm_1),
        "norm_inf": of(ca.norm_inf),
        "where": ca.if_else,
    }
    return names, [ca], float, gradient


def tinygrad() -> Engine:
    os.environ["DEV"] = "PYTHON"  # which needs no compiler
    from tinygrad import Tensor, dtypes

    def number(x: float) -> Any:
        return Tensor([float(x)], dtype=dtypes.float64)  # a number alone would be a constant, which needs a compiler

    of = gathered(lambda xs: Tensor.cat(*xs))

    def gradient(f: Any, xs: Any, again: bool) -> list[Any]:
        slopes = f(*xs).sum().gradient(*xs)
        return slopes if again else [slope.clone("PYTHON") for slope in slopes]

    names = {
        "max": of(Tensor.max),
        "min": of(Tensor.min),
        "prod": of(Tensor.prod),
        "std": of(Tensor.std),
        "var": of(Tensor.var),
        "cumprod": of(lambda v: v.cumprod(0)[-1]),
        "cummax": of(lambda v: v.cummax(0)[0][-1]),
        "sorted_middle": of(lambda v: v.sort()[0][1]),
        "logsumexp": of(Tensor.logsumexp),
        "softmax_first": of(lambda v: v.softmax()[0]),
        "maximum": lambda x, y: Tensor.maximum(x if isinstance(x, Tensor) else number(x), y),
        "where": lambda condition, x, y: condition.where(x, y),
    }
    return names, [Tensor], number, gradient


def pytensor() -> Engine:
    import pytensor as p
    from pytensor import tensor as pt

    p.config.cxx = ""

    def gradient(f: Any, xs: Any, again: bool) -> list[Any]:
        outer = not isinstance(xs[0], float)
        free = xs if outer else [pt.dscalar() for _ in xs]
        slopes = p.grad(f(*free), list(free), disconnected_inputs="ignore")
        return slopes if outer else [float(value) for value in p.function(free, slopes, mode="FAST_RUN")(*xs)]

    of = gathered(pt.stack)

    names = {
        **{name: of(getattr(pt, name)) for name in ("max", "min", "prod", "median", "var", "logsumexp")},
        "std": of(lambda v: pt.std(v, ddof=1)),
        "cumprod": of(lambda v: pt.cumprod(v)[-1]),
        "sorted_middle": of(lambda v: pt.sort(v)[1]),
        "softmax_first": of(lambda v: pt.special.softmax(v)[0]),
        **norms(of, pt.linalg.norm),
        "atan2": pt.arctan2,
        "asin": pt.arcsin,
        "atan": pt.arctan,
        "where": pt.switch,
    }
    return names, [pt], float, gradient


def mlx() -> Engine:
    import mlx.core as mx
    import mlx.nn as nn

    mx.set_default_device(mx.cpu)

    of = gathered(mx.stack)

    names = {
        **{name: of(getattr(mx, name)) for name in ("max", "min", "prod", "var", "logsumexp", "median")},
        "std": of(lambda v: mx.std(v, ddof=1)),
        "cummax": of(lambda v: mx.cummax(v)[-1]),
        "cumprod": of(lambda v: mx.cumprod(v)[-1]),
        "sorted_middle": of(lambda v: mx.sort(v)[1]),
        "softmax_first": of(lambda v: mx.softmax(v)[0]),
        **norms(of, mx.linalg.norm),
        "atan2": mx.arctan2,
        "asin": mx.arcsin,
        "atan": mx.arctan,
    }

    def gradient(f: Any, xs: Any, again: bool) -> list[Any]:
        slopes = mx.grad(f, tuple(range(len(xs))))(*xs)
        return list(slopes) if len(xs) > 1 else [slopes]

    return names, [mx, nn], lambda x: mx.array(float(x)), gradient


def mygrad() -> Engine:
    import mygrad as mg
    from mygrad.nnet import activations

    def gradient(f: Any, xs: Any, again: bool) -> list[Any]:
        if again:
            raise NameError("second order")
        f(*xs).backward()
        return [0.0 if x.grad is None else x.grad for x in xs]

    of = gathered(mg.stack)

    names = {
        **{name: of(getattr(mg, name)) for name in ("max", "min", "prod", "var")},
        "std": of(lambda v: mg.std(v, ddof=1)),
        "cumprod": of(lambda v: mg.cumprod(v)[-1]),
        "elu": lambda x: activations.elu(x, 1.0),
        "softmax_first": of(lambda v: activations.softmax(v)[0]),
        **norms(of, mg.linalg.norm),
        "atan2": mg.arctan2,
        "asin": mg.arcsin,
        "atan": mg.arctan,
        "softsign": activations.soft_sign,
    }
    return names, [mg, activations], lambda x: mg.tensor(float(x)), gradient


def paddle() -> Engine:
    import paddle as p
    from paddle.nn import functional

    def number(x: float) -> Any:
        return p.to_tensor(float(x), dtype="float64", stop_gradient=False)

    of = gathered(lambda xs: p.stack(list(xs)))

    def tensors(f: Any) -> Any:
        return lambda *xs: f(*(x if isinstance(x, p.Tensor) else number(x) for x in xs))

    def gradient(f: Any, xs: Any, again: bool) -> list[Any]:
        slopes = p.grad([f(*xs)], list(xs), create_graph=again, allow_unused=True)
        return [number(0.0) if slope is None else slope for slope in slopes]

    names = {
        **{name: tensors(getattr(p, name)) for name in ("maximum", "minimum", "fmax", "fmin", "where")},
        **{name: of(getattr(p, name)) for name in ("prod", "std", "var", "median", "logsumexp")},
        "max": of(p.amax),
        "min": of(p.amin),
        "cummax": of(lambda v: p.cummax(v)[0][-1]),
        "cumprod": of(lambda v: p.cumprod(v, 0)[-1]),
        "sorted_middle": of(lambda v: p.sort(v)[1]),
        "softmax_first": of(lambda v: functional.softmax(v)[0]),
        **norms(of, p.linalg.norm),
    }
    return names, [p, functional], number, gradient


def xad() -> Engine:
    from xad import adj_1st as adj, math as xmath

    def gradient(f: Any, xs: Any, again: bool) -> list[Any]:
        if again:
            raise NameError("second order")
        with adj.Tape() as tape:
            variables = [adj.Real(x) for x in xs]
            for variable in variables:
                tape.registerInput(variable)
            tape.newRecording()
            out = f(*variables)
            tape.registerOutput(out)
            out.setAdjoint(1.0)
            tape.computeAdjoints()
            return [variable.getDerivative() for variable in variables]

    names = {"abs": abs, "maximum": xmath.max, "minimum": xmath.min}
    return names, [xmath], float, gradient


def sympy() -> Engine:
    import sympy as s

    def gradient(f: Any, xs: Any, again: bool) -> list[Any]:
        free = s.symbols(f"x:{len(xs)}", real=True)
        slopes = [s.diff(f(*free), x) for x in free]
        at = dict(zip(free, map(s.sympify, xs), strict=True))
        return [slope.subs(at) for slope in slopes]

    names = {
        **{"abs": s.Abs, "maximum": s.Max, "minimum": s.Min, "max": s.Max, "min": s.Min},
        "prod": lambda *xs: s.prod(xs),
        "sinc": lambda x: s.sinc(s.pi * x),
    }

    def number(x: float) -> Any:
        return s.Integer(int(x)) if abs(x) < 1e9 and x == int(x) else s.Float(x)

    return names, [s.functions], number, gradient


class Names(dict[str, Any]):
    """What an expression's names mean to an engine: its own spelling first, then the names of its modules."""

    def __init__(self, own: dict[str, Any], modules: list[Any]) -> None:
        super().__init__(own)
        self.modules = modules

    def __missing__(self, name: str) -> Any:
        for module in self.modules:
            if hasattr(module, name):
                return getattr(module, name)
        raise NameError(name)


def derivatives(gradient: Callable[..., list[Any]], f: Any, xs: list[Any], order: int) -> list[Any]:
    """Return the derivatives of this order, row by row: of each derivative of the order before, all slopes."""
    if order == 1:
        return list(gradient(f, xs, False))

    def slope(i: int) -> Any:
        return lambda *ys: gradient(f, ys, True)[i]

    return [d for i in range(len(xs)) for d in derivatives(gradient, slope(i), xs, order - 1)]


def answer(engine: Engine, expression: str, at: list[float], order: int) -> str:
    """Return what the engine answers, as text; a dash with the reason where it answers nothing."""
    own, modules, number, gradient = engine
    names = Names(own, modules)
    code = compile(expression, "row", "eval")

    def f(*xs: Any) -> Any:
        return eval(code, {"__builtins__": {}}, Names({**names, **dict(zip("xyz", xs, strict=False))}, modules))

    try:
        return " ".join(map(shown, derivatives(gradient, f, [number(x) for x in at], order)))
    except NameError as error:
        return f"- it has no {error}"
    except Exception as error:  # whatever the engine says is its answer
        return f"! {type(error).__name__}"


def shown(number: Any) -> str:
    """Return a number of any engine with four digits; a zero has no sign."""
    number = number.data if type(number).__name__ == "Value" else number  # ours becomes no float by itself
    number = number.item() if hasattr(number, "item") else number
    try:
        return f"{float(number) + 0.0:.4g}"
    except (TypeError, ValueError):
        return str(number).replace(" ", "")  # the symbol zoo


def main() -> None:
    """Answer the rows of the standard input for the engine named on the command line."""
    warnings.simplefilter("ignore")
    name, package = sys.argv[1:3]
    engine = globals()[name]()
    answers = [answer(engine, *row) for row in json.load(sys.stdin)]
    json.dump({"version": version(package), "answers": answers}, sys.stdout)


if __name__ == "__main__":
    here = sys.path.pop(0)  # the files beside this one are not what engines import
    main()
