"""Files of parameters: whole whatever happens while they are written, and refused if they are not."""

import errno
import json
import os
import pickle
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from autodiff import Value, draw, nn, steps
from autodiff.cli import main

posix = pytest.mark.skipif(os.name != "posix", reason="fork, kill -9 and limits of a process are of POSIX")


def numbers(model):
    return [p.data for p in model.parameters()]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.json"
    nn.MLP(1, [1], seed=5).save(path)
    return path


def refused(path, message="cannot load"):
    """Assert that the file is refused in one line that names it, and that no parameter changes."""
    model = nn.MLP(1, [1], seed=6)
    before = numbers(model)
    with pytest.raises(ValueError, match=message) as caught:
        model.load(path)
    told = str(caught.value)
    assert told.startswith(f"cannot load {str(path)!r}: ")
    assert len(told) < 1000
    assert numbers(model) == before


# Written


KILLED = """
import os, random, resource, signal, sys, time
from autodiff import nn

folder, kills = sys.argv[1], int(sys.argv[2])
path = os.path.join(folder, "model.json")
models = [nn.MLP(4, [8, 1], seed=seed) for seed in (1, 2)]
whole = [[p.data for p in model.parameters()] for model in models]
models[0].save(path)
rng = random.Random(0)
left = 0
for _ in range(kills):
    child = os.fork()
    if not child:
        while True:
            for model in models:
                model.save(path)
    time.sleep(rng.uniform(0.001, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    read = nn.MLP(4, [8, 1], seed=3)
    read.load(path)
    assert [p.data for p in read.parameters()] in whole
    for name in os.listdir(folder):
        if name != "model.json":
            assert name.startswith("model.json.") and name.endswith(".new"), name
            left += 1
            os.unlink(os.path.join(folder, name))
print(left)
"""


@posix
def test_a_process_that_is_killed_while_it_saves_leaves_the_old_file_or_the_new_one(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), "40"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0, "no kill came in the middle of a save: the test shows nothing"


FULL = """
import os, resource, sys
from autodiff import nn

path = sys.argv[1]
model = nn.MLP(1, [1], seed=1)
old = open(path).read()
for size in range(len(old)):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        model.save(path)
    except OSError as error:
        assert path in str(error) and ".new" not in str(error), error
    else:
        raise AssertionError(f"{size} bytes were enough")
    assert open(path).read() == old
    assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]
"""


