"""What runs WebAssembly here, and the C library's functions: wasmtime, or the browser where Python runs in one.

By wasmtime, modules are compiled once and kept for the processes to come (see `autodiff.support.cache`): to load what
was compiled takes a fraction of a millisecond.
"""

from __future__ import annotations

import atexit
import ctypes
from functools import cache, lru_cache, partial
from importlib.resources import files
from typing import Any
from weakref import ref

from autodiff.replay.native.code import FUNCTIONS
from autodiff.replay.wasm.code import IMPORTS
from autodiff.support import browser, wasmtime_module
from autodiff.support.browser import webassembly

PAGE = 65536  # bytes of a page of memory
MAX_MODULES = 64  # that are kept when they are no longer used
SETTINGS = {
    "parallel_compilation": False,  # threads of a compiler would be missing in a forked process, which waited for ever
    "wasm_relaxed_simd": True,
    "wasm_relaxed_simd_deterministic": True,  # fused products are rounded once on every machine
}  # of the engine, and so of what it compiles


@cache
def engine() -> Any:
    """Return wasmtime's engine of this process."""
    import wasmtime

    config = wasmtime.Config()
    for name, setting in SETTINGS.items():
        setattr(config, name, setting)
    return wasmtime.Engine(config)


@cache
def library() -> Any:
    """Return the C library's functions as a module."""
    return _module((files("autodiff.replay.wasm") / "libm.wasm").read_bytes())


@lru_cache(maxsize=MAX_MODULES)
def compiled(code: bytes) -> Any:
    """Return a module, compiled; the same bytes once, as long as they are among the latest."""
    return _module(code)


def _module(code: bytes) -> Any:
    return wasmtime_module.compiled("wasm", engine(), code, repr(SETTINGS))


def _close() -> None:
    """Free what wasmtime holds, which it complains about if it is freed any later."""
    for alive in ALIVE:
        instance = alive()
        if instance is not None:
            instance.store.close()
    for memory in (compiled, library, engine):
        memory.cache_clear()


ALIVE: list[ref[Instance]] = []  # and not a weak set, in whose callbacks a Ctrl-C would be lost
atexit.register(_close)


def instance(code: bytes, size: int) -> Instance | InBrowser:
    """Return a module with a memory of its own, of so many bytes."""
    return InBrowser(code, size) if browser.IS_HERE else Instance(code, size)


class Instance:
    """A module with a memory of its own, run by wasmtime.

    Attributes:
        memory: so many bytes of it as were asked for, to read and to write.
        functions: what the module exports, as functions of nothing.
    """

    def __init__(self, code: bytes, size: int) -> None:
        import wasmtime

        store = wasmtime.Store(engine())
        functions = wasmtime.Instance(store, library(), []).exports(store)
        exports: Any = wasmtime.Instance(store, compiled(code), [functions[name] for name, _, _ in IMPORTS]).exports(
            store
        )
        self.store, self._memory = store, exports["memory"]
        self.grow(size)
        ALIVE[:] = [*(alive for alive in ALIVE if alive() is not None), ref(self)]
        found = {name: exports.get(name) for name in FUNCTIONS}
        self.functions: dict[str, Any] = {
            name: partial(function, store) for name, function in found.items() if function
        }

    def grow(self, size: int) -> None:
        """Let the memory have at least so many bytes, at the same place."""
        missing = size - self._memory.data_len(self.store)
        if missing > 0:
            self._memory.grow(self.store, -(-missing // PAGE))
        start = ctypes.addressof(self._memory.data_ptr(self.store).contents)
        self.memory = memoryview((ctypes.c_char * size).from_address(start)).cast("B")


class InBrowser:
    """A module with a memory of its own, run by the browser.

    Python has a copy of its memory, as its own is another one: it goes there before a function is called, and comes
    back afterwards.

    Attributes: as of `Instance`.
    """

    def __init__(self, code: bytes, size: int) -> None:
        self._run = webassembly.Instance(_in_browser(code), {"library": _library_in_browser().exports})
        self.memory = memoryview(b"")
        self.grow(size)
        found = {name: getattr(self._run.exports, name, None) for name in FUNCTIONS}
        self.functions: dict[str, Any] = {
            name: partial(self._call, function) for name, function in found.items() if function
        }

    def grow(self, size: int) -> None:
        """Let the memory have at least so many bytes; what there was stays."""
        before, self.memory = self.memory, memoryview(bytearray(size))
        self.memory[: len(before)] = before
        memory = self._run.exports.memory
        memory.grow(max(0, -(-(size - memory.buffer.byteLength) // PAGE)))
        self._there = self._run.memory().subarray(0, size)

    def _call(self, function: Any) -> None:
        self._there.assign(self.memory)
        function()
        self._there.assign_to(self.memory)


@lru_cache(maxsize=MAX_MODULES)
def _in_browser(code: bytes) -> Any:
    return webassembly.module(code)


@cache
def _library_in_browser() -> webassembly.Instance:
    code = (files("autodiff.replay.wasm") / "libm.wasm").read_bytes()
    return webassembly.Instance(webassembly.module(code), {})
