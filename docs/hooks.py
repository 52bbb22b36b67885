"""The notebooks as pages: they are taken from their own folder, and links between them lead to their pages."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from mkdocs.plugins import event_priority
from mkdocs.structure.files import File

log = logging.getLogger("mkdocs.hooks.notebooks")  # a warning fails a strict build
LINK = re.compile(r'href="([\w-]+\.ipynb)"')


@event_priority(100)  # before the plugin that makes pages of them looks for them
def on_files(files: Any, *, config: Any) -> Any:
    """Return the files with the notebooks among them."""
    root = Path(config.config_file_path).parent
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        files.append(File(f"notebooks/{path.name}", str(root), config.site_dir, config.use_directory_urls))
    return files


def on_page_content(html: str, *, page: Any, files: Any, **_: Any) -> str:
    """Return the page with its links to notebooks turned into links to their pages."""

    def to_page(link: re.Match[str]) -> str:
        file = files.get_file_from_path(f"notebooks/{link[1]}")
        if file is None:
            log.warning("%s links to %s, which is no notebook", page.file.src_path, link[1])
            return link[0]
        return f'href="{file.url_relative_to(page.file)}"'

    return LINK.sub(to_page, html) if page.file.src_path.endswith(".ipynb") else html
