"""Many graphs in a row: which is judged by what, what is counted, and what is said of a failure."""

from dataclasses import dataclass, fields

from fuzz.graphs import draw, minimised
from fuzz.judge import Wrong, judge
from fuzz.oracle import Unsuitable

TORCH_EVERY, HIGHER_EVERY, REPLAY_EVERY = 4, 10, 10


@dataclass
class Tally:
    """What was judged: sums, the largest error in units of 2**-52 times its bound, and the first seed that failed."""

    graphs: int = 0
    nodes: int = 0
    torch: int = 0
    higher: int = 0
    replays: int = 0
    worst: float = 0.0
    failed: int | None = None

    def __add__(self, other):
        sums = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)[:5]}
        failed = other.failed if self.failed is None else self.failed
        return Tally(**sums, worst=max(self.worst, other.worst), failed=failed)

    def __str__(self):
        return (
            f"{self.graphs} graphs, {self.nodes} nodes; by PyTorch {self.torch}, second order {self.higher}, "
            f"replayed {self.replays}; "
            f"largest error {self.worst:.3g} of the 8 allowed"
        )


def kinds(seed):
    """How the graph of a seed is judged: whether by PyTorch too, in second order, and as a replay."""
    return {
        "torch": pytorch() if seed % TORCH_EVERY == 0 else None,
        "higher": seed % HIGHER_EVERY == 0,
        "replay": seed % REPLAY_EVERY == 5,
    }


def pytorch():
    """The module, or None where it is not installed."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    return torch


def judge_seeds(seeds):
    """Return what came out for the graphs of these seeds, up to the first that fails."""
    tally = Tally()
    for seed in seeds:
        program, how = draw(seed), kinds(seed)
        if not program.steps:
            continue
        try:
            worst = judge(program, **how)
        except Unsuitable:
            continue
        except Wrong:
            tally.failed = seed
            return tally
        nodes = len(program.leaves) + len(program.steps)
        tally += Tally(1, nodes, how["torch"] is not None, how["higher"], how["replay"], worst)
    return tally


def explain(seed):
    """Return what is wrong with the graph of a seed, as the smallest graph with a fault that was found, in code."""
    how = kinds(seed)
    program = minimised(draw(seed), lambda program: fault(program, how) is not None)
    return f"seed {seed} fails; smaller:\n\n{program}\n# {fault(program, how)}"


def fault(program, how):
    """Return what is wrong, or None."""
    try:
        judge(program, **how)
    except Wrong as wrong:
        return str(wrong)
    except Unsuitable:
        return None
    return None
