"""What is kept for the processes to come: where, how much, and what is not trusted (see also show/test_embedded.py)."""

import os
import sys
import threading

import pytest

from autodiff.support import cache, files


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The folder of a cache that is empty."""
    monkeypatch.setenv("AUTODIFF_CACHE", str(tmp_path))
    return tmp_path / "autodiff-scalar"


def test_a_variable_gives_another_place(kept):
    assert cache.read("code-1") is None
    cache.keep("code-1", b"content")
    assert cache.read("code-1") == b"content"
    assert [path.name for path in kept.iterdir()] == ["code-1"]


@pytest.mark.parametrize("given", ["off", "0", "relative/folder"])
def test_what_is_no_absolute_path_switches_the_cache_off(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AUTODIFF_CACHE", given)
    cache.keep("code-1", b"content")
    assert cache.read("code-1") is None
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for place in (f"{tmp_path}/file/below", "/proc/nothing"):
        monkeypatch.setenv("AUTODIFF_CACHE", place)
        cache.keep("code-1", b"content")
        assert cache.read("code-1") is None


def test_names_tell_apart_whatever_they_are_made_of():
    parts = [("a", "b"), ("ab",), ("a", b"b", ""), ("b", "a"), ("a", "c"), ("a 1 b",), ()]
    names = {cache.named("code", *made_of) for made_of in parts}
    assert len(names) == len(parts)
    assert cache.named("code", "a", "b") == cache.named("code", b"a", "b")  # bytes are their text


def test_what_was_not_used_for_longest_makes_room(kept, monkeypatch):
    monkeypatch.setattr(cache, "MAX_SIZE", 3 * (100 + cache.HASH))
    for k in range(3):
        cache.keep(f"code-{k}", bytes(100))
        os.utime(kept / f"code-{k}", (1000 + k, 1000 + k))
    assert cache.read("code-0") == bytes(100)  # and so it is the latest now
    cache.keep("code-3", bytes(100))
    assert sorted(path.name for path in kept.iterdir()) == ["code-0", "code-2", "code-3"]


def test_a_disk_without_room_leaves_nothing_and_raises_nothing(kept, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    cache.keep("code-1", b"content")
    assert list(kept.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_file_of_another_user_is_not_read(kept, monkeypatch):
    cache.keep("code-1", b"content")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert cache.read("code-1") is None


def test_many_threads_may_keep_the_same_name(kept):
    contents = [bytes([k]) * 50_000 for k in range(8)]
    threads = [threading.Thread(target=cache.keep, args=("code-1", content)) for content in contents]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert cache.read("code-1") in (None, *contents)
    for thread in threads:
        thread.join()
    assert cache.read("code-1") in contents
    assert len(list(kept.iterdir())) == 1
