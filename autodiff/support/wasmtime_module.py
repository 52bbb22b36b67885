"""Modules of wasmtime, compiled once and kept for the processes to come (see `autodiff.support.cache`)."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import version
from typing import Any

from autodiff.support import cache


def compiled(kind: str, engine: Any, code: bytes, *settings: str) -> Any:
    """Return a module of an engine: from the cache, else compiled, and put there if that can be done.

    Args:
        kind: what its name in the cache begins with.
        engine: what compiles it.
        code: the module.
        settings: those of the engine, as text; another text is another module.
    """
    import wasmtime

    name = cache.named(f"{kind}-wasmtime-{version('wasmtime')}", *settings, code)
    kept = cache.read(name)
    if kept is not None:
        with suppress(wasmtime.WasmtimeError):  # of another build, or for another processor
            return wasmtime.Module.deserialize(engine, kept)
    module = wasmtime.Module(engine, code)
    cache.keep(name, bytes(module.serialize()))
    return module
