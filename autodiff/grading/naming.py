"""Which mistake of the table explains what an engine answers.

The smallest wrong program is run on the plain engine with each row planted; the rows that answer the same wrong numbers
are told apart by further programs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from autodiff.grading.adapter import FUNCTIONS, Engine, located
from autodiff.grading.planted import COMPOSED, plant
from autodiff.grading.programs import (
    POINTS,
    Answer,
    Form,
    Missing,
    Program,
    Step,
    agrees,
    answer,
    expected,
    plus_and_times,
    programs,
)
from autodiff.grading.table import DETACHED, HOOK, NUMBERS, ORDER, RAISES, SHARED, STATE, TABLE, UNKNOWN, VALUE, Fault

LIMITS = (NotImplementedError, RecursionError, ArithmeticError, ValueError)  # what may be raised where no line is wrong
Probe = tuple[Program, tuple[float, float], bool]  # at a point, with the output's gradient set to 1 or not
REFLECTED = {"-": "r-", "/": "r/", "**v": "r**"}  # which is most often written with the operator itself
MAX_PROBES = 240  # programs that tell faults apart


class Named(NamedTuple):
    """A fault that explains wrong numbers.

    Attributes:
        fault: the row.
        key: the operation that has it; None where it is not one alone.
        also: other rows that explain the same numbers.
        place: where it is, if that was seen.
    """

    fault: Fault
    key: str | None = None
    also: tuple[Fault, ...] = ()
    place: str = ""


def lowered(key: str, composed: bool) -> tuple[str, ...]:
    """Return the operations that an operation is made of, in an engine that composes them or not."""
    return COMPOSED.get(key, (key,)) if composed else (key,)


def name_of(engine: Engine, program: Program, forms: Sequence[Form], first: Program) -> Named:
    """Return the fault that explains what an engine answers for its smallest wrong program.

    Args:
        engine: theirs.
        program: what it gets wrong.
        forms: what it has.
        first: a program that it got right before.
    """
    seen = _seen(engine, program, first)
    if seen is not None:
        return seen
    unseeded = _numbers(engine, program, POINTS[0], False)
    seeds = engine.resets and bool(unseeded and unseeded.grads and unseeded.grads[-1] == 0)
    runs = [
        (program, point, seed) for seed in (False, True)[: 1 + seeds] for point in POINTS if expected(program, point)
    ]
    wrong = [_numbers(engine, *run) for run in runs]
    explain = []
    keys, has = {form.key for form, _ in program}, {form.key for form in forms}
    for fault, composed, scope in _candidates(keys, has):
        bent = plant(fault.hooks, scope, composed)
        if all(_same(found, _numbers(bent, *run)) for found, run in zip(wrong, runs, strict=True)):
            explain.append((fault, bent, scope[0] if scope and len(scope) == 1 else None))
    named = _told_apart(engine, program, explain, _probes(program, forms)) if explain else None
    if named is not None:
        return named
    lost = [fault for fault, *_ in explain if fault.name == "no rule"]
    if lost:  # in this way of writing the operation, if not in others
        return Named(lost[0])
    right = [expected(program, point) for point in POINTS]
    plain = [_numbers(engine, program, point, False) for point in POINTS]
    if any(f and r and not agrees(f.data[-1], r.data[-1]) for f, r in zip(plain, right, strict=True)):
        return Named(VALUE, program[-1].form.key)
    shared = _of_sharing(engine, program)
    return Named(shared) if shared else Named(UNKNOWN, program[-1].form.key)


def _told_apart(
    engine: Engine, program: Program, explain: Sequence[tuple[Fault, Engine, str | None]], probes: Sequence[Probe]
) -> Named | None:
    """Return the fault among those that explain the smallest wrong program which explains the most of others.

    One that does not explain all programs of the same operations that are no larger is none: its number was the same
    by chance. (In larger ones a second mistake may show.)
    """
    theirs = [_numbers(engine, *probe) for probe in probes]
    keys = {form.key for form, _ in program}
    own = [
        len(steps) <= len(program) and all(form.key in keys and not form.is_reflected for form, _ in steps)
        for steps, *_ in probes
    ]  # which of the two a reflected method takes for the first operand, it alone knows
    ranked: list[tuple[tuple[int, int, int], Fault, str | None]] = []
    for fault, bent, key in explain:
        guesses = [_numbers(bent, *probe) for probe in probes]
        same = list(map(_same, theirs, guesses))
        if not all(good for good, mine in zip(same, own, strict=True) if mine):
            continue
        small = sum([good for good, probe in zip(same, probes, strict=True) if len(probe[0]) == 1])
        ranked.append(((-small, -sum(same), -sum(map(_same_root, theirs, guesses))), fault, key))
    if not ranked:
        return None
    ranked.sort(key=lambda entry: entry[0])
    unlike, best, key = ranked[0]
    also = {fault.name: fault for other, fault, _ in ranked if other == unlike and fault.name != best.name}
    return Named(best, key, tuple(also.values()))


def _seen(engine: Engine, program: Program, first: Program) -> Named | None:
    """Return the fault that is seen in the engine itself, without a guess."""
    if _right_by_identity(engine, program):
        return Named(NUMBERS)
    again, right = _numbers(engine, first, POINTS[0], False), expected(first, POINTS[0])
    if again and right and not all(map(agrees, again.compared, right.compared)) and first != program:
        return Named(STATE)
    for point in POINTS:
        nodes = [engine.make(x) for x in point]
        for form, operands in program:
            try:
                nodes.append(form.apply(engine, *[nodes[i] for i in operands]))
            except Exception:  # outside of its domain at this point
                break
            if not engine.owns(nodes[-1]):
                return Named(DETACHED, form.key)
            if _own_name(engine) in getattr(nodes[-1], "__dict__", {}):
                return Named(HOOK, form.key)
        failed = _numbers(engine, program, point, False)
        if failed and failed.raised is not None and raises(program, failed.raised):
            return Named(RAISES._replace(did=f"{Missing(failed.raised)}"), place=_raised_at(engine, failed.raised))
    return None


def _right_by_identity(engine: Engine, program: Program) -> bool:
    """Whether a program is right as soon as only a node itself is equal to a node."""
    own = [c for c in engine.cls.__mro__[:-1] if "__eq__" in vars(c)]
    if not own:
        return False
    kept = [(c, name, vars(c)[name]) for c in own for name in ("__eq__", "__hash__") if name in vars(c)]
    for c, name, _ in kept:
        setattr(c, name, getattr(object, name))
    try:
        pairs = [(_numbers(engine, program, point, False), expected(program, point)) for point in POINTS]
    finally:
        for c, name, method in kept:
            setattr(c, name, method)
    return all(
        found and found.grads and all(map(agrees, found.compared, right.compared)) for found, right in pairs if right
    )


def _of_sharing(engine: Engine, program: Program) -> Fault | None:
    """Return what is wrong where nodes are shared, if the program is right as a tree, in which each use has its own."""
    for point in POINTS:
        right = expected(program, point)
        if right is None:
            continue
        leaves: tuple[list[Any], ...] = ([], [])

        def tree(n: int, point: tuple[float, float] = point, leaves: tuple[list[Any], ...] = leaves) -> Any:
            if n < 2:
                leaves[n].append(engine.make(point[n]))
                return leaves[n][-1]
            form, operands = program[n - 2]
            return form.apply(engine, *map(tree, operands))

        root, incoming = tree(len(program) + 1), 1.0
        with suppress(Exception):  # another incoming gradient than 1, as shared nodes have; if there is a product
            root, incoming = root * engine.make(2.0), 2.0
        try:
            engine.backward(root)
        except Exception:  # whatever a stranger's engine raises
            return None
        found = [sum(map(engine.grad, held)) for held in leaves]
        if not all(agrees(mine, incoming * g) for mine, g in zip(found, right.grads[:2], strict=True)):
            return None
    uses = [i for step in program for i in step.operands]
    return ORDER if any(uses.count(i) > 1 for i in range(2, len(program) + 2)) else SHARED


def raises(program: Program, error: Exception) -> bool:
    """Whether an error in a backward pass is a mistake: not an overflow, nor an operand of a kind that is not there."""
    plain = any(form.key == "**v" or (form.arity == 1 and form.key not in ("neg", *FUNCTIONS)) for form, _ in program)
    return not plain and not isinstance(error, LIMITS)


def _own_name(engine: Engine) -> str:
    return engine.names["backward"].strip(".").partition("(")[0]


def _raised_at(engine: Engine, error: Exception) -> str:
    """Return the function of theirs, with file and line, in which an error was raised."""
    files = {made.__code__.co_filename for made in vars(engine.cls).values() if hasattr(made, "__code__")}
    found, trace = "", error.__traceback__
    while trace is not None:
        made = trace.tb_frame.f_code
        if made.co_filename in files:
            found = located(made.co_qualname, made.co_filename, trace.tb_lineno)
        trace = trace.tb_next
    return found


def _candidates(keys: set[str], has: set[str]) -> Iterator[tuple[Fault, bool, tuple[str, ...] | None]]:
    """Yield the rows with where they may be planted: in one operation of the program, or in all.

    An operation can be made of others that the engine has.
    """
    for fault in TABLE:
        for composed in (False, True):
            places = sorted({key for whole in keys for key in lowered(whole, composed)})
            if composed and (places == sorted(keys) or not has.issuperset(places)):
                continue
            if fault.where == "backward":
                yield fault, composed, None
                continue
            able = [key for key in places if not fault.keys or key in fault.keys]
            for key in able:
                yield fault, composed, (key,)
                if REFLECTED.get(key) in has:
                    yield fault, composed, (key, REFLECTED[key])
            if able and len(fault.keys) > 1:
                yield fault, composed, fault.keys
            if not fault.keys:
                yield fault, composed, None


def _probes(program: Program, forms: Sequence[Form]) -> list[Probe]:
    """Return programs and points that tell faults apart: the wrong one, all of size 1, its steps again."""
    own = [form for form, _ in program]
    both = plus_and_times(forms)
    used = [form for form in forms if form in own or form in (both or ())]
    found = [program, *programs(forms, 1), *programs(used, 2)]
    if both is not None:
        plus, times = both
        for form in {form.code: form for form in own}.values():  # f(a) beside what is in a gradient already
            operands = (0, 1)[: form.arity]
            before: Program = (Step(times, (0, 1)), Step(form, operands))
            found += [(*before, Step(plus, (2, 3))), (*before, Step(plus, (3, 2))), (*before, Step(times, (3, 2)))]
    return [(p, point, False) for p in found for point in POINTS if expected(p, point)][:MAX_PROBES]


def _numbers(engine: Engine, program: Program, point: Sequence[float], seed: bool) -> Answer | None:
    try:
        return answer(engine, program, point, seed=seed)
    except (Missing, ArithmeticError, TypeError, ValueError):
        return None


def _same(found: Answer | None, guess: Answer | None) -> bool:
    if found is None or guess is None:
        return found is guess
    return all(map(agrees, found.compared, guess.compared))  # values alone where the pass raised


def _same_root(found: Answer | None, guess: Answer | None) -> bool:
    return bool(found and guess and found.grads and guess.grads and agrees(found.grads[-1], guess.grads[-1]))
