"""Replay: the graph of ordinary scalar code, recorded once, run as a compiled program.

`compile` lists the passes in order; start there. The floors, each importing only those below it:

    4  replay, samples                             what people call
    3  compile; chunks, descent, report            the passes; the program over executors, descended, told of
    2  lower, python/, reference                   recording to tape; tape to Python; the eager engine as the judge
    1  recording/                                  the graph as columns, what is frozen in it, canonical, vectorized
    0  tape/, vectors                              instructions over registers, their moves, their reverse pass
"""

from autodiff.replay.descent import Descent
from autodiff.replay.inside import Batch, Inside, grouped
from autodiff.replay.recording.frozen import CURE, ReplayWarning, built, changed, refuse_what_differs
from autodiff.replay.reference import ReplayError
from autodiff.replay.replay import Replay
from autodiff.replay.samples import Samples
from autodiff.replay.vectors import Leaves, length, scaled, vector

__all__ = [
    "CURE",
    "Batch",
    "Descent",
    "Inside",
    "Leaves",
    "Replay",
    "ReplayError",
    "ReplayWarning",
    "Samples",
    "built",
    "changed",
    "grouped",
    "length",
    "refuse_what_differs",
    "scaled",
    "vector",
]
