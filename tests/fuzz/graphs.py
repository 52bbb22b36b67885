"""Random programs, each a graph: how they are drawn, made smaller, and written as code."""

import random
from typing import NamedTuple

import mpmath
from oracles.rows import ROWS, grouped

from fuzz.oracle import DIGITS, Number, Unsuitable, forward

PARAMETERS = {
    "POWER": lambda chance: [chance.choice([0, 1, 2, 3, -1, -2, 0.5, -0.5, 1.7, chance.uniform(-4, 4)])],
    "POWER0": lambda chance: [
        chance.choice([0, 1, 2, 3, -1, 0.5, 1.7, chance.uniform(-4, 4)]),
        chance.choice([0, 1, 2]),
    ],
    "POW_SLOPE": lambda chance: [chance.choice([0, 1, 2]), chance.choice([0, 1, 2])],
    "DIRECTION": lambda chance: [chance.choice([0, 1, 2, 3])],
    "HARMONIC": lambda chance: [chance.choice([1, 2, 3]), chance.choice([0, 1, 2, 3])],
    "GAUSS": lambda chance: [chance.choice([0.5, 1]), chance.choice([0, 1, 2])],
    "CLIP": lambda chance: sorted(chance.choice([-1, 0, 0.5, 1, chance.uniform(-3, 3), 1e300]) for _ in range(2)),
    "LEAKY_RELU": lambda chance: [chance.choice([0, 0.01, 0.5, -0.25, chance.uniform(0, 1)])],
    "ELU": lambda chance: [chance.choice([0, 1, 1.5, chance.uniform(0, 2)])],
    "HEAVISIDE": lambda chance: [chance.choice([0, 0.5, 1])],
    "STEP": lambda chance: [chance.choice([0, 0.5, 1])],
}
LEAST, MOST = 1e-6, 1e6  # magnitudes of interior nodes; 0 too


class Step(NamedTuple):
    """One use of a row: by name, of nodes by number (leaves first), with its parameters."""

    name: str
    operands: tuple[int, ...]
    parameters: tuple[float, ...] = ()


class Program(NamedTuple):
    """A graph: the data of its leaves, then its steps. The last node is the output."""

    leaves: tuple[float, ...]
    steps: tuple[Step, ...]

    def __str__(self):
        lines = ["from autodiff import Value", "from autodiff.engine import ops", ""]
        lines += [f"v{i} = Value({x!r})" for i, x in enumerate(self.leaves)]
        for i, (name, operands, parameters) in enumerate(self.steps, len(self.leaves)):
            groups = grouped(name, [f"v{k}" for k in operands])
            texts = [f"({', '.join(x)},)" if isinstance(x, tuple) else x for x in groups] + list(map(repr, parameters))
            lines.append(f"v{i} = ops.{name}({', '.join(texts)})")
        return "\n".join([*lines, f"v{len(self.leaves) + len(self.steps) - 1}.backward()"])


def draw(seed):
    """Return the program of a seed. What suits is decided by the oracle alone, never by the code that is judged."""
    chance = random.Random(seed)
    leaves = tuple(leaf(chance) for _ in range(chance.randint(1, 4)))
    nodes, steps = [Number(x) for x in leaves], []
    names = sorted(ROWS)
    longest = chance.randint(1, 12)
    with mpmath.workdps(DIGITS):
        for _ in range(4 * longest):
            name = chance.choice(names)
            operands = tuple(
                chance.choice(range(len(nodes))[-chance.choice([3, 99]) :]) for _ in range(count(name, chance))
            )
            step = Step(name, operands, tuple(map(float, PARAMETERS.get(name, lambda chance: ())(chance))))
            try:
                node, _ = forward(name, [nodes[i] for i in operands], step.parameters)
            except Unsuitable:
                continue
            if suits(node):
                nodes.append(node)
                steps.append(step)
                if len(steps) == longest:
                    break
    return Program(leaves, tuple(steps))


def suits(number):
    """Whether a number is neither too large nor too small to go on with; 0 is not if only rounding made it so."""
    return LEAST < abs(number.x) < MOST or (number.x == 0 and number.bound == 0)


def leaf(chance):
    kind = chance.random()
    if kind < 0.5:
        return chance.uniform(-3, 3)
    if kind < 0.7:
        return chance.choice([-1, 1]) * 10 ** chance.uniform(-4, 4)
    return chance.choice([0.0, 0.5, 1.0, 2.0, -1.0, -0.5, 3.0, -2.0])


def count(name, chance):
    """How many operands: of a row that takes any number, 1 to 5; of `DOT` 2 to 7, the odd one its bias."""
    return ROWS[name].arity or (chance.randint(2, 7) if name == "DOT" else chance.randint(1, 5))


def minimised(program, fails):
    """Return a smaller program that fails too: no step or leaf can be left out, and numbers are round if they can."""
    smaller = next(filter(fails, reductions(program)), None)
    while smaller is not None:
        program, smaller = smaller, next(filter(fails, reductions(smaller)), None)
    return program


def reductions(program):
    """Yield programs that are simpler by one thing."""
    leaves, steps = program
    for end in range(1, len(steps)):
        yield Program(leaves, steps[:end])
    for node in range(len(leaves) + len(steps) - 1):  # the output stays
        for instead in steps[node - len(leaves)].operands if node >= len(leaves) else range(node + 1):
            used = {k for step in steps for k in step.operands}
            if node < len(leaves) and node in used and instead == node:
                continue
            yield without(program, node, instead)
    for i, x in enumerate(leaves):
        for simple in (1.0, 2.0, 0.5, -1.0, float(f"{x:.1g}"), float(f"{x:.3g}")):
            if len(repr(simple)) < len(repr(x)):
                yield Program((*leaves[:i], simple, *leaves[i + 1 :]), steps)


def without(program, node, instead):
    """Return the program without a node: what used it uses the node `instead`, an earlier one."""

    def renamed(k):
        k = instead if k == node else k
        return k - (k > node)

    leaves, first = program.leaves, len(program.leaves)
    steps = [step._replace(operands=tuple(map(renamed, step.operands))) for step in program.steps]
    if node < first:
        return Program(leaves[:node] + leaves[node + 1 :], tuple(steps))
    del steps[node - first]
    return Program(leaves, tuple(steps))
