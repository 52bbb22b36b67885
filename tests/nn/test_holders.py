"""Parameters in whatever holds Values: found, trained and saved, or refused by name; never lost."""

import collections
import dataclasses
import enum
import functools
import logging
import queue
import random
import types

import pytest

from autodiff import Replay, Value, nn


class Holder(nn.Module):
    """A module with one attribute, before which and after which stand others."""

    def __init__(self, held):
        self.first, self.held, self.last = Value(1.0), held, Value(2.0)


@dataclasses.dataclass
class Pair:
    slope: object
    offsets: list


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    w: object


class Plain:
    def __init__(self, w):
        self.number, self._w = 3, w


class Private:
    __slots__ = ("__w", "missing")

    def __init__(self, w):
        self.__w = w


class Colour(enum.Enum):
    RED = 1


class Lazy(collections.abc.Sequence):
    """A sequence that makes what it answers, from what it holds."""

    def __init__(self, w):
        self.rows = [w]

    def __len__(self):
        return 10**12

    def __getitem__(self, i):
        raise AssertionError


class Stack(nn.Module, list):
    """A module that is a list, too."""


class Own(list):
    """A list with an attribute."""


def own(w, v):
    holder = Own([w])
    holder.more = {"v": v}
    return holder


def chain(w, v):
    return collections.ChainMap({"a": w}, {"a": v})  # the second is behind the first


HOLDERS = {
    "list": (lambda w, v: [w, v], ["0", "1"]),
    "deque": (lambda w, v: collections.deque([w, v]), ["0", "1"]),
    "UserList": (lambda w, v: collections.UserList([w, v]), ["0", "1"]),
    "named tuple": (lambda w, v: collections.namedtuple("Both", "w v")(w, v), ["0", "1"]),
    "dict": (lambda w, v: {"b": w, "a": v}, ["b", "a"]),
    "OrderedDict": (lambda w, v: collections.OrderedDict(b=w, a=v), ["b", "a"]),
    "defaultdict": (lambda w, v: collections.defaultdict(list, b=[w], a=[v]), ["b.0", "a.0"]),
    "UserDict": (lambda w, v: collections.UserDict(b=w, a=v), ["b", "a"]),
    "mapping proxy": (lambda w, v: types.MappingProxyType({"b": w, "a": v}), ["b", "a"]),
    "ChainMap": (chain, ["a", "maps.1.a"]),
    "keys of a dict": (lambda w, v: {w: 1, v: 2}.keys(), ["0", "1"]),
    "values of a dict": (lambda w, v: {"b": w, "a": v}.values(), ["0", "1"]),
    "namespace": (lambda w, v: types.SimpleNamespace(w=w, v=[v]), ["w", "v.0"]),
    "partial": (lambda w, v: functools.partial(max, w, key=v), ["args.0", "keywords.key"]),
    "dataclass": (lambda w, v: Pair(w, [v]), ["slope", "offsets.0"]),
    "frozen dataclass with slots": (lambda w, v: Frozen((w, v)), ["w.0", "w.1"]),
    "plain object": (lambda w, v: Plain([w, v]), ["_w.0", "_w.1"]),
    "private slot": (lambda w, v: Private([w, v]), ["_Private__w.0", "_Private__w.1"]),
    "list with attributes": (own, ["0", "more.v"]),
    "sequence that is not asked": (lambda w, v: [Lazy(w), v], ["0.rows.0", "1"]),
    "module that is a list": (lambda w, v: Stack([w, v]), ["0", "1"]),
    "all in all": (
        lambda w, v: collections.deque([{"p": Pair(Plain((w,)), [])}, collections.UserDict(q=Frozen([v]))]),
        ["0.p.slope._w.0", "1.q.w.0"],
    ),
}


@pytest.mark.parametrize(("make", "paths"), HOLDERS.values(), ids=HOLDERS)
def test_parameters_are_found_in_whatever_holds_them_in_order(make, paths):
    w, v = Value(3.0), Value(4.0)
    module = Holder(make(w, v))
    expected = [module.first, w, v, module.last]
    assert [id(p) for p in module.parameters()] == [id(p) for p in expected]
    assert list(map(id, dict(module.named_parameters()).values())) == [id(p) for p in expected]
    assert [path for path, _ in module.named_parameters()][1:-1] == [f"held.{path}" for path in paths]


@pytest.mark.parametrize(("make", "paths"), HOLDERS.values(), ids=HOLDERS)
def test_what_is_found_is_trained_saved_and_loaded(make, paths, tmp_path):
    w, v = Value(3.0), Value(4.0)
    module = Holder(make(w, v))
    module.save(tmp_path / "m.json")
    (w * v + module.first).backward()
    nn.SGD(module.parameters(), lr=0.5).step()
    assert (w.data, v.data, module.first.data, module.last.data) == (1.0, 2.5, 0.5, 2.0)
    module.zero_grad()
    assert (w.grad, v.grad) == (0.0, 0.0)
    module.load(tmp_path / "m.json")
    assert (w.data, v.data, module.first.data, module.last.data) == (3.0, 4.0, 1.0, 2.0)


