"""A program for the page to try autodiff, its link, and the gradients that the engine answers for it."""

import base64
import json

from autodiff import Value

LINE = "w = 3\nx = 2\nb = 1\nt = 5\ny = w * x + b\nL = (y - t) ** 2"


def fragment(**state):
    """Return the end of the address that holds a state of the page."""
    return "#s=" + base64.urlsafe_b64encode(json.dumps(state).encode()).decode().rstrip("=")


def expected(**numbers):
    """Return the gradients in the drawing of `LINE`, in the order of their letters."""
    w, x, b, t = [Value(numbers.get(name, number), name) for name, number in {"w": 3, "x": 2, "b": 1, "t": 5}.items()]
    y = w * x + b
    loss = (y - t) ** 2
    loss.backward()
    inner = y.grad  # of the sum, the product in it, and the difference
    return sorted([f"grad {n:g}" for n in (w.grad, x.grad, b.grad, t.grad, y.grad, inner, inner, loss.grad)])
