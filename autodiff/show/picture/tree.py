"""A scene as plain text, for terminals: each box on a line, below the one that it leads to."""

from __future__ import annotations

from autodiff.show.picture.scene import Box, Scene


def tree(scene: Scene) -> str:
    """Return the boxes of a scene as a tree, each output at the top of its own, operands below what is made of them.

    What is used several times has what is below it shown once, and dots where it comes again. Without recursion.
    """
    boxes = {box.id: box for box in scene.boxes}
    operands: dict[str, list[str]] = {box.id: [] for box in scene.boxes}
    for arrow in scene.arrows:
        operands[arrow.head].append(arrow.tail)
    used = {arrow.tail for arrow in scene.arrows}
    rows: list[list[str]] = []
    shown: set[str] = set()
    waiting = [(id_, "", "") for id_ in reversed(list(boxes)) if id_ not in used]
    while waiting:
        id_, branch, margin = waiting.pop()
        name, *rest = _cells(boxes[id_])
        again = id_ in shown and operands[id_]
        rows.append([f"{branch}{name}{' ...' if again else ''}", *rest])
        below = [] if id_ in shown else operands[id_]
        shown.add(id_)
        for i, operand in reversed(list(enumerate(below))):
            last = i == len(below) - 1
            waiting.append((operand, margin + ("└─ " if last else "├─ "), margin + ("   " if last else "│  ")))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        ["  ".join([cell.ljust(width) for cell, width in zip(row, widths, strict=True)]).rstrip() for row in rows]
    )


def _cells(box: Box) -> tuple[str, str, str, str]:
    """Return what stands in a box: its name, its sign, its number, its gradient."""
    rows = dict(box.rows)
    data = rows.get("data", "")
    return rows.get("name", data), box.sign, data, rows.get("gradient", "")
