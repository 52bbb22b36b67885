"""LLVM as a target of loop nests: machine code for the processor that this runs on."""

from __future__ import annotations

import ctypes
import functools
from functools import lru_cache, partial
from typing import Any, NamedTuple

from autodiff.replay.llvm.code import Code, module
from autodiff.replay.native.code import FUNCTIONS
from autodiff.support import cache

MAX_MODULES = 64  # that are kept when they are no longer used
LEVEL = 2  # of how much LLVM looks for; and loops stay as they are written
ALIGNED = 64  # bytes: memory begins at a multiple


class Machine(NamedTuple):
    """The processor.

    Attributes:
        name: what LLVM calls it.
        features: what it can do, as LLVM writes it.
        width: how many floats it computes at once.
    """

    name: str
    features: str
    width: int


@functools.cache
def machine() -> Machine:
    """Return the processor that this runs on."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    width = 8 if features.get("avx512f") else 4 if features.get("avx") else 2
    return Machine(llvm.get_host_cpu_name(), features.flatten(), width)


def _target_machine() -> Any:
    import llvmlite.binding as llvm

    here = machine()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=here.name, features=here.features, opt=LEVEL, reloc="pic", jit=True
    )


def compiled(text: str) -> bytes:
    """Return the machine code of a module as an object file, which is kept for the processes to come."""
    import llvmlite
    import llvmlite.binding as llvm

    made_by = (
        llvmlite.__version__,
        str(llvm.llvm_version_info),
        *map(str, machine()),
        f"level {LEVEL}, loops as written",
    )
    name = cache.named("llvm", *made_by, text)
    found = cache.read(name)
    if found is None:
        target, parsed = _target_machine(), llvm.parse_assembly(text)
        options = llvm.create_pipeline_tuning_options(speed_level=LEVEL)
        options.loop_vectorization = options.loop_unrolling = options.loop_interleaving = False  # as it is written
        passes = llvm.create_pass_builder(target, options)
        passes.getModulePassManager().run(parsed, passes)
        found = target.emit_object(parsed)
        cache.keep(name, found)
    return found


@lru_cache(maxsize=MAX_MODULES)
def loaded(text: str) -> Any:
    """Return what runs a module; of the same text once, as long as it is among the latest."""
    import llvmlite.binding as llvm

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target_machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(compiled(text)))
    engine.finalize_object()
    return engine


class Instance:
    """A module with a memory of its own.

    Attributes:
        memory: its bytes.
        functions: its functions, by name.
    """

    def __init__(self, code: str, size: int) -> None:
        engine = loaded(code)
        found = {name: engine.get_function_address(name) for name in FUNCTIONS}
        self._functions = {name: FUNCTION(address) for name, address in found.items() if address}
        self.engine = engine  # which would free the functions
        self.memory = memoryview(b"")
        self.grow(size)

    def grow(self, size: int) -> None:
        """Let the memory have at least so many bytes, in another place."""
        room = (ctypes.c_char * (size + ALIGNED))()
        behind = -ctypes.addressof(room) % ALIGNED
        memory = memoryview(room).cast("B")[behind : behind + size]
        memory[: len(self.memory)] = self.memory
        self.memory = memory
        self.functions = {
            name: partial(function, ctypes.addressof(room) + behind) for name, function in self._functions.items()
        }


FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class LLVM:
    """LLVM's machine code for this processor."""

    kind = "llvm"
    instance = Instance

    def code(self) -> Code:
        """Return a function to write."""
        return Code(machine().width)

    def module(self, functions: dict[str, Code]) -> str:
        """Return functions as a module."""
        return module(functions)
