"""Random graphs that repeat themselves, over all rows: layers, convolutions, recurrences, loops over samples.

Such a graph is a plan: steps on vectors of Values, drawn once and carried out for each sample, so that there is
something to put side by side. Weights are shared by as many products as chance wants.
"""

import random
from typing import Any, NamedTuple

from oracles.rows import ROWS, TRUTH

import autodiff as ad
from autodiff import Value
from autodiff.engine import ops
from fuzz.graphs import PARAMETERS

FREE = ("HEAVISIDE", "STEP", "CLIP", "LEAKY_RELU", "ELU", "DIRECTION", "GAUSS")  # any parameters, of any operand
NEAR = 2.0  # operands of rows are brought so near to 0, and into the row's domain
WIDE = ("SUM", "MEAN", "PROD", "MAX", "MIN", "LOGSUMEXP")
FEW = sorted([name for name, row in ROWS.items() if row.arity is not None])
MOST = 20_000  # operands of a graph, about


class Step(NamedTuple):
    """One step of a plan: what is done, with which vectors before it, and whatever was drawn for it."""

    kind: str
    operands: tuple[int, ...]
    drawn: Any = None


class Graph(NamedTuple):
    """A loss, its parameters and its inputs."""

    loss: Value
    parameters: list[Value]
    inputs: list[Value]


class Plan:
    """Steps on vectors, drawn one after the other.

    Attributes:
        chance: what draws.
        parameters: the weights of all steps.
        lengths: of all vectors: what is given first, then one for each step.
        steps: the steps.
    """

    def __init__(self, chance, lengths, parameters):
        self.chance, self.parameters, self.lengths, self.steps = chance, parameters, list(lengths), []
        self.operands = 0  # of all nodes of a sample, about

    def weights(self, count, size=1.5):
        """Return so many parameters, now and then such as were used before."""
        if self.chance.random() < 0.3 and len(self.parameters) >= count:
            start = self.chance.randint(0, len(self.parameters) - count)
            return self.parameters[start : start + count]
        made = [Value(self.chance.uniform(-size, size)) for _ in range(count)]
        self.parameters += made
        return made

    def add(self, most):
        """Draw a step; vectors are at most so long."""
        kind = "elementwise" if self.chance.random() < 0.4 else self.chance.choice(list(KINDS))
        near = range(len(self.lengths))[-self.chance.choice([2, 4, 99]) :]
        x = self.chance.choice(near)
        before = self.operands
        step, length = KINDS[kind].draw(self, x, most)
        if length:
            self.operands += 4 * length if self.operands == before else 0
            self.steps.append(step)
            self.lengths.append(length)

    def others(self, length, count):
        """Return vectors of this length or of length 1, which goes with any."""
        fitting = [i for i, n in enumerate(self.lengths) if n in (length, 1)]
        return tuple([self.chance.choice(fitting) for _ in range(count)])

    def run(self, given):
        """Return all vectors, of which some are given."""
        vectors = [list(vector) for vector in given]
        for kind, operands, drawn in self.steps:
            vectors.append(KINDS[kind].run([vectors[i] for i in operands], drawn))
        return vectors


def into(domain, x):
    """Return a number in the middle part of a domain, near 0 if it can be."""
    low, high = [max(-NEAR, min(NEAR, end)) for end in domain]
    return 0.5 * (low + high) + 0.45 * (high - low) * ops.TANH(x)


def spread(vectors):
    """Return vectors as columns, those of length 1 as often as the others are long."""
    length = max(map(len, vectors))
    return zip(*[vector * length if len(vector) == 1 else vector for vector in vectors], strict=True)


# The kinds of steps: each draws what it needs, and answers how long its vector will be; 0 if it does not fit.


class Elementwise:
    """A row of few operands, number by number."""

    def draw(self, plan, x, most):
        name = plan.chance.choice(FEW)
        domains, parameters = plan.chance.choice(TRUTH[name].cases)
        if name in FREE:
            parameters = tuple(map(float, PARAMETERS[name](plan.chance)))
        brought = [high < 1e99 or low > -1e99 or plan.chance.random() < 0.3 for low, high in domains]
        operands = (x, *plan.others(plan.lengths[x], len(domains) - 1))
        length = max([plan.lengths[i] for i in operands])
        return Step("elementwise", operands, (name, parameters, domains, brought)), length

    def run(self, vectors, drawn):
        name, parameters, domains, brought = drawn
        return [
            ROWS[name](*[into(d, x) if b else x for x, d, b in zip(xs, domains, brought, strict=True)], *parameters)
            for xs in spread(vectors)
        ]


