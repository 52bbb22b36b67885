import copy
import errno
import json
import math
import os
import pickle
import re
import struct

import pytest

from autodiff import Value, nn
from autodiff.nn import parameter_file
from autodiff.support import files
from autodiff.support.atomic import all_or_nothing


class Named(nn.Module):
    """A module with the attributes that it is given."""

    def __init__(self, **attributes):
        vars(self).update(attributes)


def paths(module):
    return [path for path, _ in module.named_parameters()]


def bits(module):
    return [struct.pack("<d", parameter.data) for parameter in module.parameters()]


# Parameters by name


def test_paths_of_an_mlp_go_through_layers_neurons_and_weights_in_order():
    model = nn.MLP(3, [2, 1], seed=0)
    expected = [f"layers.0.neurons.{n}.{p}" for n in (0, 1) for p in ("weights.0", "weights.1", "weights.2", "bias")]
    expected += [f"layers.1.neurons.0.{p}" for p in ("weights.0", "weights.1", "bias")]
    assert paths(model) == expected
    assert dict(model.named_parameters())["layers.0.neurons.1.weights.2"] is model.layers[0].neurons[1].weights[2]


def test_lists_tuples_dicts_and_modules_are_searched_at_any_nesting_and_all_else_is_ignored():
    a, b, c, d, e = map(Value, range(5))
    module = Named(a=a, number=3.0, text="ab", none=None, ys=[b, (c, {"k": d})], sub=Named(e=e), function=len, s={1, 2})
    assert list(module.named_parameters()) == [("a", a), ("ys.0", b), ("ys.1.0", c), ("ys.1.1.k", d), ("sub.e", e)]
    assert [id(p) for p in module.parameters()] == [id(p) for p in (a, b, c, d, e)]


class Slotted(nn.Module):
    __slots__ = ("_cache", "missing", "slope")

    def __init__(self):
        self.offset, self.slope, self._cache = Value(1.0), Value(2.0), Value(3.0)


class Curve(Slotted):
    __slots__ = "bend"

    def __init__(self):
        super().__init__()
        self.bend = [Value(4.0)]


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_slots_hold_parameters_unless_they_are_private(clone):
    for module in (Curve(), clone(Curve())):
        assert {name: p.data for name, p in module.named_parameters()} == {"slope": 2, "bend.0": 4, "offset": 1}
        assert [p.data for p in module.parameters()] == [2.0, 4.0, 1.0]
        assert paths(Slotted()) == ["slope", "offset"]


def test_parameters_are_those_that_have_a_name_in_the_same_order():
    shared = Value(5.0)
    computed = shared * 2.0
    module = Named(m=nn.MLP(2, [3, 1], seed=0), a=[shared, computed, (shared, Value(1.0))], again=shared, c=Curve())
    assert [id(p) for p in module.parameters()] == [id(p) for _, p in module.named_parameters()]
    assert id(computed) not in map(id, module.parameters())


def test_a_shared_parameter_comes_once_under_its_first_path():
    shared = Value(1.0)
    assert paths(Named(first=shared, second=[shared, Value(1.0)], third=Named(again=shared))) == ["first", "second.1"]


def test_modules_come_once_each_the_outermost_first_with_no_path():
    inner = Named(w=Value(1.0), deep=Named())
    outer = Named(a=inner, b=[inner, Named()], c=Value(2.0))
    assert list(outer.named_modules()) == [("", outer), ("a", inner), ("a.deep", inner.deep), ("b.1", outer.b[1])]


def test_a_module_may_also_be_of_a_class_that_is_told_of_its_subclasses():
    class Registered:
        def __init_subclass__(cls, name):
            cls.name = name

    class Both(nn.Module, Registered, name="both"):
        pass

    assert Both.name == "both"


def test_a_shared_module_and_a_module_that_holds_its_owner_come_once():
    inner = Named(w=Value(1.0))
    outer = Named(a=inner, b=[inner])
    inner.owner = outer
    assert paths(outer) == ["a.w"]


def test_parameters_with_equal_numbers_are_told_apart():
    assert len(Named(ws=[Value(0.0), Value(0.0), Value(0.0)]).parameters()) == 3


def test_a_module_without_parameters_has_none():
    assert nn.Module().parameters() == []


def test_a_module_nested_thousands_deep_does_not_recurse():
    module = Named(w=Value(1.0))
    for _ in range(5000):
        module = Named(m=module)
    assert paths(module) == ["m." * 5000 + "w"]


