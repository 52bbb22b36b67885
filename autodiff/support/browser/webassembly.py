"""WebAssembly that the browser runs beside the Python in it.

All of it is asked of the browser by name, from Python: no script of ours is evaluated, so that a page's content
security policy need not allow it (`'wasm-unsafe-eval'` is enough). Python waits while a module is compiled and while it
runs, so that what is drawn is a plain call. It knows nothing of what the modules do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

OK, BAD_FILE, CHARACTER_DEVICE = 0, 8, 2  # of WASI


def module(code: bytes) -> Any:
    """Return a module of WebAssembly, compiled.

    Raises:
        MemoryError: if the browser compiles nothing of that size while a page waits; Chromium does so up to 8 MB, in a
            worker without a bound.
    """
    import js
    from pyodide.ffi import JsException, to_js

    try:
        return js.WebAssembly.Module.new(to_js(code))
    except JsException as error:
        if error.name != "RangeError":
            raise
        raise MemoryError(f"{len(code):,} bytes of WebAssembly are more than this browser compiles at once") from None


class Instance:
    """A module of WebAssembly with what it is given, run by the browser.

    Attributes:
        exports: its functions and its memory, as the browser has them.
    """

    def __init__(self, module: Any, given: dict[str, Any]) -> None:
        import js
        from pyodide.ffi import to_js

        imports = to_js(given, dict_converter=js.Object.fromEntries)
        self.exports: Any = js.WebAssembly.Instance.new(module, imports).exports
        self._bytes = js.Uint8Array

    def memory(self) -> Any:
        """Return the bytes of the memory, as the browser has it, until it grows."""
        return self._bytes.new(self.exports.memory.buffer)

    def call(self, name: str, *numbers: int) -> int:
        """Return what a function of the module answers."""
        return getattr(self.exports, name)(*numbers)  # type: ignore[no-any-return]  # the module says what

    def read(self, start: int, end: int) -> bytes:
        """Return what lies in memory; as much as there is of it."""
        buffer = self.exports.memory.buffer  # another one whenever the memory has grown
        return self._bytes.new(buffer, start, min(end, buffer.byteLength) - start).to_bytes()  # type: ignore[no-any-return]  # bytes

    def write(self, address: int, content: bytes) -> None:
        """Put bytes into memory."""
        self._bytes.new(self.exports.memory.buffer, address, len(content)).assign(content)


class System(Instance):
    """A program written for WASI, which finds no file, no clock and no chance: its answers are the same each time."""

    def __init__(self, code: bytes) -> None:
        calls: dict[str, Callable[..., int]] = dict.fromkeys(REFUSED, lambda *_: BAD_FILE)
        calls |= {name: getattr(self, name) for name in ("clock_time_get", "environ_get", "environ_sizes_get")}
        calls |= {name: getattr(self, name) for name in ("fd_fdstat_get", "fd_write", "proc_exit", "random_get")}
        super().__init__(module(code), {"wasi_snapshot_preview1": calls})

    def clock_time_get(self, clock: int, precision: int, time: int) -> int:
        """Write the time: 0."""
        self.write(time, bytes(8))
        return OK

    def environ_get(self, names: int, texts: int) -> int:
        """Write the variables of the environment, of which there are none."""
        return OK

    def environ_sizes_get(self, count: int, size: int) -> int:
        """Write how many variables there are."""
        self.write(count, bytes(4))
        self.write(size, bytes(4))
        return OK

    def fd_fdstat_get(self, file: int, status: int) -> int:
        """Write what a file is: the three standard ones are a terminal."""
        if file > 2:
            return BAD_FILE
        self.write(status, bytes([CHARACTER_DEVICE]) + bytes(23))
        return OK

    def fd_write(self, file: int, parts: int, n: int, written: int) -> int:
        """Write how many bytes were written: all; nobody reads them."""
        lengths = [self.read(at + 4, at + 8) for at in range(parts, parts + 8 * n, 8)]
        self.write(written, sum(int.from_bytes(length, "little") for length in lengths).to_bytes(4, "little"))
        return OK

    def proc_exit(self, status: int) -> int:
        """End the program."""
        raise RuntimeError(f"the program ended with status {status}")

    def random_get(self, place: int, n: int) -> int:
        """Write random bytes, the same each time."""
        self.write(place, bytes(n))
        return OK


REFUSED = (
    *("fd_close", "fd_fdstat_set_flags", "fd_filestat_get", "fd_prestat_dir_name", "fd_prestat_get", "fd_read"),
    *("fd_seek", "path_filestat_get", "path_open"),
)