@pytest.fixture
def np():
    return pytest.importorskip("numpy", reason="NumPy makes the arrays")


def matrix(np, w, v):
    with pytest.warns(PendingDeprecationWarning):
        return np.matrix([[w, v]], dtype=object)


def record(np, w, v):
    array = np.zeros(1, dtype=[("n", float), ("w", object), ("v", object)])
    array["w"][0], array["v"][0] = w, v
    return array


def weights(np, w, v):
    array = np.array([w], dtype=object).view(type("Weights", (np.ndarray,), {}))  # which may have attributes
    array.bias = v
    return array


def cell(np, x):
    array = np.empty((), dtype=object)
    array[()] = x
    return array


ARRAYS = {
    "array": (lambda np, w, v: np.array([w, v]), ["0", "1"]),
    "two axes": (lambda np, w, v: np.array([[w], [v]]), ["0.0", "1.0"]),
    "in another order": (lambda np, w, v: np.array([[w, 2.0], [1.0, v]]).T, ["0.0", "1.1"]),
    "no axis": (lambda np, w, v: [cell(np, w), cell(np, v)], ["0.0", "1.0"]),
    "lists in it": (lambda np, w, v: cell(np, [w, v]), ["0.0", "0.1"]),
    "matrix": (matrix, ["0.0", "0.1"]),
    "fields": (record, ["w.0", "v.0"]),
    "masked": (lambda np, w, v: np.ma.array([w, v], mask=[True, False], dtype=object), ["0", "1"]),
    "subclass": (weights, ["0", "bias"]),
}


@pytest.mark.parametrize(("make", "paths"), ARRAYS.values(), ids=ARRAYS)
def test_parameters_are_found_in_arrays_by_their_places(np, make, paths, tmp_path):
    test_parameters_are_found_in_whatever_holds_them_in_order(lambda w, v: make(np, w, v), paths)
    test_what_is_found_is_trained_saved_and_loaded(lambda w, v: make(np, w, v), paths, tmp_path)


def test_an_array_of_numbers_holds_none_and_views_of_one_array_hold_the_same(np):
    array = np.array([Value(1.0), Value(2.0)])
    module = Holder([np.zeros(10**6), array, array[::-1], array[:1]])
    assert [path for path, _ in module.named_parameters()] == ["first", "held.1.0", "held.1.1", "last"]


class Table:
    """Stands for the tables of pandas, which show what they hold by `to_numpy` alone."""

    __slots__ = ("__weakref__",)
    answer = staticmethod(list)

    def to_numpy(self):
        return self.answer()


Table.__module__ = "pandas.core.frame"


def test_parameters_are_found_in_tables_of_pandas(np):
    array = np.array([[Value(3.0), 1.0], [Value(4.0), 2.0]])
    table = type("Frame", (Table,), {"answer": lambda self: array.copy()})()
    assert [path for path, _ in Holder(table).named_parameters()] == ["first", "held.0.0", "held.1.0", "last"]


# What is refused, by name


def keyed(w, v):
    return {w: 1.0, "a": v}


UNORDERED = {
    "set": (lambda w, v: {w, v}, "Holder.held holds Values without a name"),
    "frozenset": (lambda w, v: {"a": [frozenset([w])]}, "Holder.held.a.0 holds Values without a name"),
    "tuples in a set": (lambda w, v: {(w, v)}, "Holder.held holds Values without a name"),
    "keys": (keyed, "Holder.held.keys holds Values without a name"),
    "a module in a set": (lambda w, v: {nn.MLP(1, [1], seed=0)}, "Holder.held holds a module without a name"),
    "a set in a dataclass": (lambda w, v: Pair({w}, []), "Holder.held.slope holds Values without a name"),
    "an iterator": (lambda w, v: iter([w]), "Holder.held holds Values without a name"),
    "a map": (lambda w, v: map(abs, [w]), "Holder.held holds Values without a name"),
    "a generator": (lambda w, v: (x for x in [w, v]), "Holder.held holds Values without a name"),
    "sets in a set": (lambda w, v: {frozenset([v])}, "Holder.held holds Values without a name"),
}


@pytest.mark.parametrize(("make", "message"), UNORDERED.values(), ids=UNORDERED)
def test_what_has_no_order_is_refused_by_name_and_told_the_cure(make, message, tmp_path):
    w, v = Value(3.0), Value(4.0)
    module = Holder(make(w, v))
    asks = [
        module.parameters,
        module.zero_grad,
        lambda: list(module.named_parameters()),
        lambda: list(module.named_modules()),
    ]
    for ask in [*asks, lambda: module.save(tmp_path / "m.json")]:
        with pytest.raises(TypeError, match=f"^{message}, .*: make it a list, or a dict with them as values$"):
            ask()
    assert list(tmp_path.iterdir()) == []


