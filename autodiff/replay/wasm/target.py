"""WebAssembly as a target of loop nests."""

from __future__ import annotations

from autodiff.replay.native.code import Local
from autodiff.replay.native.exponential import exponential
from autodiff.replay.wasm.binary import V128, Function, module
from autodiff.replay.wasm.code import IMPORTS, PAIR, Code
from autodiff.replay.wasm.runtime import instance


class Wasm:
    """WebAssembly, run by wasmtime or by a browser."""

    kind = "wasm"
    code, instance = Code, staticmethod(instance)

    def module(self, functions: dict[str, Code]) -> bytes:
        """Return functions as a module."""
        power = Code(Function(V128, V128))
        power.push(exponential(power, Local(0, PAIR)))
        own = {"exponential": power, **functions}
        return module(IMPORTS, {name: code.function for name, code in own.items()})
