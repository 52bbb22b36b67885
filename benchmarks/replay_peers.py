"""The contestants of `benchmarks/replay.py` that are other libraries: the same step, as a competent user writes it."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from replay_tasks import Contestant, Result, Task, timed


class ByHand(Contestant):
    """NumPy, forward and reverse written by hand."""

    name = "NumPy by hand"

    def __init__(self, task: Task) -> None:
        self.task, self.layers = task, task.matrices(task.start)

    def gradient(self, batch: tuple[np.ndarray, np.ndarray]) -> tuple[float, list[tuple[np.ndarray, np.ndarray]]]:
        """Return the loss and the gradient of each layer."""
        x, t = batch
        acts = [x]
        for k, (w, b) in enumerate(self.layers):
            z = acts[-1] @ w.T + b
            acts.append(np.maximum(z, 0.0) if k < len(self.layers) - 1 else z)
        n = len(x)
        if self.task.loss == "hinge":
            margin = 1.0 - t * acts[-1][:, 0]
            loss = np.maximum(margin, 0.0).sum() / n
            d = (-t * (margin > 0) / n)[:, None]
        else:
            z = acts[-1]
            e = np.exp(z - z.max(axis=1, keepdims=True))
            total = e.sum(axis=1, keepdims=True)
            loss = (np.log(total[:, 0]) + z.max(axis=1) - (t * z).sum(axis=1)).sum() / n
            d = (e / total - t) / n
        slopes = []
        for k in range(len(self.layers) - 1, -1, -1):
            w, b = self.layers[k]
            slopes.append((d.T @ acts[k], d.sum(axis=0)))
            if k:
                d = (d @ w) * (acts[k] > 0)
        slopes.reverse()
        if self.task.loss == "hinge":
            loss += 1e-4 * sum([(w * w).sum() + b @ b for w, b in self.layers])
            slopes = [(dw + 2e-4 * w, db + 2e-4 * b) for (dw, db), (w, b) in zip(slopes, self.layers, strict=True)]
        return float(loss), slopes

    def check(self) -> Result:
        """Return the loss and the gradient at the start."""
        loss, slopes = self.gradient(self.task.batches[0])
        return loss, self.task.vector(slopes)

    def run(self, steps: int) -> None:
        """Make steps of descent."""
        rate = self.task.rate
        for k in range(steps):
            _, slopes = self.gradient(self.task.batches[k % len(self.task.batches)])
            for (w, b), (dw, db) in zip(self.layers, slopes, strict=True):
                w -= rate * dw
                b -= rate * db


class Torch(Contestant):
    """PyTorch tensors, float64, on one thread, updated in one call for all parameters; the loss compiled, or not."""

    def __init__(self, task: Task, *, compiled: bool) -> None:
        import torch

        torch.set_num_threads(1)
        self.torch, self.task = torch, task
        self.name = "PyTorch, compile" if compiled else "PyTorch"
        self.parameters = [
            torch.tensor(x, dtype=torch.float64, requires_grad=True) for pair in task.matrices(task.start) for x in pair
        ]
        self.batches = [(torch.tensor(x), torch.tensor(t)) for x, t in task.batches]
        if compiled:
            torch.compiler.reset()  # or it makes one program for networks of several sizes
            self.loss = torch.compile(self.loss)
            with timed() as self.once:
                self.check()

    def loss(self, batch: Any) -> Any:
        """Return the loss of a batch."""
        torch, (x, t) = self.torch, batch
        linear, relu = torch.nn.functional.linear, torch.relu
        layers = list(zip(self.parameters[::2], self.parameters[1::2], strict=True))
        for w, b in layers[:-1]:
            x = relu(linear(x, w, b))
        z = linear(x, *layers[-1])
        if self.task.loss == "hinge":
            return relu(1.0 - t * z[:, 0]).mean() + 1e-4 * sum([(p * p).sum() for p in self.parameters])
        return torch.nn.functional.cross_entropy(z, t)

    def check(self) -> Result:
        """Return the loss and the gradient at the start."""
        loss = self.loss(self.batches[0])
        slopes = self.torch.autograd.grad(loss, self.parameters)
        return loss.item(), self.task.vector([slope.numpy() for slope in slopes])

    def run(self, steps: int) -> None:
        """Make steps of descent."""
        torch = self.torch
        for k in range(steps):
            slopes = torch.autograd.grad(self.loss(self.batches[k % len(self.batches)]), self.parameters)
            with torch.no_grad():
                torch._foreach_add_(self.parameters, slopes, alpha=-self.task.rate)


class Jax(Contestant):
    """JAX, float64: a compiled step, or many steps compiled as one scan."""

    def __init__(self, task: Task, *, scan: bool) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)
        import jax.numpy as jnp

        self.jax, self.task, self.scan = jax, task, scan
        self.name = "JAX, scan" if scan else "JAX, jit"
        self.parameters = [(jnp.asarray(w), jnp.asarray(b)) for w, b in task.matrices(task.start)]
        self.batches = [(jnp.asarray(x), jnp.asarray(t)) for x, t in task.batches]

        def loss(parameters: Any, batch: Any) -> Any:
            x, t = batch
            for w, b in parameters[:-1]:
                x = jnp.maximum(x @ w.T + b, 0.0)
            z = x @ parameters[-1][0].T + parameters[-1][1]
            if task.loss == "hinge":
                squares = sum([(w * w).sum() + (b * b).sum() for w, b in parameters])
                return jnp.maximum(1.0 - t * z[:, 0], 0.0).mean() + 1e-4 * squares
            return (jax.scipy.special.logsumexp(z, axis=1) - (t * z).sum(axis=1)).mean()

        def step(parameters: Any, batch: Any) -> Any:
            value, slopes = jax.value_and_grad(loss)(parameters, batch)
            return jax.tree.map(lambda p, g: p - task.rate * g, parameters, slopes), value

        self.value_and_grad, self.step = jax.value_and_grad(loss), jax.jit(step)
        stacked = tuple([jnp.stack(x) for x in zip(*self.batches, strict=True)])
        self.many: Callable[..., Any] = jax.jit(
            lambda parameters, steps: jax.lax.scan(
                lambda p, k: step(p, tuple([x[k % len(task.batches)] for x in stacked])), parameters, jnp.arange(steps)
            ),
            static_argnums=1,
        )
        if not scan:
            with timed() as self.once:
                jax.block_until_ready(self.step(self.parameters, self.batches[0]))

    def check(self) -> Result:
        """Return the loss and the gradient at the start."""
        loss, slopes = self.value_and_grad(self.parameters, self.batches[0])
        return float(loss), self.task.vector(slopes)

    def run(self, steps: int) -> None:
        """Make steps of descent; the first scan of so many steps compiles."""
        if self.scan:
            with timed() as taken:
                self.parameters, _ = self.jax.block_until_ready(self.many(self.parameters, steps))
            self.once = self.once or taken
            return
        for k in range(steps):
            self.parameters, _ = self.step(self.parameters, self.batches[k % len(self.batches)])
        self.jax.block_until_ready(self.parameters)


class Casadi(Contestant):
    """CasADi's matrices, on its virtual machine: a step is one call of a function."""

    name = "CasADi"

    def __init__(self, task: Task) -> None:
        import casadi

        self.task, sizes = task, task.sizes
        self.batches = [(casadi.DM(x), casadi.DM(t)) for x, t in task.batches]
        self.values = casadi.DM(task.start)
        x, t = (casadi.MX.sym(name, *given.shape) for name, given in zip("xt", self.batches[0], strict=True))
        parameters, first, a = casadi.MX.sym("p", len(task.start)), 0, x
        with timed() as self.once:
            for n, m in pairwise(sizes):
                layer = casadi.reshape(parameters[first : first + m * (n + 1)], n + 1, m)
                first += m * (n + 1)
                z = a @ layer[:n, :] + casadi.repmat(layer[n, :], task.samples, 1)
                a = casadi.fmax(z, 0.0)
            if task.loss == "hinge":
                loss = casadi.sum1(casadi.fmax(1.0 - t * z, 0.0)) / task.samples + 1e-4 * casadi.sumsqr(parameters)
            else:
                total = casadi.log(casadi.sum2(casadi.exp(z)))  # of scores that are far from overflow
                loss = casadi.sum1(total - casadi.sum2(t * z)) / task.samples
            slopes = casadi.gradient(loss, parameters)
            self.gradient = casadi.Function("gradient", [parameters, x, t], [loss, slopes])
            self.step = casadi.Function("step", [parameters, x, t], [parameters - task.rate * slopes, loss])

    def check(self) -> Result:
        """Return the loss and the gradient at the start."""
        loss, slopes = self.gradient(self.values, *self.batches[0])
        return float(loss), np.array(slopes).ravel()

    def run(self, steps: int) -> None:
        """Make steps of descent."""
        for k in range(steps):
            self.values, _ = self.step(self.values, *self.batches[k % len(self.batches)])