def test_a_set_that_only_marks_what_has_a_name_elsewhere_is_none_of_our_business():
    module = Holder(None)
    module.inner = nn.MLP(1, [1], seed=0)
    module.frozen = {module.first, module.last, module.inner, *module.inner.parameters(), "a", (1, 2)}
    module.rates = {module.first: 0.1, module.inner: 0.2}
    module.held = frozenset([module.first * 2.0])  # computed, so no parameter
    assert [path for path, _ in module.named_parameters()] == [
        "first", "last", "inner.layers.0.neurons.0.weights.0", "inner.layers.0.neurons.0.bias",
    ]  # fmt: skip
    assert len(module.parameters()) == 4


def test_under_a_key_that_is_a_value_the_path_does_not_change_with_its_number(tmp_path):
    module = Holder({})
    module.held[module.first] = Value(5.0)
    module.save(tmp_path / "m.json")
    module.first.data = 7.0
    module.load(tmp_path / "m.json")
    assert [(path, p.data) for path, p in module.named_parameters()] == [("first", 1), ("held.0", 5), ("last", 2)]


# Sharing, cycles, and what is left alone


def test_what_several_hold_comes_once_and_cycles_end():
    w = Value(3.0)
    plain, pair = Plain(w), Pair(w, [w])
    plain.back = pair.back = plain
    ring = collections.deque([plain, pair])
    ring.append(ring)
    module = Holder(ring)
    plain.owner = module
    module.again = [ring, {"w": w}]
    assert [path for path, _ in module.named_parameters()] == ["first", "held.0._w", "last"]
    assert len(module.parameters()) == 3


def test_objects_nested_thousands_deep_do_not_recurse():
    held = Value(3.0)
    for _ in range(5000):
        held = Plain(held)
    assert [id(p) for p in Holder(held).parameters()][1] == id(
        dict(Holder(held).named_parameters())["held" + "._w" * 5000]
    )


def test_modules_are_found_where_values_are():
    inner = nn.MLP(1, [1], seed=0)
    module = Holder(Pair(inner, [collections.UserDict(a=nn.Neuron(1, seed=0))]))
    paths = [path for path, _ in module.named_modules()]
    assert paths == ["", "held.slope", "held.slope.layers.0", "held.slope.layers.0.neurons.0", "held.offsets.0.a"]
    assert len(module.parameters()) == 6


class Shared(nn.Module):
    """A class that holds Values itself, as a beginner may write."""

    w = Value(1.0)
    more = [Value(2.0)]  # noqa: RUF012  # what is tested
    layers = None

    @property
    def computed(self):
        raise AssertionError


class Shadowing(Shared):
    def __init__(self):
        self.b, self.w, self.layers = Value(3.0), Value(4.0), [Value(5.0)]


def test_what_a_class_holds_is_found_after_what_the_object_holds_and_behind_it():
    assert [(path, p.data) for path, p in Shared().named_parameters()] == [("w", 1), ("more.0", 2)]
    assert [(path, p.data) for path, p in Shadowing().named_parameters()] == [
        ("b", 3), ("w", 4), ("layers.0", 5), ("more.0", 2),
    ]  # fmt: skip
    assert [p.data for p in Shadowing().parameters()] == [3, 4, 5, 2]


def test_what_knows_parameters_but_owns_none_and_what_can_hold_none_is_left_alone():
    w = Value(1.0)
    x = Value(2.0)  # an input of the replay, no parameter
    others = [
        *(nn.SGD([Value(9.0)]), nn.History(), Replay(w * x, [w], [x]), nn.EarlyStopping(3)),
        *(Colour.RED, Colour, random.Random(0), logging.getLogger("autodiff"), queue.Queue(), object(), iter([1.0])),
        *("text", b"bytes", 1j, None, range(10**12), len, print, types, abs, lambda: w, w * 2.0),
    ]
    module = Holder(others)
    assert [path for path, _ in module.named_parameters()] == ["first", "last"]
    assert len(module.parameters()) == 2


def test_the_order_is_the_same_whatever_was_found_first():
    module = Holder(Pair(Value(1.0), [Value(2.0), {"z": Value(3.0), "a": Plain(Value(4.0))}]))
    assert [p.data for p in module.parameters()] == [1, 1, 2, 3, 4, 2]
    assert [path for path, _ in module.named_parameters()] == [
        "first", "held.slope", "held.offsets.0", "held.offsets.1.z", "held.offsets.1.a._w", "last",
    ]  # fmt: skip