class Wide:
    """A row of any number of operands, over one vector or across several."""

    def draw(self, plan, x, most):
        across = plan.chance.random() < 0.5
        operands = (x, *plan.others(plan.lengths[x], plan.chance.randint(1, 4))) if across else (x,)
        length = max([plan.lengths[i] for i in operands]) if across else 1
        return Step("wide", operands, (plan.chance.choice(WIDE), across)), length

    def run(self, vectors, drawn):
        name, across = drawn
        columns = spread(vectors) if across else [vectors[0]]
        return [ROWS[name](*[into((-1e200, 1e200), x) if name == "PROD" else x for x in xs]) for xs in columns]


class Shares:
    """The softmax of a vector, or its logarithm."""

    def draw(self, plan, x, most):
        return Step("shares", (x,), plan.chance.random() < 0.5), plan.lengths[x]

    def run(self, vectors, drawn):
        return (ad.softmax if drawn else ad.log_softmax)(vectors[0])


class Products:
    """The dot product of two vectors, as a row or as it is written by hand."""

    def draw(self, plan, x, most):
        fitting = [i for i, n in enumerate(plan.lengths) if n == plan.lengths[x]]
        return Step("products", (x, plan.chance.choice(fitting)), plan.chance.random() < 0.5), 1

    def run(self, vectors, drawn):
        x, y = vectors
        return [ad.dot(x, y) if drawn else sum([a * b for a, b in zip(x, y, strict=True)])]


