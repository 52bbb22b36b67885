"""Runs as the kernel's Python starts: modules are looked for in the working folder after all else.

That folder is JupyterLite's drive, where each look is a request that Python waits for: a hundred of them at a start.
"""

import sys
from importlib.machinery import ModuleSpec, PathFinder


class WorkingFolderLast(PathFinder):
    """Finds modules as `PathFinder` does, with ``""`` at the end of the path."""

    @classmethod
    def find_spec(cls, name: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: D102
        return PathFinder.find_spec(
            name, sorted(sys.path, key=lambda folder: not folder) if path is None else path, target
        )


sys.meta_path[sys.meta_path.index(PathFinder)] = WorkingFolderLast
