"""The steps of an expression, for the verbs that tell them."""

from __future__ import annotations

import argparse

from autodiff.show.steps import Steps, tell


def story_of(options: argparse.Namespace) -> Steps:
    """Return the steps of the expression that was read; its result is called L, if no name in it is."""
    root = options.root
    if not root.label:
        root.label = next(name for name in ("L", "out", "result", "") if name not in options.leaves)
    return tell(root, {})