@posix
def test_a_file_that_may_not_grow_to_its_size_is_not_begun_wherever_the_limit_is(file):
    done = subprocess.run([sys.executable, "-c", FULL, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


FORBIDDEN = """
import os, sys, tempfile
from autodiff import nn

model = nn.MLP(1, [1], seed=1)
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "model.json")
    model.save(path)
    old = open(path).read()
    os.chmod(folder, 0o555)
    if os.geteuid() == 0:
        os.seteuid(65534)  # root may write to any folder
    try:
        model.save(path)
    except PermissionError as error:
        assert error.filename == path, error
    else:
        raise AssertionError("it was written")
    assert open(path).read() == old
    assert os.listdir(folder) == ["model.json"]
    os.seteuid(os.getuid())
    os.chmod(folder, 0o755)
"""


@posix
def test_in_a_folder_that_may_not_be_written_nothing_changes_and_the_error_names_the_file():
    done = subprocess.run([sys.executable, "-c", FORBIDDEN], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


RIVALS = """
import os, sys, threading
from autodiff import nn

path = sys.argv[1]
mine, other = nn.MLP(1, [1], seed=1), nn.MLP(1, [1], seed=2)
mine.save(path)
whole, fsync = os.stat(path).st_size, os.fsync
other.save(path)


def in_between(number):
    os.fsync = fsync
    assert os.fstat(number).st_size == whole, "what is made safe is not yet written"
    thread = threading.Thread(target=other.save, args=[path])
    thread.start()
    thread.join()
    child = os.fork()
    if not child:
        other.save(path)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    fsync(number)


os.fsync = in_between
mine.save(path)
other.load(path)
assert [p.data for p in other.parameters()] == [p.data for p in mine.parameters()]
assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]
"""


@posix
def test_threads_and_processes_that_save_to_one_path_do_not_write_into_each_others_file(tmp_path):
    command = [sys.executable, "-c", RIVALS, str(tmp_path / "model.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_saving_follows_a_link_and_leaves_it_a_link(tmp_path, file):
    link = tmp_path / "latest.json"
    link.symlink_to(file)
    model = nn.MLP(1, [1], seed=9)
    model.save(link)
    assert link.is_symlink()
    other = nn.MLP(1, [1], seed=1)
    other.load(file)
    assert numbers(other) == numbers(model)


@pytest.mark.parametrize("as_path", [os.fsencode, str, Path], ids=["bytes", "str", "Path"])
def test_a_path_may_be_bytes_text_or_a_path(tmp_path, as_path):
    path = as_path(tmp_path / "é.json")
    model, other = nn.MLP(1, [1], seed=1), nn.MLP(1, [1], seed=2)
    model.save(path)
    other.load(path)
    assert numbers(other) == numbers(model)
    assert os.listdir(tmp_path) == ["é.json"]


@pytest.mark.parametrize("path", [0, 1.5, None, ["model.json"], Value(1.0)], ids=repr)
@pytest.mark.parametrize("do", [nn.Module.save, nn.Module.load], ids=["save", "load"])
def test_what_is_no_path_is_refused(do, path):
    with pytest.raises(TypeError, match=f"expected str, bytes or os.PathLike object, not {type(path).__name__}"):
        do(nn.MLP(1, [1], seed=1), path)


@pytest.mark.parametrize("do", [nn.Module.save, nn.Module.load], ids=["save", "load"])
def test_a_path_with_a_null_character_is_refused(do):
    with pytest.raises(ValueError, match=r"a path cannot hold a null character, got 'a\\x00b'"):
        do(nn.MLP(1, [1], seed=1), "a\0b")


@posix
def test_saving_over_a_folder_or_what_is_no_file_is_refused(tmp_path):
    folder, pipe = tmp_path / "folder", tmp_path / "pipe"
    folder.mkdir()
    os.mkfifo(pipe)  # not /dev/null, which a save that went wrong would replace on the machine that tests
    for path, number in ((folder, errno.EISDIR), (pipe, errno.EINVAL)):
        mode = os.stat(path).st_mode
        with pytest.raises(OSError, match="what is there is no regular file: ") as caught:
            nn.MLP(1, [1], seed=1).save(path)
        assert caught.value.errno == number
        assert stat.S_IFMT(os.stat(path).st_mode) == stat.S_IFMT(mode)
    assert sorted(tmp_path.iterdir()) == [folder, pipe]


def test_an_error_of_writing_names_the_file_that_was_asked_for(tmp_path, file):
    for path in (tmp_path / "nowhere" / "m.json", file / "m.json"):
        with pytest.raises(OSError, match=r"m\.json'$"):
            nn.MLP(1, [1], seed=1).save(path)


# Read


def test_a_file_cut_anywhere_is_refused(file):
    content = file.read_bytes().rstrip()
    for length in range(len(content)):
        file.write_bytes(content[:length])
        refused(file)


def test_a_file_with_a_wrong_byte_anywhere_is_refused_or_gives_finite_numbers(file):
    content = file.read_bytes()
    for place in range(len(content)):
        for byte in (0, 0x22, 0x35, 0x5B, 0xFF):
            file.write_bytes(content[:place] + bytes([byte]) + content[place + 1 :])
            model = nn.MLP(1, [1], seed=6)
            try:
                model.load(file)
            except ValueError:
                refused(file)
            assert all(abs(x) < float("inf") for x in numbers(model))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
form = st.fixed_dictionaries(
    {"format": st.just("autodiff parameters"), "version": st.just(1) | anything, "parameters": anything}
)


@settings(max_examples=60, deadline=None)
@given(content=anything | form)
def test_any_other_json_is_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    refused(path)


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"format":['])
def test_a_megabyte_of_nesting_is_refused(file, opening):
    file.write_text(opening * (2**20 // len(opening)), encoding="utf-8")
    refused(file, "nested too deeply")


def test_a_million_digits_are_refused(file):
    file.write_text('{"format": "autodiff parameters", "version": ' + "9" * 10**6 + "}", encoding="utf-8")
    refused(file, "digits")


def test_names_that_steer_a_terminal_do_not_reach_it(file):
    content = json.loads(file.read_text(encoding="utf-8"))
    content["parameters"]["\x1b[2J\x07\u202e"] = 1.0
    file.write_text(json.dumps(content), encoding="utf-8")
    refused(file)
    with pytest.raises(ValueError, match="1 unknown") as caught:
        nn.MLP(1, [1], seed=1).load(file)
    assert str(caught.value).isprintable()


def test_a_cut_pickle_raises_and_a_whole_one_is_the_model():
    model = nn.MLP(1, [1], seed=1)
    content = pickle.dumps(model)
    for length in range(0, len(content), 7):
        with pytest.raises((EOFError, pickle.UnpicklingError, ValueError, AttributeError, IndexError)):
            pickle.loads(content[:length])
    assert numbers(pickle.loads(content)) == numbers(model)


def saves():
    """Every way to write a file, by its name."""
    x = Value(2.0, "x")
    y = x * x
    return {
        "m.json": nn.MLP(1, [1], seed=1).save,
        "g.svg": draw(y).save,
        "g.dot": draw(y).save,
        "s.html": steps(y).save,
        "page.html": lambda path: main(["page", "a*a", "a=1", "-o", str(path)]),
        "graph.dot": lambda path: main(["graph", "a*a", "a=1", "-o", str(path)]),
    }


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o604, 0o755, 0o400], ids=oct)
@pytest.mark.parametrize("umask", [0o022, 0o000, 0o077], ids=oct)
def test_a_file_that_is_saved_over_is_as_open_as_it_was(tmp_path, mode, umask):
    before = os.umask(umask)
    try:
        for name, save in saves().items():
            path = tmp_path / name
            path.write_text("old")
            path.chmod(mode)
            save(path)
            assert path.read_bytes() != b"old"
            assert stat.S_IMODE(path.stat().st_mode) == mode, name
    finally:
        os.umask(before)


@posix
@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077], ids=oct)
def test_a_new_file_is_as_open_as_the_umask_says(tmp_path, umask):
    before = os.umask(umask)
    try:
        for name, save in saves().items():
            save(tmp_path / name)
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o666 & ~umask, name
    finally:
        os.umask(before)


@posix
def test_what_is_private_is_so_from_its_first_byte_on(tmp_path, monkeypatch):
    path, seen, real = tmp_path / "private.svg", [], os.fsync

    def fsync(file):
        seen.append(stat.S_IMODE(os.fstat(file).st_mode))
        real(file)

    path.write_text("old")
    path.chmod(0o600)
    monkeypatch.setattr(os, "fsync", fsync)
    draw(Value(2.0, "x").exp()).save(path)
    assert seen == [0o600]


@posix
def test_nothing_is_written_through_a_link_that_lies_in_the_way(tmp_path):
    path, victim = tmp_path / "m.json", tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / f"m.json.{os.getpid()}.{threading.get_ident()}.new").symlink_to(victim)
    nn.MLP(1, [1], seed=1).save(path)
    assert victim.read_text() == "mine"
    assert not path.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["m.json", "victim"]
