"""Engines with one mistake on purpose: what a mistake in the table does to every number can be read off them.

An engine is the plain textbook one, with the rows of calculus as its rules, in which one hook is bent. The same hooks
predict what a learner's wrong engine answers, and plant the mistake in a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from autodiff.engine import ops
from autodiff.engine.ops import Op
from autodiff.grading.adapter import FUNCTIONS, Engine

ROWS: dict[str, Op] = {
    **{"+": ops.ADD, "*": ops.MUL, "-": ops.SUB, "/": ops.DIV, "neg": ops.NEG, "**": ops.POWER, "**v": ops.POW},
    **{"r-": ops.SUB, "r/": ops.DIV, "r**": ops.POW},
    **{name: getattr(ops, name.upper()) for name in FUNCTIONS},
}
COMPOSED = {"neg": ("*",), "-": ("+", "*"), "r-": ("+", "*"), "/": ("*", "**"), "r/": ("*", "**")}  # as micrograd does


class Planted:
    """A node of the plain textbook engine: `hooks` of its class are what is bent.

    Hooks, each for the operations in `bent` alone:
        value(node): the number of a node.
        slopes(node): its local derivatives.
        hand(node, incoming): yields each operand with its contribution.
        add(old, contribution): the new gradient of an operand.
        children(node): the operands that the pass visits from here.
    And for the whole pass:
        seed(root): the gradient of the output before the pass; None leaves it alone.
        order(root): the nodes that hand on, in order.
        sweep(root): all that follows the seed.
    """

    hooks: Mapping[str, Callable[..., Any]] = {}
    bent: frozenset[str] | None = None
    composed = False

    def __init__(
        self, data: float, key: str = "", operands: Sequence[Planted] = (), static: Sequence[float] = ()
    ) -> None:
        self.data, self.grad, self.key, self.operands, self.static = data, 0.0, key, tuple(operands), tuple(static)

    @classmethod
    def use(cls, key: str, operands: Sequence[Any], static: Sequence[float] = ()) -> Planted:
        """Return the node of an operation on nodes and numbers."""
        nodes = [x if isinstance(x, cls) else cls(float(x)) for x in operands]
        node = cls(0.0, key, nodes, static)
        node.data = node.hook("value", value)
        return node

    def hook(self, name: str, plain: Callable[..., Any], *arguments: Any) -> Any:
        """Return what the hook of this node answers: the bent one if its operation is bent."""
        bent = name in self.hooks and (self.bent is None or self.key in self.bent)
        return (self.hooks[name] if bent else plain)(self, *arguments)

    def backward(self) -> None:
        """Run the backward pass, as it is bent."""
        seed = self.hooks["seed"](self) if "seed" in self.hooks else 1.0
        if seed is not None:
            self.grad = seed
        if "sweep" in self.hooks:
            self.hooks["sweep"](self)
            return
        for node in self.hooks.get("order", order)(self):
            for operand, contribution in node.hook("hand", hand, node.grad):
                operand.grad = node.hook("add", lambda node, old, c: old + c, operand.grad, contribution)

    def slopes(self) -> Sequence[float]:
        """Return the local derivatives, as they are bent."""
        return self.hook("slopes", slopes)  # type: ignore[no-any-return]  # a hook of ours

    # fmt: off
    def __add__(self, y: Any) -> Planted: return self.use("+", (self, y))
    def __radd__(self, y: Any) -> Planted: return self.use("+", (self, y))
    def __mul__(self, y: Any) -> Planted: return self.use("*", (self, y))
    def __rmul__(self, y: Any) -> Planted: return self.use("*", (self, y))
    def __neg__(self) -> Planted: return self * -1 if self.composed else self.use("neg", (self,))
    def __sub__(self, y: Any) -> Planted: return self + -y if self.composed else self.use("-", (self, y))
    def __rsub__(self, y: Any) -> Planted: return y + -self if self.composed else self.use("r-", (y, self))
    def __truediv__(self, y: Any) -> Planted: return self * y**-1 if self.composed else self.use("/", (self, y))
    def __rtruediv__(self, y: Any) -> Planted: return y * self**-1 if self.composed else self.use("r/", (y, self))
    def __rpow__(self, y: Any) -> Planted: return self.use("r**", (y, self))
    # fmt: on

    def __pow__(self, y: Any) -> Planted:
        return self.use("**v", (self, y)) if isinstance(y, Planted) else self.use("**", (self,), (y,))


def numbers(node: Planted) -> list[float]:
    """Return the numbers of the operands, then the static ones."""
    return [*[x.data for x in node.operands], *node.static]


def value(node: Planted) -> float:
    """Return the number of a node, by its row."""
    return ROWS[node.key].value(*numbers(node))


def slopes(node: Planted) -> Sequence[float]:
    """Return the local derivatives of a node, by its row."""
    return ROWS[node.key].local(node.data, *numbers(node)) if node.key else ()


def hand(node: Planted, incoming: float) -> Iterator[tuple[Planted, float]]:
    """Yield each operand with its contribution: incoming gradient x local derivative."""
    for operand, slope in zip(node.operands, node.slopes(), strict=True):
        yield operand, incoming * slope


def order(root: Planted) -> list[Planted]:
    """Return the nodes of a graph, each before its operands."""
    met: dict[int, Planted] = {}

    def visit(node: Planted) -> None:
        if id(node) not in met:
            met[id(node)] = node
            for operand in node.hook("children", lambda node: node.operands):
                visit(operand)
            done.append(node)

    done: list[Planted] = []
    visit(root)
    return done[::-1]


def plant(hooks: Mapping[str, Callable[..., Any]], bent: Iterable[str] | None = None, composed: bool = False) -> Engine:
    """Return the engine in which the hooks are bent: for the operations in `bent`, or all."""
    body = {"hooks": dict(hooks), "bent": None if bent is None else frozenset(bent), "composed": composed}
    functions = {name: (lambda self, name=name: self.use(name, (self,))) for name in FUNCTIONS}
    return Engine(type("Planted", (Planted,), {**body, **functions, "__module__": __name__}))
