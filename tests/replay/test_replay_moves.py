"""The table of the tape's moves: each column of each row, against NumPy and against differences."""

from dataclasses import fields

import pytest

from autodiff.replay.tape import tape as moves
from autodiff.replay.tape.reverse import Tracer, differentiate
from autodiff.replay.tape.tape import BATCH, LANES, MOVES, SCALAR, UNITS, Move, Shape, Tape

np = pytest.importorskip("numpy", reason="the moves are compared on arrays")

THETA = [0.5, -1.25, 2.0, 0.75, -0.3, 1.5, 0.2, -0.9]
MATRIX = ((0, 1, 2), (3, 4, 5))
PAIR = (6, 7)
COLUMNS = [column.name for column in fields(Move)]
BACK_ENDS = COLUMNS[COLUMNS.index("reverse") + 1 :]  # the columns behind it say how a back end writes a move
LEAVES = (moves.CONSTANT, moves.PARAMETERS, moves.INPUTS, moves.COUNT)


def parameters(tape, index):
    return tape.move(moves.PARAMETERS, (), (index,))


def square(tape, x):
    """A register that is no leaf, so that its own gradient is handed on."""
    return (Tracer(tape, x) * Tracer(tape, x)).register


# Of each move: the register on a tape, and the same of the array of parameters.
CASES = {
    "constant": (
        lambda tape: tape.matmul(tape.constant((1.0, 2.0, 3.0), (UNITS,)), parameters(tape, (0, 1, 2))),
        lambda p: np.array([1.0, 2.0, 3.0]) @ p[:3],
    ),
    "parameters": (lambda tape: parameters(tape, MATRIX), lambda p: p[:6].reshape(2, 3)),
    "matmul": (
        lambda tape: tape.matmul(square(tape, parameters(tape, MATRIX)), parameters(tape, (5, 6, 7))),
        lambda p: (p[:6].reshape(2, 3) ** 2) @ p[5:],
    ),
    "matmul of vectors": (
        lambda tape: tape.matmul(parameters(tape, (0, 1, 2)), parameters(tape, (3, 4, 5))),
        lambda p: p[:3] @ p[3:6],
    ),
    "matmul of a vector with itself": (
        lambda tape: tape.matmul(parameters(tape, PAIR), parameters(tape, PAIR)),
        lambda p: p[6:] @ p[6:],
    ),
    "take a unit": (lambda tape: tape.take(square(tape, parameters(tape, PAIR)), UNITS, 1), lambda p: p[7] ** 2),
    "take units, one of them twice": (
        lambda tape: tape.take(square(tape, parameters(tape, (0, 1, 2))), UNITS, (2, 0, 2)),
        lambda p: (p[:3] ** 2)[[2, 0, 2]],
    ),
    "take a matrix": (
        lambda tape: tape.take(square(tape, parameters(tape, (0, 1, 2))), UNITS, ((0, 1), (1, 2))),
        lambda p: (p[:3] ** 2)[[[0, 1], [1, 2]]],
    ),
    "take lanes": (
        lambda tape: tape.take(square(tape, parameters(tape, MATRIX)), LANES, (1, 1, 0)),
        lambda p: (p[:6].reshape(2, 3) ** 2)[:, [1, 1, 0]],
    ),
    "stack": (
        lambda tape: tape.move(moves.STACK, (parameters(tape, 3), square(tape, parameters(tape, PAIR)))),
        lambda p: np.array([p[3], p[6] ** 2, p[7] ** 2]),
    ),
    "turn": (
        lambda tape: tape.turn(tape.take(square(tape, parameters(tape, MATRIX)), LANES, 1)),
        lambda p: p[:6].reshape(2, 3)[:, 1] ** 2,
    ),
    "total of units": (
        lambda tape: tape.total(square(tape, parameters(tape, MATRIX)), UNITS),
        lambda p: (p[:6].reshape(2, 3) ** 2).sum(axis=0),
    ),
    "total of lanes": (
        lambda tape: tape.total(square(tape, parameters(tape, MATRIX)), LANES),
        lambda p: (p[:6].reshape(2, 3) ** 2).sum(axis=1),
    ),
    "expand": (
        lambda tape: tape.expand(square(tape, parameters(tape, PAIR)), Shape(2, 3)),
        lambda p: np.repeat((p[6:] ** 2)[:, None], 3, axis=1),
    ),
}


def program(build):
    """The sum of what is built, each place weighted otherwise, as a program; and the shape of what is built."""
    from autodiff.replay.python.arrays import Arrays

    tape = Tape(len(THETA))
    register = build(tape)
    shape = tape.shape(register)
    axes = [axis for axis in (UNITS, LANES) if shape[axis] is not None]
    weights = weights_of([shape[axis] for axis in axes])
    if axes:
        data = tuple(map(tuple, weights)) if len(axes) > 1 else tuple(weights)
        register = (Tracer(tape, register) * Tracer(tape, tape.constant(data, tuple(axes)))).register
    for axis in axes:
        register = tape.total(register, axis)
    tape.root = register
    differentiate(tape)
    return Arrays(tape), shape


