"""Reading a graph for people: drawings."""

from autodiff.show.drawing import Drawing, draw

__all__ = ["Drawing", "draw"]
