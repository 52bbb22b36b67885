"""How somebody else's engine is spoken to: what it calls its data, gradient, backward pass and functions.

It knows one class that it was given, and nothing of programs, faults or graphs of ours.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from operator import methodcaller
from types import SimpleNamespace
from typing import Any

from autodiff.support.arguments import got

MADE = 1 << 9  # the flag of a class that a class statement has made; run by `exec`, one may name itself a builtin
# What engines call things, the most usual first.
DATA = ("data", "value", "val", "v", "item", "x", "num", "number", "primal", "scalar")
GRAD = ("grad", "gradient", "derivative", "deriv", "grad_value", "adjoint", "g", "d", "dv", "partial", "delta", "_grad")
BACKWARD = ("backward", "backprop", "backpropagate", "back_propagate", "back_prop", "backward_pass", "back", "bwd")
RESET = ("zero_grad", "zero_grads", "reset_grad", "reset_gradients", "reset", "zero", "clear_grad", "clear")
FUNCTIONS = {  # our name of a function: what engines call it
    **{name: (name,) for name in ("exp", "tanh", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "softplus", "silu")},
    **{"relu": ("relu", "ReLU", "rectify"), "sigmoid": ("sigmoid", "logistic", "sigm"), "log": ("log", "ln")},
    **{"abs": ("abs", "__abs__"), "atan": ("atan", "arctan"), "asin": ("asin", "arcsin"), "acos": ("acos", "arccos")},
}
OPERATORS = {  # a method of Python: its sign, and what functions and methods that do the same are called
    **{"__add__": ("+", "add", "plus"), "__sub__": ("-", "sub", "subtract", "minus")},
    **{"__mul__": ("*", "mul", "multiply", "times"), "__truediv__": ("/", "div", "divide", "truediv")},
    **{"__neg__": ("neg", "neg", "negative", "negate"), "__pow__": ("**", "pow", "power")},
}
ROLES = ("constructor", "data", "grad", "backward", "zero_grad", *FUNCTIONS)


class EngineError(ValueError):
    """A class that cannot be spoken to: it has no number that could be found, or not the names that were told."""


class NotThere(NotImplementedError):
    """What an engine does not have yet."""


class Engine:
    """Somebody's class of values, spoken to by the names that it has.

    Attributes:
        cls: the class.
        family: the class that nodes of all kinds are of: the first of those that it is derived from in its module.
        names: what was taken for what: ``{"data": "data", "grad": "derivative", "tanh": "tanh()"}``; functions of the
            module have no dot before them.
        single: whether its numbers are float32, so that no more than 6 digits can be right.
        lacking: which of gradient and backward pass it does not have yet, and how to say what they are called.
    """

    def __init__(self, cls: Any, names: Mapping[str, Any] | None = None) -> None:
        if not isinstance(cls, type):
            raise TypeError(f"expected a class of values, such as Value, {got(cls)}")
        given = dict(names or {})
        unknown = sorted(set(given) - set(ROLES))
        if unknown:
            raise ValueError(f"names has no place for {unknown[0]!r}: there are {', '.join(ROLES)}")
        self.cls, self.module, self._given = cls, _home(cls), given
        self.family: Any = [c for c in cls.__mro__ if c.__module__ == cls.__module__ and c.__flags__ & MADE][-1]
        self.names: dict[str, str] = {}
        self.make = self._constructor()
        leaf = self.make(3.0)
        self._read_data = self._reader("data", DATA, leaf, 3.0)
        self.lacking = ""
        try:
            self._read_grad = self._reader("grad", GRAD, leaf, 0.0)
            self.backward = self._backward()
        except NotThere as error:  # a class that grows: its numbers can be right already
            self.lacking = str(error)
            self.names.setdefault("grad", "grad")
            self.names["backward"] = ".backward()"
            self._read_grad, self.backward = lambda node: 0.0, self._no_backward
        self.functions = dict(self._functions())
        self._reset = self._named("zero_grad", RESET)
        self.single = self.data(self.make(0.1)) != 0.1

    def owns(self, thing: Any) -> bool:
        """Whether a thing is a node of this engine, and no plain number."""
        return isinstance(thing, self.family)

    def data(self, node: Any) -> float:
        """Return the number of a node; a plain number is its own."""
        return float(self._read_data(node) if self.owns(node) else node)

    def grad(self, node: Any) -> float:
        """Return the gradient of a node; 0.0 where there is none yet, and of a plain number."""
        found = self._read_grad(node) if self.owns(node) else 0.0
        return 0.0 if found is None else self.data(found)

    @property
    def resets(self) -> bool:
        """Whether a gradient can be set back to 0."""
        return isinstance(self.names.get("grad"), str) and self.names["grad"].isidentifier()

    def reset(self, leaves: Iterable[Any]) -> None:
        """Set the gradients of leaves back to 0, as learners do: ``a.grad = 0``."""
        for leaf in leaves:
            setattr(leaf, self.names["grad"], 0.0)

    def seed(self, output: Any) -> None:
        """Set the gradient of an output to 1, as `backward()` should."""
        setattr(output, self.names["grad"], 1.0)

    @contextmanager
    def lending(self) -> Iterator[None]:
        """Give the class the operators that it has as functions or methods under other names, as long as this lasts."""
        lent = []
        for method, (sign, *usual) in OPERATORS.items():
            if hasattr(self.cls, method):
                continue
            for name in usual:
                own, function = getattr(self.cls, name, None), self._function(name)
                if not callable(own) and function is None:
                    continue
                rest = ["{}"] * (sign != "neg")
                self.names[sign] = (
                    f"{{}}.{name}({''.join(rest)})" if callable(own) else f"{name}({', '.join(['{}', *rest])})"
                )
                setattr(self.family, method, own if callable(own) else function)
                lent.append(method)
                break
        try:
            yield
        finally:
            for method in lent:
                delattr(self.family, method)

    def method(self, *names: str) -> Callable[..., Any] | None:
        """Return the first method or function of the module that is called one of `names`, None if there is none."""
        for name in names:
            if any(name in vars(c) for c in self.cls.__mro__[:-1]):
                return getattr(self.cls, name)  # type: ignore[no-any-return]  # theirs
            if self._function(name) is not None:
                return self._function(name)
        return None

    def _function(self, name: str) -> Callable[..., Any] | None:
        """Return the function of this name that stands in the file of the class, if there is one."""
        found = getattr(self.module, name, None)
        return found if inspect.isfunction(found) and found.__module__ == self.cls.__module__ else None

    def _no_backward(self, node: Any) -> None:
        raise NotThere(self.lacking)

    def _constructor(self) -> Callable[[float], Any]:
        told = self._given.get("constructor")
        if told is not None:
            self.names["constructor"] = f"{_called(told)}(3.0)"
            return told if callable(told) else getattr(self.module, told)  # type: ignore[no-any-return]  # the person's
        name = self.cls.__name__
        extra = {
            parameter: True for parameter in ("requires_grad", "require_grad") if parameter in _parameters(self.cls)
        }
        keywords = "".join([f", {key}=True" for key in extra])
        ways: dict[str, Callable[[float], Any]] = {
            f"{name}(3.0{keywords})": lambda x: self.cls(x, **extra),
            f"{name}(3.0)": lambda x: self.cls(x),
            f"{name}(data=3.0)": lambda x: self.cls(data=x),
            f"{name}(value=3.0)": lambda x: self.cls(value=x),
            f"{name}(3.0, ())": lambda x: self.cls(x, ()),
            f'{name}(3.0, (), "")': lambda x: self.cls(x, (), ""),
            f'{name}(3.0, "x")': lambda x: self.cls(x, "x"),
            f'{name}("x", 3.0)': lambda x: self.cls("x", x),
        }
        errors = []
        for shown, way in ways.items():
            try:
                way(3.0)
            except Exception as error:  # whatever a stranger's constructor raises: the next way is tried
                errors.append(f"{type(error).__name__}: {error}")
                continue
            self.names["constructor"] = shown
            return way
        raise EngineError(
            f"no way was found to make a {name} of 3.0 ({errors[0]}); "
            'say one: names={"constructor": lambda x: Value(...)}'
        )

    def _reader(self, role: str, usual: tuple[str, ...], leaf: Any, number: float) -> Callable[[Any], Any]:
        told = self._given.get(role)
        if callable(told):
            self.names[role] = _called(told)
            return told  # type: ignore[no-any-return]  # the person's
        own = [name for name in _attributes(leaf) if _is(getattr(leaf, name, None), number)]
        own.sort(key=lambda name: not isinstance(getattr(leaf, name), float))  # a gradient of 0.0 before a level of 0
        for name in (told,) if told else (*usual, *own):
            if not hasattr(leaf, name) or (role == "grad" and name == self.names["data"]):
                continue
            held = getattr(leaf, name)
            if callable(held):
                try:
                    held = held()
                except Exception:  # no reader of a number, whatever it is
                    continue
                if _is(held, number):
                    self.names[role] = f"{name}()"
                    return lambda node: getattr(node, name)()
            elif _is(held, number) or (role == "grad" and (held is None or self.owns(held))):
                self.names[role] = name
                return lambda node: getattr(node, name)
        raise (NotThere if role == "grad" and told is None else EngineError)(
            f"{self.cls.__name__} has no {role} that could be found among {', '.join(_attributes(leaf)) or 'nothing'}; "
            f'say what it is called: names={{"{role}": "..."}}'
        )

    def _backward(self) -> Callable[[Any], Any]:
        told = self._given.get("backward")
        if callable(told):
            self.names["backward"] = _called(told)
            return told  # type: ignore[no-any-return]  # the person's
        looked = (told,) if told else BACKWARD
        found = self._called_backward(looked) or (None if told else self._called_backward(self._like_backward()))
        if found is None:
            raise (EngineError if told else NotThere)(
                f"{self.cls.__name__} has no backward pass that could be found (looked for {', '.join(looked)}); "
                'say what it is called: names={"backward": "..."}'
            )
        return found

    def _called_backward(self, names: Iterable[str]) -> Callable[[Any], Any] | None:
        """Return how the first of `names` that is a method or a function of the module is called on an output."""
        for name in names:
            method, function = getattr(self.cls, name, None), getattr(self.module, name, None)
            if callable(method):
                seeded = _needs(method) > 1
                self.names["backward"] = f".{name}({'1.0' if seeded else ''})"
                return lambda node: getattr(type(node), name)(node, *(1.0,) * seeded)
            if callable(function):
                seeded = _needs(function) > 1
                self.names["backward"] = f"{name}(out{', 1.0' if seeded else ''})"
                return lambda node: function(node, *(1.0,) * seeded)
        return None

    def _like_backward(self) -> list[str]:
        """Return public methods of theirs, then functions, whose name says that they run backward."""
        own = [vars(c) for c in self.cls.__mro__[:-1]] + [vars(self.module) if self.module else {}]
        names = [name for held in own for name, thing in held.items() if inspect.isfunction(thing)]
        return [n for n in names if re.match(r"(?!_|zero|reset|clear).*(back|propagat|gradients|autograd|autodiff)", n)]

    def _functions(self) -> Iterable[tuple[str, Callable[[Any], Any]]]:
        for role, usual in FUNCTIONS.items():
            found = self._named(role, usual)
            if found is not None:
                yield role, found

    def _named(self, role: str, usual: tuple[str, ...]) -> Callable[[Any], Any] | None:
        """Return how a method, or a function of the module that takes one argument, is called on a node."""
        told = self._given.get(role)
        if callable(told):
            self.names[role] = f"{_called(told)}({{}})"
            return told  # type: ignore[no-any-return]  # the person's
        for name in (told,) if told else usual:
            if name == "__abs__" and hasattr(self.cls, name):
                self.names[role] = "abs({})"
                return abs
            method, function = getattr(self.cls, name, None), self._function(name)
            if callable(method) and name != self.names.get("data"):
                static = isinstance(inspect.getattr_static(self.cls, name, None), staticmethod | classmethod)
                self.names[role] = f"{self.cls.__name__}.{name}({{}})" if static else f"{{}}.{name}()"
                return method if static else methodcaller(name)
            if function is not None and _needs(function) == 1:
                self.names[role] = f"{name}({{}})"
                return function
        return None

    def __str__(self) -> str:
        said = {role: name.replace("{}", "x", 1).replace("{}", "y") for role, name in self.names.items()}
        roles = ("constructor", "data", "grad", "backward")
        found = {role: said.pop(role) for role in roles}
        first = ", ".join([f"{role} {found[role]}" for role in roles[: 2 if self.lacking else 4]])
        return f"{first}; {', '.join(said.values()) or 'no functions'}"


def _home(cls: type) -> Any:
    """Return what holds the functions beside a class: those that its methods can call."""
    methods = [method for method in vars(cls).values() if inspect.isfunction(method)]
    knowing = [method for method in methods if method.__globals__.get(cls.__name__) is cls]
    written = [method for method in methods if method.__code__.co_filename != "<string>"]  # as a dataclass has some
    for method in (*knowing, *written):
        return SimpleNamespace(**method.__globals__)
    return sys.modules.get(cls.__module__)


def located(name: str, file: str, line: int) -> str:
    """Return where a function stands: its name, with file and line, or with the cell of a notebook."""
    name, notebook = name.replace("<locals>.", ""), getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if notebook is not None and notebook.compile.format_code_name(file) is not None:
        _, cell = notebook.compile.format_code_name(file)  # In[5]
        return f"{name} (cell {cell[3:-1]}, line {line})"
    return f"{name} ({os.path.basename(file)}, line {line})"


def _called(thing: Any) -> str:
    return thing if isinstance(thing, str) else getattr(thing, "__name__", type(thing).__name__)


def _parameters(function: Any) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # a class or function without a signature
        return {}


def _needs(function: Any) -> int:
    """Return how many arguments must be given by position."""
    fixed = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in fixed and p.default is p.empty for p in _parameters(function).values())


def _attributes(leaf: Any) -> list[str]:
    slots = [name for c in type(leaf).__mro__ for name in _slots(c)]
    return [*getattr(leaf, "__dict__", {}), *slots]


def _slots(cls: type) -> tuple[str, ...]:
    slots = vars(cls).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _is(thing: Any, number: float) -> bool:
    try:
        return not isinstance(thing, bool | str) and float(thing) == number
    except Exception:  # a stranger's object may raise anything when it is asked for its number
        return False
