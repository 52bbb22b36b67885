"""What the build adds: the notebooks, with links between them, what the code on a page shows, and the page to try it.

On a page with `run: true` at its head, each block of Python is run, one after the other, as in a notebook, and what the
last expression of a block answers stands below it: a picture, a stepper, or text. So no picture can be of other code.
"""

from __future__ import annotations

import ast
import html
import io
import logging
import re
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

from mkdocs.plugins import event_priority
from mkdocs.structure.files import File

log = logging.getLogger("mkdocs.hooks.notebooks")  # a warning fails a strict build
LINK = re.compile(r'href="([\w-]+\.ipynb)"')
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACE = '<div class="shown" data-shown="{}"></div>'
TRY = "try/index.html"  # the page to try it, in the site
_shown: dict[str, list[str]] = {}  # what the blocks of a page show, by its path


@event_priority(100)  # before the plugin that makes pages of them looks for them
def on_files(files: Any, *, config: Any) -> Any:
    """Return the files with the notebooks and the page to try it among them."""
    root = Path(config.config_file_path).parent
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        files.append(File(f"notebooks/{path.name}", str(root), config.site_dir, config.use_directory_urls))
    files.append(File.generated(config, TRY, content="This documentation was built without the page to try autodiff."))
    return files


def on_post_build(*, config: Any) -> None:
    """Make the page to try it, where npm is, which brings its interpreter."""
    sys.path.insert(0, config.docs_dir)
    from try_page import make

    try:
        make((Path(config.site_dir) / TRY).parent)
    except (OSError, subprocess.CalledProcessError) as error:  # the rest of the documentation is none the worse
        log.info("the page to try autodiff is left out, as the browser's Python cannot be made here: %s", error)


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Return the page with a place below each block of Python that shows something."""
    if not page.meta.get("run"):
        return markdown
    shown = _shown[page.file.src_path] = []
    names: dict[str, Any] = {"__name__": "page"}

    def run(block: re.Match[str]) -> str:
        answer = _displayed(_last(block[1], names))
        if not answer:
            return block[0]
        shown.append(answer)
        return f"{block[0]}\n\n{PLACE.format(len(shown) - 1)}"

    return BLOCK.sub(run, markdown)


def on_page_content(content: str, *, page: Any, files: Any, **_: Any) -> str:
    """Return the page with its links to notebooks turned into links to their pages."""

    def to_page(link: re.Match[str]) -> str:
        file = files.get_file_from_path(f"notebooks/{link[1]}")
        if file is None:
            log.warning("%s links to %s, which is no notebook", page.file.src_path, link[1])
            return link[0]
        return f'href="{file.url_relative_to(page.file)}"'

    return LINK.sub(to_page, content) if page.file.src_path.endswith(".ipynb") else content


def on_post_page(output: str, *, page: Any, **_: Any) -> str:
    """Return the page with what its code shows, which the search need not read."""
    for i, shown in enumerate(_shown.pop(page.file.src_path, [])):
        output = output.replace(PLACE.format(i), f'<div class="shown">{shown}</div>')
    return output


def _last(code: str, names: dict[str, Any]) -> Any:
    """Run a piece of code; return what its last line answers, if that is an expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "page", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "page", "eval"), names)


def _displayed(answer: Any) -> str:
    """Return what a notebook would show, as HTML."""
    if answer is None:
        return ""
    if hasattr(answer, "figure"):  # of matplotlib
        picture = io.BytesIO()
        answer.figure.savefig(picture, format="png", dpi=110, bbox_inches="tight")
        source = f"data:image/png;base64,{b64encode(picture.getvalue()).decode()}"
        return f'<img alt="{html.escape(answer.get_title())}" src="{source}">'
    bundle = answer._repr_mimebundle_() if hasattr(answer, "_repr_mimebundle_") else {"text/plain": str(answer)}
    return bundle.get("text/html") or f"<pre><code>{html.escape(bundle['text/plain'])}</code></pre>"
