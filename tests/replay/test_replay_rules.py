"""The rules that keep a tape short, one by one: what is computed is the same, and no instruction is made for it."""

import math

import pytest

import autodiff as ad
from autodiff import Value
from autodiff.engine import ops
from autodiff.replay.recording import canonicalize, record
from autodiff.replay.tape import reverse, tape as moves
from autodiff.replay.tape.reverse import Tracer
from autodiff.replay.tape.tape import UNITS, Shape, Tape


@pytest.fixture
def x():
    """A parameter on an empty tape."""
    tape = Tape(3)
    return Tracer(tape, tape.move(moves.PARAMETERS, (), (0,)))


def made(x):
    """The instructions of operations on the tape."""
    return [instruction for instruction in x.tape.instructions if isinstance(instruction.op, ops.Op)]


RULES = {
    "factor of one": lambda x: [x * 1.0, 1.0 * x],
    "branch taken": lambda x: [ops.MASK(x, 1.0)],
    "first power": lambda x: [ops.POWER0(x, 2.0, 1.0)],
    "held": lambda x: [ops.HOLD(x)],
    "sum of one": lambda x: [ops.SUM(x)],
}


@pytest.mark.parametrize("name", RULES)
def test_what_changes_nothing_is_no_instruction(name, x):
    for answer in RULES[name](x):
        assert (answer.register, made(x)) == (x.register, [])


def test_a_factor_of_minus_one_is_a_sign(x):
    assert (-1.0 * x).register == (x * -1.0).register == (-x).register
    assert [instruction.op for instruction in made(x)] == [ops.NEG]


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_what_a_mask_of_zero_stops_is_zero_even_where_it_is_infinite(zero, x):
    assert ops.MASK(x, zero) == 0.0
    assert math.copysign(1.0, ops.MASK(x, zero)) == 1.0
    assert made(x) == []


def test_every_rule_is_tried_and_no_other_factor_is_dropped(x):
    tried = {name.replace(" ", "_") for name in RULES} | {"factor_of_minus_one", "branch_not_taken", "share_of_units"}
    assert {rule.__name__ for rules in reverse.RULES.values() for rule in rules} == tried
    for factor in (2.0, 0.0, math.nan, math.nextafter(1.0, 2.0), -math.nextafter(1.0, 0.0)):
        assert (x * factor).register != x.register
    assert ops.MASK(x, 0.5).register != x.register
    assert ops.POWER0(x, 2.0, 0.0).register != x.register
    assert ops.SHARE(x, 0.0, 0.0).register != x.register


def test_the_sum_of_a_register_with_units_is_a_sum(x):
    wide = Tracer(x.tape, x.tape.move(moves.PARAMETERS, (), ((0, 1, 2),)))
    assert ops.SUM(wide).register != wide.register
    assert x.tape.shape(ops.SUM(wide).register) == Shape()


def test_the_units_of_a_register_share_their_sum(x):
    wide = Tracer(x.tape, x.tape.move(moves.PARAMETERS, (), ((0, 1, 2),)))
    ops.SHARE(wide, 0.0, 0.0)
    assert [instruction.op for instruction in made(x)] == [ops.SUM, ops.RATIO]


def test_a_number_that_has_a_name_is_no_number_to_the_rules(x):
    one = Tracer(x.tape, x.tape.constant(1.0, label="one"))
    x.tape.names[one.register] = "one"
    assert (x * one).register != x.register


def test_moves_that_would_change_nothing_are_none(x):
    tape = x.tape
    wide = tape.move(moves.PARAMETERS, (), ((0, 1, 2),))
    assert tape.take(wide, UNITS, (0, 1, 2)) == wide
    assert tape.take(wide, UNITS, (0, 1)) != wide
    assert tape.turn(tape.turn(wide)) == wide
    assert tape.expand(wide, Shape(3)) == wide
    assert tape.expand(wide, Shape(3, 2)) != wide


def canonical(root, parameters):
    """The operations of the canonical recording, in order."""
    result = canonicalize.canonicalize(record.record(root, parameters, []))
    return [op for op in result.ops if op is not None]


def test_sums_are_merged_into_the_sum_that_alone_uses_them():
    a, b, c, d = (Value(x) for x in (1.0, 2.0, 3.0, 4.0))
    assert canonical(a + b + c + d, [a, b, c, d]) == [ops.SUM]
    assert canonical(sum([a, b, c]), [a, b, c]) == [ops.SUM]  # the 0 that `sum` starts from is no term
    shared = a + b
    assert canonical((shared + c) * shared, [a, b, c]) == [ops.ADD, ops.ADD, ops.MUL]
    assert canonical((shared + c) * (shared + d), [a, b, c, d]) == [ops.ADD, ops.ADD, ops.ADD, ops.MUL]


def test_products_with_parameters_are_a_dot_product_where_each_has_another():
    a, b, c = (Value(x) for x in (1.0, 2.0, 3.0))
    assert canonical(a * 2.0 + b * c.sin() + c, [a, b, c]) == [ops.SIN, ops.DOT]
    assert canonical(a * 2.0 + a * 3.0 + b, [a, b]) == [ops.MUL, ops.MUL, ops.SUM]
    twice = canonicalize.canonicalize(record.record(a * 2.0 + b * 5.0 + a * 3.0, [a, b], []))
    assert [len(operands) for op, operands in zip(twice.ops, twice.operands, strict=True) if op is ops.DOT] == [5]


def test_means_and_products_are_written_out():
    a, b, c = (Value(x) for x in (1.0, 2.0, 3.0))
    assert canonical(ad.mean([a, b, c]), [a, b, c]) == [ops.SUM, ops.DIV]
    assert canonical(ad.prod([a, b, c]), [a, b, c]) == [ops.MUL, ops.MUL]


def test_where_the_sign_of_zero_matters_sums_stay_as_they_are_written():
    a, b, c = (Value(x) for x in (1.0, 2.0, 3.0))
    assert canonical(ad.atan2(a + b + c, a), [a, b, c]) == [ops.ADD, ops.ADD, ops.ATAN2]


def test_every_rule_of_the_canonical_form_names_what_it_does():
    assert {rule.__name__ for rule in canonicalize.RULES.values()} == {"whole_sum", "mean_as_sum", "product_as_chain"}
