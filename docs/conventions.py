"""Measures what engines answer at kinks, ties and edges, and writes `conventions.md`: `python docs/conventions.py`.

Each engine is installed, at the version named here, into an environment of its own, thrown away later, and asked every
row of `engines/rows.py`; what it answered is kept in `engines/answers.json`. It takes Python 3.11, Node.js, the
network and half an hour. `--ours` asks our own engine alone, `--only PyTorch,JAX` those; the page is then written anew.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "engines"))
from rows import ROWS, SECTIONS, Row  # noqa: E402  # it lies beside its engines, in no package

ENGINES = {  # the column's name: the engine's name, its package, what is installed for it
    "autodiff": ("autodiff", "autodiff-scalar", ""),
    "PyTorch": ("torch", "torch", "torch==2.13.0 numpy==2.4.6"),
    "JAX": ("jax", "jax", "jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 scipy==1.17.1"),
    "TensorFlow": ("tensorflow", "tensorflow-cpu", "tensorflow-cpu==2.21.0"),
    "Paddle": ("paddle", "paddlepaddle", "paddlepaddle==3.3.1"),
    "MLX": ("mlx", "mlx", "mlx[cpu]==0.32.4"),
    "tinygrad": ("tinygrad", "tinygrad", "tinygrad==0.14.0"),
    "autograd": ("autograd", "autograd", "autograd==1.9.1 numpy==2.4.6 scipy==1.17.1"),
    "MyGrad": ("mygrad", "mygrad", "mygrad==2.5.0"),
    "PyTensor": ("pytensor", "pytensor", "pytensor==3.0.7"),
    "CasADi": ("casadi", "casadi", "casadi==3.8.2"),
    "XAD": ("xad", "xad", "xad==1.5.2"),
    "SymPy": ("sympy", "sympy", "sympy==1.14.0"),
    "TF.js": ("tfjs", "", "@tensorflow/tfjs@4.22.0 mathjs@15.2.0"),
    "math.js": ("mathjs", "", "mathjs@15.2.0"),
}
OURS = "autodiff"
ANSWERS = HERE / "engines" / "answers.json"
INTRODUCTION = """# Where engines disagree

<!-- Written by `python docs/conventions.py` from `docs/engines/`: change those, not this page. -->

A derivative at a kink, a tie or an edge is a convention, and no two engines have the same ones. Here {rows} questions
were put to {engines} engines, ours among them. A test compares our column with what the package answers now.

{versions}
All in float64 on a CPU, but MLX and TF.js in float32. TF.js and math.js are written in JavaScript; SymPy and math.js
derive formulas, then put the numbers in. Each engine's own function was asked where it has one of that name.

- Numbers have four digits. The gradient is by x, y and z in turn; the second order is the Hessian, row by row.
- **Bold**: not the true derivative, where there is one.
- `-`: it has no such operation, or no second order. A name such as `DomainError`: it raised that error.
- *Guess* is what one would expect of all engines, written down before the run and not changed since. *Missed by* counts
  the engines whose answer was another, of those that answered.

