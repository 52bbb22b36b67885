"""Modules: objects that hold parameters, and know them by name."""

from __future__ import annotations

import gc
import os
import reprlib
import sys
from array import array
from collections import ChainMap, UserDict, UserList, deque
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, Sequence, ValuesView
from functools import lru_cache, partial
from itertools import count, product
from types import BuiltinFunctionType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any
from weakref import WeakSet

from autodiff.engine.value import Value
from autodiff.nn import parameter_file
from autodiff.support import files
from autodiff.support.atomic import all_or_nothing


class Module:
    """An object whose attributes hold parameters: leaf Values, Modules, and whatever holds such.

    Lists, tuples, dicts and all other containers in order, NumPy arrays and objects with attributes are searched at any
    depth. A set has no order, an iterator ends, the keys of a dict have no names: parameters that are nowhere else are
    refused. What functions and classes refer to is not searched, nor are optimizers and replays, which know parameters
    and own none.
    A parameter that several hold comes once, under its first path.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.intercepts = Value(2.0), [Value(1.0)]
    >>> [name for name, _ in Line().named_parameters()]
    ['slope', 'intercepts.0']

    A class may have `__slots__`; those whose names begin with an underscore hold no parameters.
    """

    _slots: tuple[str, ...] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = vars(cls).get("__slots__", ())
        cls._slots += tuple([name for name in ([own] if isinstance(own, str) else own) if not name.startswith("_")])

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Yield each parameter once with its path, such as ``layers.0.neurons.1.weights.2``, in order of definition."""
        yield from ((path, item) for path, item in self._held() if isinstance(item, Value))

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield this module, whose path is empty, and each within it once with its path, such as ``layers.0``."""
        yield from ((path, item) for path, item in self._held() if isinstance(item, Module))

    def _held(self) -> Iterator[tuple[str, Any]]:
        """Yield each parameter and each module once with its path, in order of definition."""
        seen: dict[int, Any] = {}  # the items too, as an id is another's as soon as its owner is gone
        unordered: list[tuple[str, Any]] = []
        waiting: list[tuple[str, Any]] = [("", self)]
        while waiting:
            path, item = waiting.pop()
            if isinstance(item, Value):
                if item.op is None and id(item) not in seen:
                    seen[id(item)] = item
                    yield path, item
                continue
            kind: Any = type(item)
            read = _reader(kind)
            if read is None or id(item) in seen:
                continue
            seen[id(item)] = item
            if isinstance(item, Module):
                yield path, item
            if read is _refused:
                unordered.append((path, item))
                continue
            names, parts = read(item)
            dotted = f"{path}." if path else ""
            waiting += reversed([(f"{dotted}{name}", part) for name, part in zip(names, parts, strict=False)])
        for path, item in unordered:
            self._refuse_what_only_it_holds(path, item, seen)

    def _refuse_what_only_it_holds(self, path: str, unordered: Any, seen: dict[int, Any]) -> None:
        """Raise `TypeError` if parameters or modules are in a set, or are keys, and in nothing that has an order."""
        waiting, met = _inside(unordered), dict(seen)
        while waiting:
            item = waiting.pop()
            if id(item) in met:
                continue
            met[id(item)] = item
            if isinstance(item, Module) or (isinstance(item, Value) and item.op is None):
                held = "a module" if isinstance(item, Module) else "Values"
                raise TypeError(
                    f"{type(self).__name__}.{path} holds {held} without a name, as a set has no order, an iterator "
                    "ends and a key is none: make it a list, or a dict with them as values"
                )
            kind: Any = type(item)
            read = None if isinstance(item, Value) else _reader(kind)
            if read:
                waiting += _inside(item) if read is _refused else read(item)[1]

    def parameters(self) -> list[Value]:
        """Return all parameters, each once, in order of definition."""
        seen: dict[int, Any] = {}
        found: list[Value] = []
        waiting: list[Any] = [self]  # as in `_held`, without the paths: this is asked several times a training step
        while waiting:
            item = waiting.pop()
            if isinstance(item, Value):
                if item.op is None and id(item) not in seen:
                    seen[id(item)] = item
                    found.append(item)
                continue
            kind: Any = type(item)
            read = _reader(kind)
            if read is None or id(item) in seen:
                continue
            if read is _refused:
                return [value for _, value in self.named_parameters()]  # which looks into the set, too
            seen[id(item)] = item
            waiting += reversed(read(item)[1])
        return found

    def zero_grad(self) -> None:
        """Forget the gradient of every parameter: it is 0 again."""
        for parameter in self.parameters():
            parameter._grad = None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the parameters to a JSON file: the old file stays whole until the new one is.

        Raises:
            ValueError: if a parameter is nan or inf, which JSON cannot hold; nothing is written.
            OSError: if the file cannot be written, or the path is that of a folder or a device.
        """
        parameter_file.write(path, {name: parameter.data for name, parameter in self._by_name().items()})

    def load(self, path: str | os.PathLike[str]) -> None:
        """Set the parameters from a file that `save` wrote for a module of the same shape: all of them, or none.

        Raises:
            ValueError: if the file is too large, not of this format or version, or its parameters are not exactly this
                module's, each a finite number. The message names the file and what is wrong with it.
        """
        name = files.path_name(path)
        try:
            loaded = parameter_file.read(name)
            own = self._by_name()
            parameter_file.check(own, loaded)
        except ValueError as error:
            raise ValueError(f"cannot load {name!r}: {error}") from None
        with all_or_nothing(own.values()):
            for key, parameter in own.items():
                parameter.data = loaded[key]

    def _by_name(self) -> dict[str, Value]:
        named = list(self.named_parameters())
        by_name = dict(named)
        if len(by_name) != len(named):
            twice = next(name for name, value in named if by_name[name] is not value)
            raise ValueError(f"two parameters have the same path, {reprlib.repr(twice)}: rename what holds one of them")
        return by_name


Parts = tuple[Iterable[Any], Sequence[Any]]  # names, and what is under each
HOLDS_NOTHING = (
    *(str, bytes, bytearray, memoryview, range, array),
    *(type, ModuleType, FunctionType, BuiltinFunctionType, MethodType),
)
IN_ORDER = (list, tuple, deque, UserList, ValuesView, KeysView, ItemsView)
BY_NAME = (dict, UserDict, ChainMap, MappingProxyType)


@lru_cache(maxsize=1024)
def _reader(kind: type) -> Callable[[Any], Parts] | None:
    """Return what lists the parts of an object of this type; None where there are none."""
    if issubclass(kind, HOLDS_NOTHING) or _is_ours(kind):
        return None
    if issubclass(kind, (set, frozenset, WeakSet)) or (issubclass(kind, Iterator) and not kind.__dictoffset__):
        return _refused
    content = _content(kind)
    slots = kind._slots if issubclass(kind, Module) else _slots(kind)
    shared = _shared(kind)
    return partial(_of_object, content, slots, shared) if slots or shared or kind.__dictoffset__ else content


def _is_ours(kind: type) -> bool:
    """Return whether it is an optimizer, a replay, a drawing ...: they know parameters, and own none."""
    return not issubclass(kind, Module) and _has_base_in("autodiff", kind)


def _has_base_in(package: str, kind: type) -> bool:
    return any([base.__module__.partition(".")[0] == package for base in kind.__mro__])


def _content(kind: type) -> Callable[[Any], Parts] | None:
    """Return what lists the content of a container; None for what is none, or is read by its attributes."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and issubclass(kind, numpy.ndarray):
        return _of_array
    if issubclass(kind, partial):
        return lambda item: (("args", "keywords"), (item.args, item.keywords))
    if _has_base_in("pandas", kind) and hasattr(kind, "to_numpy"):
        return _of_frame
    bare = not kind.__dictoffset__ and not _slots(kind)  # written in C: there are no attributes to read
    if issubclass(kind, BY_NAME) or (bare and issubclass(kind, Mapping)):
        return _of_mapping
    if issubclass(kind, IN_ORDER) or (bare and issubclass(kind, Sequence)):
        return _in_order
    return None


