"""What took long to make, such as machine code, kept for the processes to come in the user's cache folder.

As what is loaded may be run, the folder and its files must be the user's alone: what anyone else could have written is
not read. A file is written whole or not at all, and begins with the hash of what follows. Where a file cannot be
written or read, it is made again; nothing here raises. It knows nothing of what is in the files.

The folder is ``autodiff-scalar`` in the cache folder that the system gives the user, such as ``~/.cache``. The
environment variable ``AUTODIFF_CACHE`` gives another folder for it to be in, as an absolute path; any other text, such
as ``off``, switches the cache off. What is in it can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import platform
import stat
import sys
from contextlib import suppress

from autodiff.support import files

MAX_SIZE = 256 * 2**20  # bytes in the folder, beyond which the files that were not used for longest are deleted
HASH = 32  # bytes of the hash that a file begins with


def named(kind: str, *made_of: str | bytes) -> str:
    """Return the name of what is made of these: other names for other versions, settings and texts, and other machines.

    >>> named("module", "wasmtime 36.0.0", b"code").startswith("module-")
    True
    >>> named("module", "ab", "c") == named("module", "a", "bc")
    False
    """
    whole = hashlib.sha256()
    for part in (platform.machine(), *made_of):
        part = part.encode() if isinstance(part, str) else part
        whole.update(f"{len(part)} ".encode() + part)
    return f"{kind}-{whole.hexdigest()[:32]}"


def read(name: str) -> bytes | None:
    """Return what was kept under a name; None if nothing was, or it is broken, or others could have written it."""
    path = _path(name)
    try:
        if path is None:
            return None
        with open(path, "rb") as file:
            content = file.read() if _is_mine(os.fstat(file.fileno()), 0o022) else b""
        if len(content) < HASH or content[:HASH] != hashlib.sha256(content[HASH:]).digest():
            return None
    except OSError:
        return None
    with suppress(OSError):
        os.utime(path)  # it was used
    return content[HASH:]


def keep(name: str, content: bytes) -> None:
    """Keep bytes under a name, if that can be done."""
    path = _path(name)
    if path is None:
        return
    with suppress(OSError):  # no room, or not to be written to
        files.write(path, hashlib.sha256(content).digest() + content, private=True)
        _tidy(os.path.dirname(path))


def _path(name: str) -> str | None:
    where = folder()
    return where and os.path.join(where, name)


def folder() -> str | None:
    """Return the folder, which is the user's alone; None if there can be none, or shall be none."""
    given = os.environ.get("AUTODIFF_CACHE", "")
    if given:
        base = given
    elif sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME", "")
        base = base if os.path.isabs(base) else os.path.expanduser("~/.cache")
    if not os.path.isabs(base):
        return None
    path = os.path.join(base, "autodiff-scalar")
    try:
        os.makedirs(base, 0o700, exist_ok=True)
        with suppress(FileExistsError):
            os.mkdir(path, 0o700)
        return path if stat.S_ISDIR(os.lstat(path).st_mode) and _is_mine(os.lstat(path), 0o077) else None
    except (OSError, ValueError):  # a null character
        return None


def _is_mine(found: os.stat_result, closed: int) -> bool:
    """Return whether the user owns what was found, and nobody else has any of the permissions in `closed`."""
    if sys.platform == "win32":
        return True  # the folder is in the user's own profile, which others cannot write to
    return found.st_uid == os.geteuid() and not found.st_mode & closed


def _tidy(path: str) -> None:
    """Delete files until the folder is small enough, those first that were not used for longest."""
    with os.scandir(path) as entries:
        found = [(entry.stat(follow_symlinks=False), entry.path) for entry in entries]
    size = sum([its.st_size for its, _ in found])
    for its, old in sorted(found, key=lambda pair: pair[0].st_mtime_ns):
        if size <= MAX_SIZE:
            return
        with suppress(OSError):  # another process was faster
            os.unlink(old)
        size -= its.st_size