class Tiled(Contestant):
    """C, tiled by hand (`benchmarks/tiled.c`), compiled for these sizes: how fast this processor can be."""

    name = "C, tiled by hand"

    def __init__(self, task: Task) -> None:
        sizes = [f"-DN{i}={n}" for i, n in enumerate(task.sizes)]
        options = ["-O3", "-march=native", "-shared", "-fPIC", f"-DBATCH={task.samples}", *sizes]
        options += ["-DHINGE"] if task.loss == "hinge" else []
        self.task, self.values = task, task.start.copy()
        self.batches = [np.ascontiguousarray(np.stack(part)) for part in zip(*task.batches, strict=True)]
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder, "tiled.so")
            command = [shutil.which("gcc"), *options, str(Path(__file__).with_name("tiled.c")), "-o", str(made), "-lm"]
            with timed() as self.once:
                subprocess.run(command, check=True)
            self.function = ctypes.CDLL(str(made)).descend
        self.once.processor = self.once.wall  # that of another process
        self.function.restype = ctypes.c_double

    def descend(self, values: np.ndarray, steps: int, batches: int, rate: float) -> float:
        """Make steps on values; return the loss before the last one."""
        inputs, targets, values = [part.ctypes.data_as(ctypes.c_void_p) for part in (*self.batches, values)]
        count = [ctypes.c_long(n) for n in (steps, batches)]
        return self.function(*count, inputs, targets, values, ctypes.c_double(rate))

    def check(self) -> Result:
        """Return the loss and the gradient at the start: a step at the rate of 1."""
        after = self.task.start.copy()
        loss = self.descend(after, 1, 1, 1.0)
        return loss, self.task.start - after

    def run(self, steps: int) -> None:
        """Make steps of descent."""
        self.descend(self.values, steps, len(self.task.batches), self.task.rate)