{surprises}
`autodiff.conventions("relu")` says ours of one operation. Where an operation has no value, ours raises at the forward
step, so that no nan appears later without a cause.
"""


def ask(column: str) -> dict[str, Any]:
    """Return the version and the answers of one engine; why there are none, if there are none."""
    engine, package, install = ENGINES[column]
    asked = json.dumps([[row.expression, row.at, row.order] for row in ROWS])
    with tempfile.TemporaryDirectory() as folder:
        try:
            if column == OURS:
                command = [sys.executable, str(HERE / "engines" / "engines.py"), engine, package]
            elif package:
                subprocess.run([sys.executable, "-m", "venv", folder], check=True)
                python = f"{folder}/bin/python"
                subprocess.run([python, "-m", "pip", "install", "--quiet", *install.split()], check=True)
                command = [python, str(HERE / "engines" / "engines.py"), engine, package]
            else:
                subprocess.run(["npm", "install", "--silent", "--no-audit", *install.split()], cwd=folder, check=True)
                shutil.copy(HERE / "engines" / "engines.js", folder)
                command = ["node", "engines.js", engine]
            done = subprocess.run(
                command, cwd=folder, input=asked, capture_output=True, text=True, timeout=1800, check=True
            )
            found = json.loads(done.stdout[done.stdout.index('{"version') :])
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            reason = f"not measured: {type(error).__name__}"
            return {"version": reason, "answers": {row.question: f"- {reason}" for row in ROWS}}
    return {
        "version": found["version"],
        "answers": dict(zip([r.question for r in ROWS], found["answers"], strict=True)),
    }


def same(one: str, other: str) -> bool:
    """Return whether two answers are the same numbers: to three digits, and what rounding leaves of a 0 is 0."""
    try:
        pairs = [(float(x), float(y)) for x, y in zip(one.split(" "), other.split(" "), strict=True)]
    except ValueError:
        return one == other
    return all([x == y or (x != x and y != y) or abs(x - y) <= (1e-3 * abs(y) or 1e-15) < math.inf for x, y in pairs])


def answered(answer: str) -> bool:
    """Return whether there is an answer: an error is one, a lack is none."""
    return not answer.startswith("- ")


def cell(answer: str, row: Row) -> str:
    """Return an answer as the page shows it."""
    if not answered(answer):
        return "-"
    text = answer.removeprefix("! ")
    text = f"`{text}`" if "*" in text else text  # a formula
    return f"**{text}**" if row.true and not same(answer, row.true) else text


def missed(row: Row, measured: dict[str, Any]) -> list[str]:
    """Return the other engines whose answer is not the guess."""
    answers = {name: measured[name]["answers"][row.question] for name in measured if name != OURS}
    return [name for name, answer in answers.items() if answered(answer) and not same(answer, row.guess)]


def page(measured: dict[str, Any]) -> str:
    """Return the page, from the answers of all engines."""
    names = [name for name in ENGINES if name in measured]
    by_misses = sorted(ROWS, key=lambda row: -len(missed(row, measured)))
    surprising = [row for row in ROWS if missed(row, measured)]
    versions = ", ".join(f"{name} {measured[name]['version']}" for name in names) + ".\n"
    wrong = [row for row in ROWS if row.true and not same(measured[OURS]["answers"][row.question], row.true)]
    farthest = ", ".join(f"`{row.question}`" for row in by_misses[:6])
    surprises = (
        f"The guess was right for every engine that answered in {len(ROWS) - len(surprising)} rows and "
        f"missed somewhere in {len(surprising)}. Farthest from it: {farthest}.\n"
    )
    lines = [
        INTRODUCTION.format(rows=len(ROWS), engines=len(names), versions=versions, surprises=surprises),
        "Ours is not the true derivative, or none, in "
        + "; ".join(f"`{row.question}`" for row in wrong if answered(measured[OURS]["answers"][row.question]))
        + ". The reasons are in the tables.",
    ]
    for title, rows in SECTIONS.items():
        lines += ["", f"## {title}", "", f"| at | {' | '.join(names)} | true |", "|---" * (len(names) + 2) + "|"]
        for row in rows:
            cells = [cell(measured[name]["answers"][row.question], row) for name in names]
            lines.append(f"| `{row.question}` | {' | '.join(cells)} | {row.true or 'none'} |")
        lines += ["", "| at | guess | missed by | ours, and why |", "|---|---|---|---|"]
        for row in rows:
            ours = measured[OURS]["answers"][row.question]
            why = f"{cell(ours, row)}: {row.why}" if answered(ours) else "no such operation yet"
            lines.append(f"| `{row.question}` | {row.guess} | {len(missed(row, measured)) or ''} | {why} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ours", action="store_true", help="ask our own engine alone")
    parser.add_argument("--only", default=",".join(ENGINES), help="the columns to measure again, with commas between")
    options = parser.parse_args()
    measured = json.loads(ANSWERS.read_text()) if ANSWERS.exists() else {}
    for column in [OURS] if options.ours else options.only.split(","):
        measured[column] = ask(column)
        print(column, measured[column]["version"], flush=True)
        ANSWERS.write_text(json.dumps(measured, indent=1) + "\n")
    (HERE / "conventions.md").write_text(page(measured))


if __name__ == "__main__":
    main()
