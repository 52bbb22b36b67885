"""`autodiff graph`: an expression as a drawing of its graph, with numbers and gradients."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

from autodiff.cli.expressions import DATA, ExpressionParser
from autodiff.show import draw

USAGE = "EXPR NAME=VALUE ..."
SUMMARY = "draw an expression as a computation graph"
EXAMPLES = (
    '"tanh(w*x + b)" w=0.5 x=4 b=-1 -o neuron.svg',
    '"(w*x + b - y)**2" w=3 x=2 b=1 y=5 --local-derivatives --heat -o loss.svg',
    '"a + a" a=3 | dot -Tpng > sum.png',
    '"-x**2" x=-3                     print DOT, the text that Graphviz reads',
)


def run(arguments: Sequence[str]) -> int:
    """Draw an expression; return the status."""
    parser = ExpressionParser(
        "graph", "Draw an expression as a computation graph: DOT, or a picture with -o.", EXAMPLES
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write to FILE: .svg, .dot, .png or .pdf")
    parser.add_argument("--text", action="store_true", help="print it as text, for a terminal")
    parser.add_argument("--forward", action="store_true", help="before the backward pass: no gradients yet")
    parser.add_argument("--heat", action="store_true", help="fill boxes by the size of their gradient")
    parser.add_argument("--local-derivatives", action="store_true", help="write them on the arrows")
    parser.add_argument("--top-down", action="store_true", help="from top to bottom, not from left to right")
    parser.add_argument("--embedded", action="store_true", help="draw without the program dot: the same everywhere")
    options = parser.read(arguments)
    if not options.forward:
        options.root.backward()
    try:
        drawing = draw(
            options.root,
            fold="none",
            heat=options.heat,
            local_derivatives=options.local_derivatives,
            number_format=options.number_format,
            direction="TB" if options.top_down else "LR",
            engine="embedded" if options.embedded else "auto",
        )
        if options.text:
            print(drawing.text)
        elif options.output is None:
            if isinstance(sys.stdout, io.TextIOWrapper):
                sys.stdout.reconfigure(encoding="utf-8")  # Graphviz reads UTF-8, whatever a terminal shows
            sys.stdout.write(drawing.dot)
        else:
            drawing.save(options.output.removeprefix(DATA))
    except OSError as error:
        parser.error(f"cannot write {error.filename or 'standard output'}: {error.strerror}")
    except (RuntimeError, ValueError) as error:
        parser.error(str(error))
    return 0