def weights_of(lengths):
    return (np.arange(np.prod(lengths, dtype=int)) % 5 - 1.7).reshape(lengths).tolist()


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.name)
def test_every_column_of_every_move_is_there(move):
    assert callable(move.shape), f"say of which shape the register of {move} is, in autodiff/replay/tape/tape.py"
    for column in BACK_ENDS:
        assert callable(getattr(move, column)), (
            f"say how {move} is written by the back end {column!r}: {column}=a function of (writer, instruction, texts "
            "of the operands), in its row in autodiff/replay/tape/tape.py"
        )
    if move not in LEAVES and move is not moves.PUT:  # PUT is made by the reverse pass alone
        assert callable(move.reverse), f"say how a gradient passes through {move}, in autodiff/replay/tape/tape.py"
        tried = any(name.split()[0].strip(",") == move.name for name in CASES)
        assert tried, f"add a case of {move} to CASES in tests/replay/test_replay_moves.py"


def test_the_table_has_every_move():
    assert set(MOVES) == {move for move in vars(moves).values() if isinstance(move, Move)}
    assert len({move.name for move in MOVES}) == len(MOVES)


@pytest.mark.parametrize("name", CASES)
def test_a_move_answers_what_numpy_does_and_its_gradient_is_that_of_differences(name):
    build, expected = CASES[name]
    ours, shape = program(build)
    theta = np.array(THETA)

    def loss(p):
        numbers = expected(p)
        return float((numbers * np.array(weights_of(numbers.shape))).sum()) if numbers.shape else float(numbers)

    assert [length for length in shape if length is not None] == list(np.shape(expected(theta)))
    found, gradient = ours.gradient(theta, [[]])
    assert found == pytest.approx(loss(theta), rel=1e-14)
    assert ours.loss(theta, [[]]) == found
    step = 1e-6
    for i in range(len(theta)):
        nudge = np.eye(len(theta))[i] * step
        slope = (loss(theta + nudge) - loss(theta - nudge)) / (2 * step)
        assert gradient[i] == pytest.approx(slope, abs=1e-8), i


def test_inputs_and_their_count_are_of_the_batch():
    from autodiff.replay.python.arrays import Arrays

    tape = Tape(2)
    x = tape.move(moves.INPUTS, (), ((1, 0), BATCH))
    weighted = tape.matmul(parameters(tape, (0, 1)), x)
    assert (tape.shape(x), tape.shape(weighted)) == (Shape(2, BATCH), Shape(None, BATCH))
    total = Tracer(tape, tape.total(weighted, LANES))
    tape.root = (total / Tracer(tape, tape.move(moves.COUNT))).register
    assert tape.shape(tape.root) == SCALAR
    differentiate(tape)
    loss, gradient = Arrays(tape).gradient(np.array([2.0, 10.0]), np.array([[1.0, 3.0], [2.0, 5.0]]))
    assert (loss, gradient.tolist()) == (23.0, [4.0, 1.5])


@pytest.mark.parametrize("turned", [(True, False), (False, True), (True, True)])
def test_a_transposed_factor_is_of_the_reverse_pass_alone(turned):
    tape = Tape(6)
    matrix = parameters(tape, ((0, 1), (2, 3)))
    product = tape.matmul(matrix, parameters(tape, ((2, 3), (4, 5))), turned)
    assert tape.shape(product) == Shape(2, 2)
    tape.root = tape.total(tape.total(product, UNITS), LANES)
    with pytest.raises(NotImplementedError, match="transposed"):
        differentiate(tape)


def test_numbers_that_are_the_same_in_all_places_are_summed_by_how_many_there_are():
    tape = Tape(1)
    p = parameters(tape, 0)
    tape.root = tape.total(tape.expand(p, Shape(7, None)), UNITS)
    differentiate(tape)
    ((register, index),) = tape.gradient
    assert (index, tape.number(register)) == (0, 7.0)


@pytest.mark.parametrize("of", ["a weight", "a sum"])
@pytest.mark.parametrize("count", [31, 40])
def test_a_weight_that_is_used_twice_among_many_is_given_both_gradients(count, of):
    """The places of a gather are told apart from a slice, and the two gradients that meet in one are added."""
    tape = Tape(count)
    weights = parameters(tape, tuple(range(count)))
    index = (*range(count - 1), 3)
    taken = tape.take(square(tape, weights), UNITS, index) if of == "a sum" else parameters(tape, index)
    tape.root = tape.total(taken, UNITS)
    differentiate(tape)
    from autodiff.replay.python.arrays import Arrays

    theta = np.linspace(1.0, 2.0, count)
    _, gradient = Arrays(tape).gradient(theta, [[]])
    uses = np.ones(count)
    uses[3], uses[-1] = 2.0, 0.0
    assert gradient.tolist() == (uses * 2 * theta if of == "a sum" else uses).tolist()
