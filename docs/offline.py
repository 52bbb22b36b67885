"""The course on a stick: `python docs/offline.py autodiff.html` makes one file that opens by a double click.

It holds the page of `docs/try/` whole: the interpreter, the package, examples, exercises and lessons. It asks for
nothing, neither a server nor the network, and its policy would not let it.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from try_page import ASKED, IMPORTED, SCRIPTS, SOURCE, html, make  # a neighbour, where the path says so

POLICY = (
    "default-src 'none'; script-src '{script}' blob: 'wasm-unsafe-eval'; style-src '{style}'; img-src data:; "
    "worker-src blob:; base-uri 'none'; form-action 'none'"
)


def offline(path: Path, folder: Path) -> None:
    """Write the page that `make` has put into a folder as one file."""
    texts = {name: (folder / name).read_text("utf-8") for name in (*SCRIPTS, "worker.js", "try.css")}
    files = {name: (folder / name).read_bytes() for name in (*ASKED, *IMPORTED)}
    held = (SOURCE / "held.js").read_text("utf-8")
    worker = json.dumps(texts["worker.js"]).replace("<", "\\u003c")
    texts["start.js"] = f"const WORKER = {worker};\n{held}"
    script = "\n".join([texts[name] for name in SCRIPTS])
    if "</script" in script:
        raise ValueError("a script of the page holds the end of a script element: write it as \\u003c/script")
    style = texts["try.css"]
    policy = POLICY.format(script=_hash(script), style=_hash(style))
    # the files come first, so that they are there when the script runs; what is seen stands before both
    data = "\n".join([_held(name, content) for name, content in files.items()])
    page = html(policy, f"<style>{style}</style>", f"{data}\n<script>{script}</script>", "#try")
    path.write_text(page, "utf-8", newline="\n")


def _held(name: str, content: bytes) -> str:
    """Return a file as an element that no browser runs."""
    packed = base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()
    return f'<script type="text/plain" data-file="{name}">{packed}</script>'


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the page to try autodiff as one file that needs no network.")
    parser.add_argument("path", type=Path, help="where, such as autodiff.html")
    path = parser.parse_args().path
    with tempfile.TemporaryDirectory() as temporary:
        make(Path(temporary))
        offline(path, Path(temporary))