class Dense:
    """A layer: a matrix of weights, which may be another layer's or its own transposed, by a vector."""

    def draw(self, plan, x, most):
        columns = plan.lengths[x]
        rows = plan.chance.randint(1, max(1, min(most, 4 * columns, 1000 // columns)))
        weights = plan.weights(rows * columns, 1.5 / columns**0.5)
        turned = plan.chance.random() < 0.2
        matrix = [weights[i::rows] if turned else weights[i * columns : (i + 1) * columns] for i in range(rows)]
        plan.operands += 2 * rows * columns
        bias = plan.weights(rows) if plan.chance.random() < 0.5 else None
        return Step("dense", (x,), (matrix, bias, plan.chance.random() < 0.5)), rows

    def run(self, vectors, drawn):
        matrix, bias, as_row = drawn
        (x,) = vectors
        if not as_row:
            found = [sum([w * a for w, a in zip(row, x, strict=True)]) for row in matrix]
            return [z + b for z, b in zip(found, bias, strict=True)] if bias else found
        return [ad.dot(row, x, *([bias[i]] if bias else [])) for i, row in enumerate(matrix)]


class Convolution:
    """A kernel, at all places where it fits."""

    def draw(self, plan, x, most):
        length = plan.lengths[x]
        size, stride = plan.chance.randint(1, min(length, 9)), plan.chance.choice([1, 1, 2])
        places = range(0, length - size + 1, stride)
        plan.operands += 2 * len(places) * size
        return Step("convolution", (x,), (plan.weights(size), places)), len(places)

    def run(self, vectors, drawn):
        kernel, places = drawn
        return [ad.dot(kernel, vectors[0][i : i + len(kernel)]) for i in places]


class Recurrence:
    """A state, to which the same is done again with each number of a vector."""

    def draw(self, plan, x, most):
        size = plan.chance.randint(1, min(most, 6))
        weights = plan.weights(size * size, 1.0 / size**0.5)
        matrix = [weights[i * size : (i + 1) * size] for i in range(size)]
        plan.operands += 2 * plan.lengths[x] * size * size
        activation = plan.chance.choice([ad.tanh, ad.sigmoid, ad.relu, ad.softplus, ad.atan, ad.sin])
        return Step("recurrence", (x,), (matrix, plan.weights(size), activation)), size

    def run(self, vectors, drawn):
        matrix, gains, activation = drawn
        state = [0.0] * len(matrix)
        for x in vectors[0]:
            state = [activation(ad.dot(row, state) + g * x) for row, g in zip(matrix, gains, strict=True)]
        return state


class Scan:
    """What two numbers of a row come to, carried along a vector."""

    def draw(self, plan, x, most):
        return Step("scan", (x,), plan.chance.choice([ops.ADD, ops.MAXIMUM, ops.HYPOT, ops.SUB])), plan.lengths[x]

    def run(self, vectors, drawn):
        found = vectors[0][:1]
        for x in vectors[0][1:]:
            found.append(drawn(found[-1], x))
        return found


class Taken:
    """Numbers of vectors in another order, some often, some never."""

    def draw(self, plan, x, most):
        y = plan.chance.choice(range(len(plan.lengths)))
        count, of = plan.chance.randint(1, most), plan.lengths[x] + plan.lengths[y]
        start, stride = plan.chance.randrange(of), plan.chance.choice([-1, 1, 1, 2])
        ordered = [(start + stride * k) % of for k in range(count)]
        places = ordered if plan.chance.random() < 0.6 else [plan.chance.randrange(of) for _ in range(count)]
        return Step("taken", (x, y), places), count

    def run(self, vectors, drawn):
        both = [*vectors[0], *vectors[1]]
        return [both[place] for place in drawn]


class Pairs:
    """All products of a number of one vector and one of another."""

    def draw(self, plan, x, most):
        y = plan.chance.choice(range(len(plan.lengths)))
        length = plan.lengths[x] * plan.lengths[y]
        return Step("pairs", (x, y)), length if length <= most else 0

    def run(self, vectors, drawn):
        return [a * b for a in vectors[0] for b in vectors[1]]


class Weighted:
    """Each number with a parameter or a constant of its own."""

    def draw(self, plan, x, most):
        length, chance = plan.lengths[x], plan.chance
        numbers = [chance.choice([0.0, 1.0, -1.0, 0.5, chance.uniform(-2, 2)]) for _ in range(length)]
        factors = plan.weights(length) if chance.random() < 0.5 else numbers
        return Step("weighted", (x,), (factors, chance.choice([ops.MUL, ops.ADD, ops.SUB, ops.MAXIMUM]))), length

    def run(self, vectors, drawn):
        factors, row = drawn
        return [row(x, factor) for x, factor in zip(vectors[0], factors, strict=True)]


KINDS = {
    "elementwise": Elementwise(),
    "wide": Wide(),
    "shares": Shares(),
    "products": Products(),
    "dense": Dense(),
    "convolution": Convolution(),
    "recurrence": Recurrence(),
    "scan": Scan(),
    "taken": Taken(),
    "pairs": Pairs(),
    "weighted": Weighted(),
}


def size(chance, most):
    """A number from 1 to the most, its logarithm evenly drawn."""
    return min(most, int((most + 1) ** chance.random()))


def reduced(chance):
    """Return how the losses of samples become one."""
    return chance.choice([ad.sum, ad.mean, ad.mean, sum, ad.logsumexp, ad.max, lambda xs: ad.dot(xs, xs)])


def draw_repeating(seed, steps=64):
    """Return the graph of a seed, made of at most so many steps."""
    chance = random.Random(seed)
    width, depth, samples = size(chance, 1024), min(size(chance, 64), steps), size(chance, 64)
    most = int(100 * (MOST / 100) ** chance.random())
    width, has_inputs = min(width, 1 + most // 4 // samples), chance.random() < 0.5
    if has_inputs:
        samples = min(samples, 3)
    given = size(chance, min(width, 64))
    parameters = [Value(chance.uniform(-1.5, 1.5)) for _ in range(size(chance, 8))]
    lengths = [given, len(parameters)]
    plans = [Plan(chance, lengths, parameters)]
    while len(plans[0].steps) < depth and plans[0].operands * samples < most:
        plans[0].add(width)
    if chance.random() < 0.2:  # some samples are computed otherwise
        plans.append(Plan(chance, lengths, parameters))
        plans[1].add(width)
    first = list(parameters[: lengths[1]])
    inputs = [Value(chance.uniform(-2, 2)) for _ in range(given)] if has_inputs else []
    reduce, losses = reduced(chance), []
    for k in range(samples):
        data = [chance.choice([0.0, 1.0, chance.uniform(-2, 2)]) for _ in range(given)]
        x = [a + d if k else a for a, d in zip(inputs, data, strict=True)] if has_inputs else data
        plan = plans[0] if chance.random() < 0.9 else plans[-1]
        *_, last = plan.run([x, first])
        losses.append(ops.TANH(ad.mean(last)) + (last[0] - 0.5) ** 2)
    loss = losses[0] if samples == 1 else reduce(losses)
    penalty = chance.choice([0.0, 0.01])
    if penalty:
        loss = loss + penalty * ad.sum([p * p for p in parameters])
    return Graph(loss, parameters, inputs)
