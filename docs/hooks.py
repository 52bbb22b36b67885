"""Links between notebooks, which name files, lead to their pages."""

from __future__ import annotations

import logging
import re
from typing import Any

log = logging.getLogger("mkdocs.hooks.notebooks")  # a warning fails a strict build
LINK = re.compile(r'href="([\w-]+\.ipynb)"')


def on_page_content(html: str, *, page: Any, files: Any, **_: Any) -> str:
    """Return the page with its links to notebooks turned into links to their pages."""

    def to_page(link: re.Match[str]) -> str:
        file = files.get_file_from_path(f"notebooks/{link[1]}")
        if file is None:
            log.warning("%s links to %s, which is no notebook", page.file.src_path, link[1])
            return link[0]
        return f'href="{file.url_relative_to(page.file)}"'

    return LINK.sub(to_page, html) if page.file.src_path.endswith(".ipynb") else html