def _slots(kind: type) -> tuple[str, ...]:
    """Return the slots of a class and its bases, under the names that they have on an object."""
    found = []
    for base in reversed(kind.__mro__):
        own = vars(base).get("__slots__", ())
        for name in [own] if isinstance(own, str) else own:
            private = name.startswith("__") and not name.endswith("__")
            found.append(f"_{base.__name__.lstrip('_')}{name}" if private else name)
    return tuple([name for name in found if name not in ("__dict__", "__weakref__")])


def _shared(kind: type) -> tuple[str, ...]:
    """Return the names of what all objects of a class share, as it is in the class itself and may hold parameters."""
    return tuple(
        name
        for base in reversed(kind.__mro__)
        if base is not object and base is not Module
        for name, held in vars(base).items()
        if not name.startswith("__") and name != "_slots"
        if not isinstance(held, (*HOLDS_NOTHING, int, float, complex)) and not hasattr(type(held), "__get__")
    )


def _of_object(
    content: Callable[[Any], Parts] | None, slots: tuple[str, ...], shared: tuple[str, ...], item: Any
) -> Parts:
    """Return the content and the attributes of an object, in order of definition; what its class holds comes last."""
    names, parts = slots, [getattr(item, name, None) for name in slots]
    attributes = getattr(item, "__dict__", None)
    if attributes:
        names, parts = (*names, *attributes), [*parts, *attributes.values()]
    if shared:
        names, parts = (*names, *shared), [*parts, *[getattr(item, name, None) for name in shared]]
    if content:
        own, held = content(item)
        names, parts = (*[name for name, _ in zip(own, held, strict=False)], *names), [*held, *parts]
    return names, parts


def _in_order(item: Any) -> Parts:
    return count(), item if isinstance(item, (list, tuple)) else list(item)


def _of_mapping(item: Any) -> Parts:
    names, parts = list(item), list(item.values())
    keys = [key for key in names if isinstance(key, (Value, Module))]
    if keys:  # they have no name
        names = [i if isinstance(key, (Value, Module)) else key for i, key in enumerate(names)]
        return [*names, "keys"], [*parts, frozenset(keys)]
    return names, parts


def _of_frame(item: Any) -> Parts:
    """Return the elements of a table or a column of pandas."""
    return _of_array(item.to_numpy())


def _of_array(item: Any) -> Parts:
    """Return the elements of an array of objects, under their places; of an array of numbers, nothing."""
    item = sys.modules["numpy"].asarray(item)  # a matrix stays one whatever is done to it
    if item.dtype.names:
        return item.dtype.names, [item[name] for name in item.dtype.names]
    if not item.dtype.hasobject:
        return (), ()
    places = product(*map(range, item.shape))
    return (".".join(map(str, place)) or "0" for place in places), item.ravel().tolist()


def _inside(item: Any) -> list[Any]:
    """Return what is in a set, or what an iterator refers to: to ask it for its elements would use it up."""
    return gc.get_referents(item) if isinstance(item, Iterator) else list(item)


def _refused(item: Any) -> Parts:
    """Stand for sets, which have no order, and for iterators; see `Module._refuse_what_only_it_holds`."""
    raise TypeError(f"a {type(item).__name__} has no order")