def test_an_own_subclass_trains_without_calling_the_base_constructor():
    class Parabola(nn.Module):
        def __init__(self):
            self.terms = {"a": Value(0.0), "b": Value(0.0), "c": Value(0.0)}

        def __call__(self, inputs):
            (x,) = inputs
            return self.terms["a"] * x * x + self.terms["b"] * x + self.terms["c"]

    model = Parabola()
    data = [([x / 4], 3 * (x / 4) ** 2 - 2 * (x / 4) + 0.5) for x in range(-4, 5)]
    nn.fit(model, data, "squared_error", nn.SGD(model.parameters(), lr=0.4, momentum=0.5), epochs=200)
    assert [p.data for p in model.parameters()] == pytest.approx([3, -2, 0.5], abs=1e-9)


def test_zero_grad_brings_every_gradient_to_zero():
    model = nn.MLP(2, [3, 1], "tanh", seed=0)
    model([0.5, -1.0]).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert [p.grad for p in model.parameters()] == [0.0] * 13
    assert not any("grad" in repr(p) for p in model.parameters())  # none has reached them, which is not a gradient of 0


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copied_model_answers_the_same_bits_and_is_independent(duplicate):
    model = nn.MLP(2, [4, 2], "tanh", seed=3)
    x = [0.3, -0.7]
    twin = duplicate(model)
    assert [y.data for y in twin(x)] == [y.data for y in model(x)]
    sum(twin(x)).backward()
    assert paths(twin) == paths(model)
    assert all(p.grad == 0 for p in model.parameters())
    assert any(p.grad != 0 for p in twin.parameters())
    twin.parameters()[0].data = 100.0
    assert model.parameters()[0].data != 100.0


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copied_model_still_shares_what_was_shared(duplicate):
    shared = Value(2.0, "tied")
    twin = duplicate(Named(a=shared, b=[shared]))
    assert twin.a is twin.b[0]
    assert twin.a is not shared
    assert twin.a.label == "tied"


def test_what_is_taken_back_is_seen_by_the_neurons_that_had_read_it():
    model = nn.MLP(1, [1], seed=1)
    before = model(2.0).data

    def move_and_stumble():
        for parameter in model.parameters():
            parameter.data, parameter.grad = 5.0, 1.0
        assert model(2.0).data == 15.0
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), all_or_nothing(model.parameters()):
        move_and_stumble()
    assert model(2.0).data == before
    assert not any("grad" in repr(p) for p in model.parameters())


# Saving


@pytest.fixture
def saved(tmp_path):
    """A model, the file it was saved to, and another model of the same shape to load it into."""
    path = tmp_path / "model.json"
    model = nn.MLP(1, [1], seed=5)
    model.save(path)
    return model, path, nn.MLP(1, [1], seed=6)


EXTREME = (0.1, -0.0, 5e-324, -2.2250738585072014e-308, math.nextafter(math.inf, 0), 1 / 3, 1e16, 123456789012345678)


@pytest.mark.parametrize("as_path", [str, lambda path: path], ids=["str", "Path"])
def test_a_round_trip_is_bit_exact(tmp_path, as_path):
    path = as_path(tmp_path / "a model é.json")
    model, other = Named(ws=list(map(Value, EXTREME))), Named(ws=[Value(9.0) for _ in EXTREME])
    model.save(path)
    other.load(path)
    assert bits(other) == bits(model) == [struct.pack("<d", float(x)) for x in EXTREME]


def test_a_saved_mlp_loaded_elsewhere_answers_the_same_bits(tmp_path):
    model, other = nn.MLP(2, [8, 1], "tanh", seed=1), nn.MLP(2, [8, 1], "tanh", seed=2)
    model.save(tmp_path / "m.json")
    assert other([0.1, 0.2]).data != model([0.1, 0.2]).data
    other.load(tmp_path / "m.json")
    assert other([0.1, 0.2]).data == model([0.1, 0.2]).data


