"""The table of errors as Markdown, and what in it is beyond the goal."""

import re

GOAL = (4.0, 4.0, 16.0, 16.0)  # ulps, in value and in derivatives of the first, second and third order
BEGIN, END = "<!-- begin: python tests/accuracy --write -->", "<!-- end -->"


def beyond(worsts):
    """The orders that miss the goal, each with its worst."""
    return [(order, worst) for order, worst in enumerate(worsts) if worst.ulps > GOAL[order]]


def number(ulps):
    return "overflow" if ulps == float("inf") else f"{ulps:.1f}" if ulps < 100 else f"{ulps:.0e}".replace("e+", "e")


def where(worsts):
    """Where the first of the orders that miss the goal does, or else the worst of all."""
    missed = beyond(worsts)
    order, worst = missed[0] if missed else max(enumerate(worsts), key=lambda pair: pair[1].ulps)
    return f"{order}: {', '.join([f'{x:.3g}' for x in worst.point])}" if worst.point else ""


def written(page, found, points, seed):
    """The page with the table between its two marks."""
    lines = [BEGIN, "", f"Seed {seed}, {points} random points of each beside the special ones.", ""]
    lines += ["| function | value | 1st | 2nd | 3rd | worst, order: at |", "|---|---|---|---|---|---|"]
    for name, worsts in found:
        cells = [f"**{number(w.ulps)}**" if w.ulps > GOAL[i] else number(w.ulps) for i, w in enumerate(worsts)]
        lines.append(f"| `{name}` | {' | '.join(cells)} | {where(worsts)} |")
    return re.sub(f"{BEGIN}.*?{END}", lambda match: "\n".join([*lines, "", END]), page, flags=re.DOTALL)
