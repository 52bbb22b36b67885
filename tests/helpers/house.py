"""The package as its source says it is: which file imports which, what stands in a folder, how long a function is.

Files are named by their paths in the package, such as `engine/value.py`. Nothing is imported: every `import` counts,
at the top of a file, in a function, or for types alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return parsed(path.read_text(encoding="utf-8"))


@cache
def parsed(source: str) -> ast.Module:
    """Return the syntax tree of a source; the same one each time, as several tests read all files."""
    return ast.parse(source)


def files(package: Path) -> dict[str, Path]:
    """Return the Python files of a package by their paths in it."""
    return {path.relative_to(package).as_posix(): path for path in sorted(package.rglob("*.py"))}


def imports(package: Path) -> dict[str, set[str]]:
    """Return for each file of a package the files of it that it imports."""
    found = files(package)
    modules = {_module(package, name): name for name in found}

    def of(name: str, path: Path) -> Iterator[str]:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Import):
                yield from (modules[alias.name] for alias in node.names if alias.name in modules)
            elif isinstance(node, ast.ImportFrom):
                origin = node.module or ""
                if node.level:  # from . import
                    folder = [package.name, *Path(name).parts[:-1]]
                    origin = ".".join([*folder[: len(folder) - node.level + 1], *filter(None, [node.module])])
                for alias in node.names:  # a module of that name, or a name in the module
                    module = f"{origin}.{alias.name}"
                    if module in modules or origin in modules:
                        yield modules[module if module in modules else origin]

    return {name: set(of(name, path)) - {name} for name, path in found.items()}


def _module(package: Path, name: str) -> str:
    return ".".join([package.name, *Path(name).with_suffix("").parts]).removesuffix(".__init__")


def neighbours(graph: dict[str, set[str]]) -> dict[str, dict[str, set[str]]]:
    """Return for each folder which of its files and folders imports which other of them.

    An import of `engine/ops.py` by `show/picture/draw.py` is, in the package's own folder "", one of `engine` by
    `show`.
    """
    found: dict[str, dict[str, set[str]]] = {}
    for name, others in graph.items():
        for other in others:
            ours, theirs = name.split("/"), other.split("/")
            depth = next(i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b)
            folder = found.setdefault("/".join(ours[:depth]), {})
            folder.setdefault(ours[depth], set()).add(theirs[depth])
    return found


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Return the names on a circle of the graph, the first again at the end; none if there is no circle."""
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name not in done:
            for other in sorted(graph.get(name, ())):
                if found := walk(other, [*way, name]):
                    return found
            done.add(name)
        return []

    return next(filter(None, (walk(name, []) for name in sorted(graph))), [])


def floors(table: str) -> dict[str, tuple[int, ...]]:
    """Return the floor of each room that a table of Markdown lists, in rows such as "| 1 | `engine/` | words |"."""
    rows = re.findall(r"^\| ([\d.]+) \| ([^|]+) \|", table, re.MULTILINE)
    return {
        room.rstrip("/"): tuple(map(int, floor.split(".")))
        for floor, rooms in rows
        for room in re.findall(r"`([^`]+)`", rooms)
    }


def functions(package: Path) -> Iterator[tuple[str, int]]:
    """Yield each function as `engine/value.py: Value.backward`, and how many lines it has without its docstring."""

    def of(node: ast.AST, name: str) -> Iterator[tuple[str, int]]:
        for child in ast.iter_child_nodes(node):
            own = f"{name}.{child.name}".replace(": .", ": ") if isinstance(child, FUNCTIONS | ast.ClassDef) else name
            if isinstance(child, FUNCTIONS):
                yield own, _lines(child)
            yield from of(child, own)

    for name, path in files(package).items():
        yield from of(tree_of(path), f"{name}: ")


def names(path: Path) -> set[str]:
    """Return the names and attributes that stand in a file's code, and what its calls name as keywords."""
    tree = list(ast.walk(tree_of(path)))
    named = {node.id for node in tree if isinstance(node, ast.Name)}
    reached = {node.attr for node in tree if isinstance(node, ast.Attribute)}
    return named | reached | {node.arg for node in tree if isinstance(node, ast.keyword) and node.arg}


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    told = ast.get_docstring(node, clean=False) is not None
    return _span(node) - (_span(first) if told else 0)


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