def test_the_file_is_plain_json_with_format_version_and_numbers_by_path(saved):
    model, path, _ = saved
    weight, bias = (p.data for p in model.parameters())
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "format": "autodiff parameters",
        "version": 1,
        "parameters": {"layers.0.neurons.0.weights.0": weight, "layers.0.neurons.0.bias": bias},
    }


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_nan_and_inf_are_refused_at_save_and_nothing_is_written(tmp_path, number):
    with pytest.raises(ValueError, match=rf"parameter 'ws\.1' is {number}: only finite parameters are saved"):
        Named(ws=[Value(1.0), Value(number)]).save(tmp_path / "m.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("twice", [{"a.b": Value(1.0), "a": {"b": Value(2.0)}}, {1: Value(3.0), "1": Value(4.0)}])
def test_two_parameters_under_one_path_are_refused(tmp_path, twice):
    model = Named(first=Value(0.0), d=twice)
    told = f"^two parameters have the same path, 'd.{'a.b' if 'a' in twice else '1'}': rename what holds one of them$"
    with pytest.raises(ValueError, match=told):
        model.save(tmp_path / "m.json")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="two parameters have the same path") as caught:
        Named(**{"x" * 10_000: twice}).save(tmp_path / "m.json")
    assert len(str(caught.value)) < 200
    nn.MLP(1, [1], seed=1).save(tmp_path / "m.json")
    with pytest.raises(ValueError, match="two parameters have the same path"):
        model.load(tmp_path / "m.json")


