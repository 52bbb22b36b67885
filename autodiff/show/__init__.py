"""Reading a graph for people: drawings, and who is to blame for the error."""

from autodiff.show.blame import Blame, Share, blame
from autodiff.show.drawing import Drawing, draw

__all__ = ["Blame", "Drawing", "Share", "blame", "draw"]
