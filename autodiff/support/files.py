"""How a file is written: whole, or not at all. It knows nothing of what is in it."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from threading import get_ident


def path_name(path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> str:
    """Return a path as text.

    Raises:
        TypeError: if it is none, such as the number of an open file.
        ValueError: if it holds a null character.
    """
    name = os.fsdecode(path)
    if "\0" in name:
        raise ValueError(f"a path cannot hold a null character, got {name!r}")
    return name


def write(path: str | bytes | os.PathLike[str] | os.PathLike[bytes], content: bytes, *, private: bool = False) -> None:
    """Write a new file beside the path, then put it in the place of what is there: until then, the old one is whole.

    Whatever raises, the new file is removed; only a process that is killed, or a machine that stops, may leave a
    ``NAME.*.new``, which can be deleted. Of a link, the file that it leads to is replaced. Who may read and write a
    file stays as it was: the new one is never open to anyone whom the old one was closed to.

    Args:
        path: where it is written.
        content: the bytes.
        private: whether nobody but the user may read and write it, if it is new.

    Raises:
        OSError: if the file cannot be written, or the path is that of a folder or a device.
    """
    target = os.path.realpath(path_name(path))
    if os.path.exists(target) and not os.path.isfile(target):
        kind = errno.EISDIR if os.path.isdir(target) else errno.EINVAL
        raise OSError(kind, "what is there is no regular file", target)
    temporary = f"{target}.{os.getpid()}.{get_ident()}.new"  # beside the file, so that replacing it is one step
    mode = os.stat(target).st_mode & 0o777 if os.path.exists(target) else 0o600 if private else None

    def closed(name: str, flags: int) -> int:
        return os.open(name, flags, 0o666 if mode is None else 0o600)

    try:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        with open(temporary, "xb", opener=closed) as file:
            if mode is not None:
                os.chmod(temporary, mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as error:  # an interrupt, too, must leave no half-written file
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, target) from None  # the file that the caller knows
        raise