class HalfWritten:
    """A file on a full disk: it takes half of the text, then raises."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, text):
        self.file.write(text[: len(text) // 2])
        self.file.flush()
        raise OSError(errno.ENOSPC, "no space left")


def failing(monkeypatch, what, error):
    def fail(*args):
        raise error

    if what == "write":

        def half(*arguments, **options):
            return HalfWritten(open(*arguments, **options))  # HalfWritten closes it

        monkeypatch.setattr(files, "open", half, raising=False)
    else:
        monkeypatch.setattr(os, what, fail)


@pytest.mark.parametrize("what", ["write", "fsync", "replace"])
@pytest.mark.parametrize("existing", [True, False], ids=["over a file", "fresh"])
def test_when_writing_fails_the_old_file_stays_whole_and_no_other_is_left(tmp_path, monkeypatch, what, existing):
    path = tmp_path / "m.json"
    old = nn.MLP(1, [1], seed=0)
    if existing:
        old.save(path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with monkeypatch.context() as patched:
        failing(patched, what, OSError(errno.ENOSPC, "no space left"))
        with pytest.raises(OSError, match="no space left"):
            nn.MLP(1, [1], seed=1).save(path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize("what", ["fsync", "replace"])
def test_an_interrupt_while_saving_leaves_no_file_behind(tmp_path, monkeypatch, what):
    failing(monkeypatch, what, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        nn.MLP(1, [1], seed=1).save(tmp_path / "m.json")
    assert list(tmp_path.iterdir()) == []


def test_saving_into_a_missing_folder_raises_file_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        nn.MLP(1, [1], seed=0).save(tmp_path / "nowhere" / "m.json")


# Loading what is no good file

W, B = "layers.0.neurons.0.weights.0", "layers.0.neurons.0.bias"


def text(version="1", weight="0.25", form='"autodiff parameters"', end="}"):
    return f'{{"format": {form}, "version": {version}, "parameters": {{"{W}": {weight}, "{B}": 0.5}}{end}'


DEEP = "[" * 100_000 + "]" * 100_000
REFUSED = {
    "empty": ("", "Expecting value"),
    "truncated": (text()[:-20], "Expecting|delimiter|Unterminated"),
    "more after the end": (text() + "{}", "Extra data"),
    "a list": ("[1, 2]", r"no file of parameters: .* exactly the keys \['format', 'parameters', 'version'\]$"),
    "null": ("null", "no file of parameters"),
    "another format": (text(form='"weights"'), "no file of parameters"),
    "a missing key": ('{"format": "autodiff parameters", "version": 1}', "no file of parameters"),
    "an unknown key": (text(end=', "extra": 1}'), "no file of parameters"),
    "a duplicate key": (text(end=', "version": 1}'), "appears twice"),
    "a duplicate parameter": (text(weight=f'1.0, "{W}": 2.0'), "appears twice"),
    "a later version": (text(version="2"), "version 2, this release reads version 1"),
    "a version as text": (text(version='"1"'), "version '1', this release reads version 1"),
    "a version as true": (text(version="true"), "version True, this release reads version 1"),
    "a version without end": (text(version='"' + "x" * 10_000 + '"'), "this release reads version 1"),
    "a name without end": (text(weight='0.25, "' + "x" * 10_000 + '": 1'), "1 unknown"),
    "parameters as a list": ('{"format": "autodiff parameters", "version": 1, "parameters": [1]}', "not an object"),
    "NaN": (text(weight="NaN"), "NaN in it is not a finite number"),
    "Infinity": (text(weight="Infinity"), "Infinity in it is not a finite number"),
    "-Infinity": (text(weight="-Infinity"), "-Infinity in it is not a finite number"),
    "1e999": (text(weight="1e999"), f"parameter '{W}' is inf, not a finite number"),
    "-1e999": (text(weight="-1e999"), f"parameter '{W}' is -inf, not a finite number"),
    "an integer above all floats": (text(weight="1" + "0" * 400), "not a finite number"),
    "an integer of 10,000 digits": (text(weight="9" * 10_000), "digits"),
    "a number as text": (text(weight='"0.25"'), f"parameter '{W}' is '0.25', not a finite number"),
    "true": (text(weight="true"), f"parameter '{W}' is True, not a finite number"),
    "a null": (text(weight="null"), f"parameter '{W}' is None, not a finite number"),
    "a list as number": (text(weight="[0.25]"), "not a finite number"),
    "a bush as number": (text(weight=json.dumps([[[[1] * 6] * 6] * 6] * 6)), "not a finite number"),
    "an object as number": (text(weight='{"a": 1}'), "not a finite number"),
    "an unknown parameter": (text(weight='0.25, "b": 1'), r"0 missing \[\], 1 unknown \['b'\]"),
    "a missing parameter": (text().replace(W, B + "0"), rf"1 missing \['{W}'\], 1 unknown \['{B}0'\]"),
    "deep nesting": (text(weight=DEEP), "nested too deeply"),
    "deep nesting as a whole": (DEEP, "nested too deeply"),
    "a byte order mark": ("\ufeff" + text(), "BOM"),
    "another encoding": (text(form='"é"').encode("latin-1"), "utf-8"),
    "binary": (bytes(range(256)), "utf-8|Expecting value"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_a_bad_file_is_refused_by_name_and_no_parameter_changes(saved, content, message):
    _, path, other = saved
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = bits(other)
    with pytest.raises(ValueError, match=message) as caught:
        other.load(path)
    assert str(caught.value).startswith(f"cannot load {str(path)!r}: ")
    assert len(str(caught.value)) < 1000
    assert bits(other) == before


@pytest.mark.parametrize("where", ["version", "weight"])
def test_nesting_of_any_depth_is_refused_with_value_error(saved, where):
    _, path, other = saved
    for depth in range(50, 1100, 10):  # around the interpreter's limit the parser may pass and a later step may not
        path.write_text(text(**{where: "[" * depth + "]" * depth}), encoding="utf-8")
        with pytest.raises(ValueError, match="cannot load"):
            other.load(path)


def test_an_integer_in_the_file_becomes_a_float(saved):
    _, path, other = saved
    path.write_text(text(weight="3"), encoding="utf-8")
    other.load(path)
    assert repr(other.parameters()[0].data) == "3.0"


def test_a_file_above_the_size_cap_is_refused(saved, monkeypatch):
    model, path, other = saved
    size = path.stat().st_size
    monkeypatch.setattr(parameter_file, "MAX_FILE_SIZE", size - 1)
    with pytest.raises(ValueError, match=f"cannot load .*: it is larger than {size - 1} bytes"):
        other.load(path)
    monkeypatch.setattr(parameter_file, "MAX_FILE_SIZE", size)
    other.load(path)
    assert bits(other) == bits(model)


@pytest.mark.skipif(os.name != "posix", reason="a file that is mostly a hole is of POSIX")
def test_a_file_as_large_as_a_disk_is_refused_without_reading_it(saved):
    _, path, other = saved
    os.truncate(path, 2**40)
    with pytest.raises(ValueError, match="it is larger than 67108864 bytes"):
        other.load(path)


def test_a_model_of_another_shape_is_refused(saved):
    _, path, _ = saved
    with pytest.raises(ValueError, match="was it saved from a module of another shape"):
        nn.MLP(2, [1], seed=0).load(path)


def test_what_is_missing_and_what_is_unknown_is_told_in_order(tmp_path):
    model, other = (Named(**{name: Value(1.0) for name in names}) for names in ("fecbda", "zyuxwv"))
    other.save(tmp_path / "m.json")
    first, second = (re.escape(str(list(names))) for names in ("abcdef", "uvwxyz"))
    with pytest.raises(ValueError, match=f"6 missing {first}, 6 unknown {second}; "):
        model.load(tmp_path / "m.json")


def test_a_missing_file_raises_file_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        nn.MLP(1, [1], seed=0).load(tmp_path / "nothing.json")
