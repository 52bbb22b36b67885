"""How a file is shown to people: in their browser."""

from __future__ import annotations

import tempfile
import webbrowser
from pathlib import Path

from autodiff.support import files


def show(name: str, content: bytes) -> None:
    """Write a file of that name into a new temporary folder, open it in the browser, and print where it is.

    Raises:
        OSError: if the file cannot be written.
    """
    path = Path(tempfile.mkdtemp(prefix="autodiff-")) / name
    files.write(path, content)
    opened = webbrowser.open(path.as_uri())
    print(f"shown in the browser: {path}" if opened else f"no browser was found; open this file in one: {path}")
