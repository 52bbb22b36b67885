"""The table of what is public, with every kind of wrong argument: each is refused, and told what was expected."""

import inspect
import math
import re
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import pytest
from helpers.public import optimizers

import autodiff
from autodiff import Value, nn
from autodiff.engine import ops
from autodiff.formulas.parse import parse
from autodiff.nn import data, schedules

nan, inf = math.nan, math.inf
HUGE = 10**400
THING = object()
THREADS = ThreadPoolExecutor(1)  # which starts none before it is given work


# Kinds of arguments. Each answers cases: (call, what is given to it, the error, its message).


def cases(call, things, error, message):
    return [(call, thing, error, message) for thing in things]


def number(call, name=""):
    prefix = f"{name}: " if name else ""
    things = [None, "x", "3", b"3", 1j, [], [1.0], (), {}, {1.0}, THING, abs, Value]
    return [
        *[(call, thing, TypeError, rf"^{prefix}expected one real number, such as 3 or 0\.5, got {kind(thing)}: ")
          for thing in things],
        (call, HUGE, OverflowError, rf"^{prefix}the int 1000.* is too large for a float: at most 1\.8e308 fits"),
    ]  # fmt: skip


def positional(call, name, lowest="at least 0", below="inf"):
    """A number in a range."""
    wrong = [nan, -1, -1e-9, inf] + ([1.0, 2] if below != "inf" else []) + ([0, 0.0] if lowest == "above 0" else [])
    told = rf"^{re.escape(name)} must be {lowest} and below {re.escape(below)}, got "
    return [*number(call, re.escape(name)), *cases(call, wrong, ValueError, told)]


def finite(call, name):
    return [*number(call, name), *cases(call, [nan, inf, -inf], ValueError, f"^{name} must be a finite number, got ")]


def count(call, name, *, none=False):
    things = ["3", b"3", 1.5, 2.0, nan, inf, True, 1j, [], [1], {}, THING, Fraction(1, 2)] + ([] if none else [None])
    return [
        *[(call, thing, TypeError, f"^{name} must be a whole number, got {kind(thing)}: ") for thing in things],
        *cases(call, [0, -1, -(10**50)], ValueError, f"^{name} must be at least 1, got "),
    ]


def flag(call, name):
    things = [None, "no", "", 0, 1, 1.0, [], THING]
    return [(call, thing, TypeError, f"^{name} must be True or False, got {kind(thing)}: ") for thing in things]


def executor(call):
    things = [2, "threads", [], THING, ThreadPoolExecutor]
    return [(call, thing, TypeError, f"^executor must have submit, as .* has, got {kind(thing)}: ") for thing in things]


def seed(call):
    told = "^seed must be a whole number or a random.Random, got "
    return [(call, thing, TypeError, f"{told}{kind(thing)}: ") for thing in ["x", b"x", 1.5, nan, 1j, [], {}, THING]]


def several(call, name, of, *, none=False, things=()):
    wrong = [3, 1.5, nan, True, 1j, "text", b"text", THING, abs, *([] if none else [None]), *things]
    told = f"^{name} must be several {of}, such as a list of them, got "
    return [
        (call, thing, TypeError, f"{told}{kind(thing)}: ") for thing in wrong if not callable(thing) or thing is abs
    ]


def parameters(call):
    return [
        *several(call, "parameters", "Values"),
        *[
            (call, [thing], TypeError, f"^parameters must be Values, got {kind(thing)}: ")
            for thing in (1.0, None, "x", [])
        ],
        (call, nn.MLP(1, [1], seed=0), TypeError, r"^expected Values, got a MLP: give its \.parameters\(\)"),
    ]


def function(call, name, *, none=False):
    things = [3, "x" if name != "activation" else 0.5, [], {}, THING, 1j, *([] if none else [None])]
    return [(call, thing, TypeError, f"^{name} must be a function, got {kind(thing)}: ") for thing in things]


def named_function(call, name):
    things = [None, 3, 1j, [], b"tanh", THING]
    return [
        *[(call, thing, TypeError, f"^{name} must be a name or a function, got {kind(thing)}: ") for thing in things],
        *cases(
            call, ["", "Tanh", "no such"], ValueError, f"^unknown {name} '.*': choose one of [a-z_0-9]+, .*, or give"
        ),
    ]


def choice(call, name):
    things = [None, "x", "", 3, nan, [], {}, b"LR", THING]
    return cases(call, things, ValueError, f"^{name} must be one of '.*', got ")


def one_value(call, message):
    things = [None, 3, 1.5, "x", b"x", [], {}, THING, nn.MLP(1, [1], seed=0)]
    return [(call, thing, TypeError, message.format(kind(thing))) for thing in things]


def path(call, endings):
    told = "expected str, bytes or os.PathLike object, not {}"
    return [
        *[(call, thing, TypeError, told.format(kind(thing))) for thing in (None, 3, 1.5, [], THING)],
        (call, "a\0.svg", ValueError, "a path cannot hold a null character, got "),
        *cases(call, endings, ValueError, "saved as .*, got 'x"),
    ]


def kind(thing):
    return type(thing).__name__


def w(x=1.5):
    return Value(x, "w")


def loss():
    a = w()
    return a * a + 1.0


def trained():
    model = nn.MLP(1, [1], seed=1)
    nn.squared_error(model(2.0), 1.0).backward()
    return model


def fit(model=None, samples=None, loss="squared_error", optimizer=None, epochs=1, **options):
    trained = nn.MLP(1, [1], seed=1)
    optimizer = nn.SGD(trained.parameters(), lr=0.1) if optimizer is None else optimizer
    samples = [([1.0], 2.0)] if samples is None else samples
    return nn.fit(trained if model is None else model, samples, loss, optimizer, epochs, **options)


def replayed(parameters=None, **options):
    p = w()
    return autodiff.Replay(p * p, parameters or [p], **options)


def batched(batch, **options):
    p, x = w(), Value(2.0)
    return autodiff.Replay(p * x, [p], [x]).gradient(batch, **options)


def descending(parameter=None, **options):
    parameter = parameter or w()
    return autodiff.training_steps(lambda: parameter * parameter, [parameter], lr=0.1, steps=1, **options)


def descended(steps, **options):
    replay = replayed()
    return replay.fit(nn.SGD(replay.parameters), steps, **options)


def at(schedule):
    """A step at the rate that a schedule answers."""
    p = w()
    p.grad = 1.0
    nn.SGD([p], lr=schedule).step()


def network(make, *, n_in=True):
    """The arguments that neurons, layers and perceptrons share."""
    return [
        *count(lambda x: make(n_in=x), "n_in"),
        *named_function(lambda x: make(activation=x), "activation"),
        *named_function(lambda x: make(init=x), "init"),
        *flag(lambda x: make(bias=x), "bias"),
        *flag(lambda x: make(expand=x), "expand"),
        *seed(lambda x: make(seed=x)),
    ]


def inputs(make):
    model = make(2)
    wrong = [None, "x", b"x", 1j, [None, 1.0], [1.0, "x"], [[1.0], [2.0]], THING]
    return [
        *cases(model, wrong, TypeError, r"^expected one real number, such as 3 or 0\.5, got "),
        *cases(model, [[], [1.0], [1.0, 2.0, 3.0], 1.0], ValueError, r"^expected 2 inputs, got \d"),
    ]


def optimizer(make):
    p = [w()]
    return [
        *parameters(make),
        *[case for case in number(lambda x: make(p, lr=x), "lr") if not callable(case[1])],
        *cases(lambda x: make(p, lr=x), [nan, -1, inf], ValueError, "^lr must be at least 0 and below inf, got "),
        *positional(lambda x: make(p, weight_decay=x), "weight_decay"),
        *cases(make, [[], ()], ValueError, r"got no parameters: give model\.parameters\(\)"),
        (make, [p[0], p[0]], ValueError, "^a parameter is listed twice: it would be moved twice a step"),
        (make, [w() * 2.0], ValueError, "^only leaves can be moved, this Value is computed from others"),
    ]


UNARY = "abs acos asin atan cos cosh erf erfc exp expm1 gelu log log1p log2 log10 cbrt asinh acosh atanh detach stop_gradient relu sigmoid sign silu sin sinh softplus sqrt tan tanh"
BINARY = "atan2 hypot maximum minimum"
SETTINGS = {"clip": 2, "elu": 1, "heaviside": 1, "leaky_relu": 1}
REDUCTIONS = "log_softmax logsumexp max min mean prod softmax sum"
OUTSIDE = {
    "acos": [2.0, -1.5, inf], "asin": [2.0, -1.5, inf], "log": [0.0, -1.0], "log1p": [-1.0, -2.0], "sqrt": [-1.0],
    "log2": [0.0], "log10": [-1.0], "acosh": [0.5], "atanh": [1.0, -2.0],
    "sin": [inf], "cos": [inf], "tan": [-inf],
}  # fmt: skip
COUNTED = (nn.data.line, nn.data.moons, nn.data.circles, nn.data.spiral)

ROWS = {}
for name in UNARY.split():
    f = getattr(autodiff, name)
    outside = cases(f, OUTSIDE.get(name, []), autodiff.DomainError, "is undefined at x = .*: it needs ")
    ROWS[name] = number(f) + outside
    ROWS[f"Value.{name}"] = [(lambda x, f=f: f(Value(x)), *case[1:]) for case in outside]
for name in BINARY.split():
    f = getattr(autodiff, name)
    ROWS[name] = [case for call in (lambda x, f=f: f(x, 1.0), lambda x, f=f: f(w(), x)) for case in number(call)]
    method = getattr(Value, name)
    ROWS[f"Value.{name}"] = number(lambda x, method=method: method(w(), x))
ROWS["atan2"] += [(lambda x: autodiff.atan2(x, x), 0.0, autodiff.DomainError, "it needs x and y not both 0")]
for name, settings in SETTINGS.items():
    f = getattr(autodiff, name)
    calls = [lambda x, f=f, n=settings: f(x, *[1.0] * n), lambda x, f=f, n=settings: f(w(), *[x] * n)]
    ROWS[name] = [case for call in calls for case in number(call)]
    ROWS[name] += cases(calls[1], [w()], TypeError, "expected one real number, .* got Value")  # a plain number
ROWS["clip"] += [(lambda x: autodiff.clip(0.0, *x), (1.0, 0.0), autodiff.DomainError, "it needs low <= high")]
ROWS["Value.clip"] = number(lambda x: w().clip(x, 1.0)) + number(lambda x: w().clip(0.0, x))
for name in REDUCTIONS.split():
    f = getattr(autodiff, name)
    ROWS[name] = [case for case in number(lambda x, f=f: f(x, 1.0)) + number(lambda x, f=f: f([w(), x]))]
    if name not in ("prod", "sum"):
        ROWS[name] += cases(f, [[], (), iter([])], ValueError, f"^{name} needs at least one number, got none")

ROWS |= {
    "where": number(lambda x: autodiff.where(x, w(), 1.0)) + number(lambda x: autodiff.where(True, w(), x)),
    "jacobian": cases(lambda x: autodiff.jacobian(w(), x), [1.0, "x", [1.0]], TypeError, "^inputs must be "),
    "hessian": cases(lambda x: autodiff.hessian(w() * w(), x), [1.0, "x", [1.0]], TypeError, "^inputs must be "),
    "dot": [
        *several(lambda x: autodiff.dot(x, [1.0]), "weights", "numbers"),
        *several(lambda x: autodiff.dot([1.0], x), "inputs", "numbers"),
        *number(lambda x: autodiff.dot([x], [w()])),
        *[case for case in number(lambda x: autodiff.dot([1.0], [w()], x)) if case[1] is not None],
        *cases(lambda x: autodiff.dot([1.0, 2.0], x), [[], [1.0], [1.0] * 3], ValueError,
               r"^dot needs one input for each weight, got 2 weights and \d inputs"),
    ],
    "Op": cases(lambda x: ops.Op(*x), [
        (1, abs, lambda out, x: (1.0,), "{x}"), ("f", 1, lambda out, x: (1.0,), "{x}"), ("f", abs, abs, "{x}"),
        ("f", abs, lambda out, x: (1.0,), None)], TypeError, r"^expected Op\(name, value, local, formula\)"),
    "Op.__call__": number(lambda x: ops.MUL(x, 2.0)) + number(lambda x: ops.MUL(w(), x)),
    "Value": [
        *number(Value), (Value, w(), TypeError, "expected one real number, .* got Value"),
        *[(lambda x: Value(1.0, label=x), thing, TypeError, f"^expected a label as text, got {kind(thing)}: ")
          for thing in (None, 3, b"w", [], THING)],
        *[(lambda x: Value(1.0, x), thing, TypeError, f"^expected a label as text, or the nodes .*, got {kind(thing)}: ")
          for thing in (None, 3, b"w", THING)],
    ],
    "Value.data": number(lambda x: setattr(w(), "data", x)),
    "Value.grad": number(lambda x: setattr(w(), "grad", x)),
    "Value.apply": number(lambda x: w().apply(ops.MUL, (w(), x))),
    "grad": [
        *one_value(lambda x: autodiff.grad(x, w()), r"^grad\(output, \*inputs\) takes Values, got {}: "),
        *one_value(lambda x: autodiff.grad(loss(), x), r"^grad\(output, \*inputs\) takes Values, got {}: "),
        (lambda x: autodiff.grad(x), w(), TypeError, "needs at least one input to differentiate by"),
    ],
    "check_engine": [
        *cases(lambda x: autodiff.check_engine(x), [None, 3, "Value", [], w()], TypeError,
               "expected a class of values, such as Value"),
        *cases(lambda x: autodiff.check_engine(Value, names=x), [{"gard": "grad"}], ValueError, "names has no place for"),
        *cases(lambda x: autodiff.check_engine(Value, size=x), [1.0, "2", None, True], TypeError, "size must be a whole"),
        *cases(lambda x: autodiff.check_engine(Value, size=x), [0, -1, 5], ValueError, "size must be at "),
    ],
    "check_gradient": [
        *function(lambda x: autodiff.check_gradient(x, 1.0, 1.0), "f"),
        *cases(lambda x: autodiff.check_gradient(abs, x, 1.0), [None, "1", 1j], TypeError, "expected one real number"),
        *cases(lambda x: autodiff.check_gradient(abs, 1.0, x), [None, "1", 1j], TypeError, "expected one real number"),
        *positional(lambda x: autodiff.check_gradient(abs, 1.0, 1.0, eps=x), "eps", "above 0"),
        *positional(lambda x: autodiff.check_gradient(abs, 1.0, 1.0, tolerance=x), "tolerance", "above 0"),
    ],
    "check_gradients": [
        *function(lambda x: autodiff.check_gradients(x, [w()]), "function"),
        *several(lambda x: autodiff.check_gradients(loss, x), "parameters", "Values"),
        *cases(lambda x: autodiff.check_gradients(loss, x), [[None], [1.0], {"a": 1.0}], TypeError,
               "^parameters must be Values, got "),
        *cases(lambda x: autodiff.check_gradients(loss, x), [[], {}, ()], ValueError, "there is no parameter to check"),
        *cases(lambda x: autodiff.check_gradients(lambda: x, [w()]), [None, 1.0, "x", [w()]], TypeError,
               "^the function must answer a Value, got "),
        *positional(lambda x: autodiff.check_gradients(loss, [w()], eps=x), "eps", "above 0"),
        *positional(lambda x: autodiff.check_gradients(loss, [w()], tolerance=x), "tolerance", "above 0"),
        *cases(lambda x: autodiff.check_gradients(loss, [w()], order=x), [0, 3, True, "1", None, nan], ValueError,
               r"^order must be 1 \(gradient\) or 2 \(Hessian\), got "),
        *cases(lambda x: autodiff.check_gradients(loss, [w()], sample=x), [0, 2, -1, True, "1", 1.0, []], ValueError,
               "^sample must be from 1 to the number of parameters, 1, got "),
        *seed(lambda x: autodiff.check_gradients(loss, [w()], sample=1, seed=x)),
    ],
    "conventions": [
        *cases(autodiff.conventions, [None, 3, autodiff.relu, b"relu", ["relu"]], TypeError, "^expected the name of an op"),
        *cases(autodiff.conventions, ["rellu", "", "\n", "x" * 10**6], ValueError, "^there is no operation "),
    ],
    "draw": [
        *one_value(autodiff.draw, "^draw (takes a Value or several|needs at least one Value)")[:5],
        *cases(autodiff.draw, [[]], ValueError, "^draw needs at least one Value, got none"),
        *cases(autodiff.draw, [[1.0], [None]], TypeError, "^draw takes a Value or several, got "),
        *cases(lambda x: autodiff.draw(loss(), model=x), [3, "x", [], w()], TypeError, "^model must be a Module, got "),
        *choice(lambda x: autodiff.draw(loss(), view=x), "view"),
        *choice(lambda x: autodiff.draw(loss(), fold=x), "fold"),
        *choice(lambda x: autodiff.draw(loss(), direction=x), "direction"),
        *choice(lambda x: autodiff.draw(loss(), engine=x), "engine"),
        *flag(lambda x: autodiff.draw(loss(), heat=x), "heat"),
        *flag(lambda x: autodiff.draw(loss(), local_derivatives=x), "local_derivatives"),
        *several(lambda x: autodiff.draw(loss(), expand=x), "expand", "paths")[:5],
        *cases(lambda x: autodiff.draw(loss(), number_format=x), [None, 3, "", "x", "s", "\n>9", ">1000000000", b".3f"][3:],
               ValueError, "^number_format must be a format of floats, such as "),
        *cases(lambda x: autodiff.draw(loss(), title=x), [None, 3, b"x", ["x"]], TypeError, "^title must be a text, got "),
        *cases(lambda x: autodiff.draw(loss(), roles=x), [3, "x", [w()], {"x": "x"}], TypeError, "^roles says something of "),
        *cases(lambda x: autodiff.draw(loss(), colors={w(): x}), [None, 3, b"x"], TypeError, "^colors says something of "),
    ],
    "Drawing.save": path(lambda x: autodiff.draw(loss()).save(x), ["x", "x.gif", "x.svg.gz"]),
    "Drawing.node_id": [],
    "Drawing.edge_id": [],
    "exercise": [
        *one_value(lambda x: autodiff.exercise(x), "^expected one Value, got {}"),
        *several(lambda x: autodiff.exercise(loss(), about=x), "about", "Values or names", none=True)[:4],
        *cases(lambda x: autodiff.exercise(loss(), about=x), [["no"], [""]], ValueError, "^no node is called '.*'; there are "),
        *cases(lambda x: autodiff.exercise(loss(), about=x), [[1.0], [None]], TypeError, "^expected a Value of this graph or"),
        *cases(lambda x: autodiff.exercise(loss(), about=x), [[]], ValueError, "^there is nothing to ask"),
        *[case for case in positional(lambda x: autodiff.exercise(loss(), rate=x), "rate", "above 0") if case[1] is not None],
        *cases(lambda x: autodiff.exercise(loss(), rate=1.0, weights=x), [["no"]], ValueError, "^no node is called 'no'"),
        *cases(lambda x: autodiff.exercise(loss(), weights=x), [["w"]], ValueError, "^weights go with a rate, "),
        *cases(lambda x: autodiff.exercise(loss(), rate=1.0, weights=x), [["v1"]], ValueError, "^weights must be leaves, v1 is "),
        (lambda x: autodiff.exercise(autodiff.relu(x)), w(0.0), ValueError, r"^v1 = relu\(w\) = .* has a kink there, "),
        (lambda x: autodiff.exercise(x * x), w(inf), ValueError, "^w is inf: an exercise needs finite numbers"),
        (lambda x: autodiff.exercise(x), w(), ValueError, "^there is nothing to ask"),
    ],
    "Exercise.check": [
        *cases(lambda x: autodiff.exercise(loss()).check(x), [None, 3, "x", [], THING], TypeError, "^the answers must be a dict"),
        *cases(lambda x: autodiff.exercise(loss()).check({x: 1}), ["no", "dv2/dx", 3, None], ValueError, "^nothing called .* is asked: "),
        *cases(lambda x: autodiff.exercise(loss()).check({"v1": x}), [
            nan, inf, "nan", "1_0", "1,000,000", "1.000,5", "two", "v1 +", "1;2", 1j, [1.0], THING, True, "w**", "foo(2)"],
            ValueError, "^the answer to v1, .*, is not read: .* Write a number such as -0.75"),
    ],
    "Exercise.save": [
        *path(lambda x: autodiff.exercise(loss()).save(x), ["x", "x.gif", "x.xml"]),
        *cases(lambda x: autodiff.exercise(loss()).save("x.html", format=x), ["gift", 3], ValueError, "^format must be "),
        *cases(lambda x: autodiff.exercise(loss()).save("x.html", feedback=x), ["", None], ValueError, "^feedback must be "),
        *cases(lambda x: autodiff.exercise(loss()).save("x.html", engine=x), ["dot", None], ValueError, "^engine must be "),
        *cases(lambda x: autodiff.exercise(loss()).save("x.pdf", paper=x), ["a5", None], ValueError, "^paper must be "),
        *cases(lambda x: autodiff.exercise(loss()).save("x.html", key=x), [1, "yes", None], TypeError, "^key must be "),
    ],
    "Exercise.hints": cases(lambda x: autodiff.exercise(loss()).hints(x), ["no", "", None, 3], ValueError, "^nothing called "),
    "steps": [
        *one_value(autodiff.steps, "^expected one Value, got {}"),
        *choice(lambda x: autodiff.steps(loss(), engine=x), "engine"),
        *choice(lambda x: autodiff.steps(loss(), fold=x), "fold"),
        *cases(lambda x: autodiff.steps(loss(), model=x), [3, "x", loss(), THING], TypeError, "^model must be a Module, got "),
        *cases(lambda x: autodiff.steps(loss(), misconception=x), [3, [], THING, b"sign"], TypeError, "^misconception must be a name, got "),
        *cases(lambda x: autodiff.steps(loss(), misconception=x), ["", "x", "step uphill", "\x1b" * 300], ValueError, "^the misconception '.*' (is none of|cannot be made)"),
        *cases(lambda x: autodiff.steps(loss(), number_format=x), ["x", "s", "\n>9", ">1000000000"],
               ValueError, "^number_format must be a format of floats, such as "),
    ],
    "Steps.node": [
        *one_value(lambda x: autodiff.steps(loss()).node(x), "^expected a Value of this graph or its name, got {}: ")[:3],
        *cases(lambda x: autodiff.steps(loss()).node(x), ["", "x", "w "], ValueError, "^no node is called '.*'; there are "),
        (lambda x: autodiff.steps(loss()).node(x), w(), ValueError, "is no part of the graph of "),
    ],
    "TrainingSteps.save": path(lambda x: descending(autodiff.Value(1.0)).save(x), ["x", "x.svg"]),
    "training_steps": [
        *cases(lambda x: autodiff.training_steps(x, [w()], lr=0.1), [None, 3, "x", [], THING], TypeError, "^forward must be a function"),
        *cases(lambda x: autodiff.training_steps(lambda: x, [w()], lr=0.1), [None, 3, "x", []], TypeError, "^forward must answer the loss, a Value, got "),
        *cases(lambda x: autodiff.training_steps(loss, x, lr=0.1), [None, 3, "x", [1.0], THING], TypeError, "^parameters must be "),
        *cases(lambda x: autodiff.training_steps(loss, x, lr=0.1), [[], ()], ValueError, "^training_steps needs at least one parameter"),
        *positional(lambda x: autodiff.training_steps(loss, [w()], lr=x), "lr", "above 0"),
        *count(lambda x: autodiff.training_steps(loss, [w()], lr=0.1, steps=x), "steps"),
        *cases(lambda x: autodiff.training_steps(loss, [w()], lr=0.1, steps=x), [1001, 10**9], ValueError, "^steps must be at most 1,000, got "),
        *choice(lambda x: descending(engine=x), "engine"),
        *cases(lambda x: descending(number_format=x), ["x", b".3f"], ValueError, "^number_format must be a format of floats"),
    ],
    "Steps.save": path(lambda x: autodiff.steps(loss()).save(x), ["x", "x.png"]),
    "derive": [
        *one_value(lambda x: autodiff.derive(x, w()), "^expected one Value, got {}"),
        *cases(lambda x: autodiff.derive(loss(), w(), number_format=x), ["x", b".3f"],
               ValueError, "^number_format must be a format of floats, such as "),
        *one_value(lambda x: autodiff.derive(loss(), x), "^expected a Value to differentiate by, got {}: "),
    ],
    "order_matters": [
        *one_value(lambda x: autodiff.order_matters(x, []), "^expected one Value, got {}"),
        *several(lambda x: autodiff.order_matters(loss(), x), "order", "Values"),
        *cases(lambda x: autodiff.order_matters(loss(), x), [[1.0], [None]], TypeError, "^expected a Value of this graph"),
        *cases(lambda x: autodiff.order_matters(loss(), x), [[], ()], ValueError, "^the order leaves out "),
    ],
    "blame": [
        *[(autodiff.blame, thing, TypeError, f"^blame takes a Module, got {kind(thing)}: ")
          for thing in (None, 3, "x", [], w(), THING, nn.MLP)],
        (autodiff.blame, nn.Module(), ValueError, "^Module has no parameters, so none is to blame"),
        (autodiff.blame, nn.MLP(1, [1], seed=0), ValueError, "^there is no gradient yet: call backward"),
    ],
    "Blame.draw": [
        *choice(lambda x: autodiff.blame(trained()).draw(x), "by"),
    ],
    "expression.parse": [
        *[(lambda x: parse(x, {}), thing, TypeError, f"^the expression must be text, got {kind(thing)}: ")
          for thing in (None, 3, b"x", [], THING, w())],
        *[(lambda x: parse("1", x), thing, TypeError, "^the numbers must be a dict of numbers by name, such as")
          for thing in (None, 3, "x", [("x", 1.0)], THING)],
        *cases(lambda x: parse("x", {"x": x}), [None, "3", 1j, [], HUGE, w()], ValueError, "^the value of x is no number: "),
        *cases(lambda x: parse("x", {"x": x}), [nan, inf], ValueError, "^the value of x is (nan|inf): expected a finite"),
        (lambda x: parse("1", x), {3: 1.0}, TypeError, "^the name of a number must be text, got int: 3"),
    ],
    "EngineReport.step": cases(autodiff.EngineReport("Value").step, ["no", "", None, 3], ValueError, "^there is no step "),
    "Replay": [
        *[(lambda x: autodiff.Replay(x, [w()]), thing, TypeError, f"^loss must be a Value, got {kind(thing)}: ")
          for thing in (None, 3, "x", [], THING)],
        *several(lambda x: autodiff.Replay(w() * 1.0, x), "parameters", "Values"), *several(lambda x: replayed(inputs=x), "inputs", "Values"),
        *cases(replayed, [[None], [1.0], ["x"]], TypeError, "^parameters must be Values, got "),
        (lambda x: autodiff.Replay(w() * 1.0, x), [], ValueError, "^parameters is empty: give the leaves"),
        (replayed, [w() * 1.0], ValueError, "^parameters must be leaves, this Value is computed from others"),
        (lambda x: replayed(inputs=x), None, TypeError, "^inputs must be several Values"),
        (lambda x: replayed([x, x]), w(), ValueError, "^a leaf is given twice: each is a parameter or an input, once"),
        (replayed, w(), ValueError, "^the loss depends on none of the parameters"),
        *flag(lambda x: replayed(verify=x), "verify"), *choice(lambda x: replayed(backend=x), "backend"),
    ],
    "Replay.values": [
        *several(lambda x: setattr(replayed(), "values", x), "values", "numbers"),
        *number(lambda x: setattr(replayed(), "values", [x])),
        *cases(lambda x: setattr(replayed(), "values", x), [[], [1.0, 2.0]], ValueError, "^values needs 1 numbers"),
    ],
    "Replay.gradient": [
        *cases(lambda x: replayed().gradient(x), [3, "x", [[1.0]]], ValueError, "^this replay has no inputs"),
        *cases(lambda x: batched(x), [3, "x", nan, THING], TypeError, "^a batch must be samples as rows, got "),
        *cases(lambda x: batched(x), [[3], ["x"], [None]], TypeError, "^a sample of a batch must be a row of 1 numbers"),
        *cases(lambda x: batched(x), [[], [[]], [[1.0, 2.0]], [[1.0], []]], ValueError, "^a batch needs a row for each sample"),
        *cases(lambda x: batched(x), [[[None]], [["x"]], [[1j]]], TypeError, "^expected one real number"),
        *executor(lambda x: batched([[1.0]], executor=x)),
        (lambda x: batched(None, executor=x), THREADS, ValueError, "^an executor computes a batch in chunks, and there is none"),
    ],
    "Replay.fit": [
        *cases(lambda x: replayed().fit(x, 1), [None, 3, "SGD", []], TypeError, "^optimizer must be one of nn, such as "),
        (lambda x: replayed().fit(x, 1), nn.SGD([w()]), ValueError, "^the optimizer moves .*, which is no parameter of the"),
        *cases(lambda x: descended(x), [None, 1.5, True, THING], TypeError, "^steps must be a whole number, or batches, got "),
        *executor(lambda x: descended(1, executor=x)),
        (lambda x: descended(1, executor=x), THREADS, ValueError, "^an executor computes a batch in chunks, and there is none"),
        *cases(lambda x: descended(x), [-1, -(10**50)], ValueError, "^steps must be at least 0, got -1"),
    ],
    "nn.Neuron": [
        *network(lambda n_in=2, activation="tanh", **options: nn.Neuron(n_in, activation, **options)),
        *inputs(lambda n: nn.Neuron(n, seed=0)),
    ],
    "nn.Layer": [
        *network(lambda n_in=2, activation="tanh", **options: nn.Layer(n_in, 2, activation, **options)),
        *count(lambda x: nn.Layer(1, x), "n_out"), *inputs(lambda n: nn.Layer(n, 2, seed=0)),
    ],
    "nn.MLP": [
        *network(lambda n_in=2, activation="tanh", **options: nn.MLP(n_in, [1], activation, **options)),
        *named_function(lambda x: nn.MLP(1, [1], output=x), "activation"),
        *inputs(lambda n: nn.MLP(n, [2, 1], seed=0)),
        *[case for case in several(lambda x: nn.MLP(1, x), "n_outs", "sizes of layers") if case[1] not in (3, True)],
        *cases(lambda x: nn.MLP(1, x), [3, 0, True], TypeError, "^n_outs must list the size of each layer, such as "),
        *cases(lambda x: nn.MLP(1, x), [[], ()], ValueError, "^an MLP needs at least one layer, got n_outs="),
        *count(lambda x: nn.MLP(1, [x]), "n_out"),
    ],
    "nn.Module.save": path(lambda x: nn.MLP(1, [1], seed=0).save(x), []),
    "nn.Module.load": path(lambda x: nn.MLP(1, [1], seed=0).load(x), []),
    "nn.mse": [
        *cases(lambda x: nn.mse([w(), w()], x), [[], [1.0], [1.0] * 3, 1.0, "xy"], ValueError,
               r"^mse needs one target for each output, got 2 outputs and \d targets"),
        (lambda x: nn.mse(x, x), [], ValueError, "^mean needs at least one number, got none"),
        *cases(lambda x: nn.mse(w(), x), [None, "x", 1j, THING], TypeError, "^the target of squared_error must be a Value"),
    ],
    "nn.hinge": [
        *[(lambda x: nn.hinge(x, 1), thing, TypeError, f"^the score of hinge must be a Value or a number, got {kind(thing)}")
          for thing in (None, "x", 1j, [], [w()], THING)],
        *cases(lambda x: nn.hinge(w(), x), [0, 2, 0.5, nan, inf, "1", None, [], [1]], ValueError,
               "^hinge needs a target of -1 or 1, got "),
    ],
    "nn.binary_cross_entropy": [
        *[(lambda x: nn.binary_cross_entropy(x, 1), thing, TypeError, "^the logit of binary_cross_entropy must be a Value")
          for thing in (None, "x", 1j, [], [w()], THING)],
        *number(lambda x: nn.binary_cross_entropy(w(), x)),
        *cases(lambda x: nn.binary_cross_entropy(w(), x), [-1, 1.5, nan, inf, -1e-9], ValueError,
               "^binary_cross_entropy needs a target from 0 to 1, got "),
    ],
    "nn.cross_entropy": [
        *several(lambda x: nn.cross_entropy(x, 0), "logits of cross_entropy", "numbers"),
        *cases(lambda x: nn.cross_entropy([w(), x], 0), [None, "x", 1j, []], TypeError, "^the logit of cross_entropy must be"),
        (lambda x: nn.cross_entropy(x, 0), [], ValueError, "^cross_entropy needs the logit of at least one class"),
        *cases(lambda x: nn.cross_entropy([w(), w()], x), [-1, 2, 0.5, nan, "1", None, [], [1.0, 0.0], w(1.0)], ValueError,
               "^cross_entropy needs a target from 0 to 1, one of the 2 classes, got "),
    ],
    "nn.l1": parameters(nn.l1),
    "nn.l2": parameters(nn.l2),
    "nn.gradient_norm": parameters(nn.gradient_norm),
    "nn.clip_gradient_norm": [
        *parameters(lambda x: nn.clip_gradient_norm(x, 1.0)),
        *positional(lambda x: nn.clip_gradient_norm([w()], x), "max_norm", "above 0"),
    ],
    "nn.clip_gradient_value": [
        *parameters(lambda x: nn.clip_gradient_value(x, 1.0)),
        *positional(lambda x: nn.clip_gradient_value([w()], x), "limit", "above 0"),
    ],
    "nn.Optimizer": [
        *cases(at, [lambda t: None, lambda t: "x"], TypeError, "^lr: expected one real number"),
        *cases(at, [lambda t: -1.0, lambda t: nan, lambda t: inf], ValueError, "^lr must be at least 0 and below inf"),
    ],
    "nn.Optimizer.update": [
        (lambda x: nn.Optimizer([w()], 0.1).step(), None, NotImplementedError, "Optimizer must say how it updates a parameter")
    ],
    "nn.SGD": [
        *optimizer(nn.SGD), *positional(lambda x: nn.SGD([w()], momentum=x), "momentum"),
        *flag(lambda x: nn.SGD([w()], momentum=0.9, nesterov=x), "nesterov"),
        (lambda x: nn.SGD([w()], nesterov=x), True, ValueError, "^nesterov=True needs a momentum above 0, such as 0.9"),
    ],
    **{
        f"nn.{make.__name__}": [
            *optimizer(make), *positional(lambda x, make=make: make([w()], eps=x), "eps"),
            *several(lambda x, make=make: make([w()], betas=x), "betas", "numbers"),
            *cases(lambda x, make=make: make([w()], betas=x), [[], [0.9], (0.9, 0.9, 0.9)], ValueError,
                   "^betas must be a pair of numbers, got "),
            *positional(lambda x, make=make: make([w()], betas=(x, 0.9)), "betas[0]", below="1.0"),
            *positional(lambda x, make=make: make([w()], betas=(0.9, x)), "betas[1]", below="1.0"),
        ]
        for make in (nn.Adam, nn.AdamW)
    },
    "nn.RMSprop": [
        *optimizer(nn.RMSprop), *positional(lambda x: nn.RMSprop([w()], eps=x), "eps"),
        *positional(lambda x: nn.RMSprop([w()], alpha=x), "alpha", below="1.0"),
        *positional(lambda x: nn.RMSprop([w()], momentum=x), "momentum"),
    ],
    "nn.EarlyStopping": [
        *count(nn.EarlyStopping, "patience"), *positional(lambda x: nn.EarlyStopping(1, x), "min_delta"),
    ],
    "nn.History": several(nn.History, "metrics", "names"),
    "nn.fit": [
        *function(lambda x: nn.fit(x, [([1.0], 1.0)], "mse", nn.SGD([w()])), "model"),
        *several(lambda x: fit(samples=x), "data", "samples", none=True),
        *cases(lambda x: fit(samples=x), [[], ()], ValueError, "^the data set is empty: give at least one sample"),
        *cases(lambda x: fit(samples=x), [[1.0], ["ab"], [b"ab"], [([1.0],)], [([1.0], 2.0, 3.0)], [None]], TypeError,
               r"^sample 0 must be a pair \(inputs, target\), such as "),
        *cases(lambda x: fit(samples=[([1.0], 2.0), x]), [3, ()], TypeError, "^sample 1 must be a pair"),
        *cases(lambda x: fit(samples=[x]), [([], 1.0), ([1.0, 2.0], 1.0)], ValueError, r"^expected 1 input, got \d"),
        *cases(lambda x: fit(samples=[([1.0], x)]), [None, "x", [1.0], 1j], TypeError, "^the target of squared_error must be"),
        *named_function(lambda x: fit(loss=x), "loss"),
        *cases(lambda x: fit(loss=lambda o, t: x), [None, 1.0, "x", [w()]], TypeError, "^the loss must answer a Value, got "),
        (lambda x: fit(loss=lambda o, t: x), w(), ValueError, "^the loss depends on none of the optimizer's parameters"),
        *cases(lambda x: fit(optimizer=x), [3, "SGD", [], nn.SGD], TypeError, "^optimizer must be one of nn, such as "),
        *cases(lambda x: fit(epochs=x), [None, "1", 1.5, nan, True, []], TypeError, "^epochs must be a whole number, got "),
        *cases(lambda x: fit(epochs=x), [-1, -(10**50)], ValueError, "^epochs must be at least 0, got -1"),
        *count(lambda x: fit(batch_size=x), "batch_size", none=True),
        *flag(lambda x: fit(shuffle=x), "shuffle"), *flag(lambda x: fit(progress=x), "progress"),
        *[case for case in flag(lambda x: fit(replay=x), "replay") if not isinstance(case[1], str)],
        *cases(lambda x: fit(replay=x), ["no", "", "jax"], ValueError, "^replay must be one of 'auto', .*, got "), *executor(lambda x: fit(replay=True, executor=x)),
        (lambda x: fit(executor=x), THREADS, ValueError, "^an executor computes replayed batches: give replay=True"),
        *seed(lambda x: fit(seed=x)),
        *function(lambda x: fit(penalty=x), "penalty", none=True),
        *cases(lambda x: fit(penalty=lambda: x), [None, "x", [], 1j], TypeError, "^expected one real number"),
        *positional(lambda x: fit(max_norm=x), "max_norm", "above 0")[1:],
        *cases(lambda x: fit(metrics=x), [3, "x", [len], [("n", len)]], TypeError, "^metrics must be a dict of functions"),
        *cases(lambda x: fit(metrics={"n": x}), [3, "x", None], TypeError, "^the metric 'n' must be a function, got "),
        *cases(lambda x: fit(metrics={"n": lambda o, t: x}), [None, "x", [1.0]], TypeError, "^the metric 'n': expected one"),
        *several(lambda x: fit(callbacks=x), "callbacks", "functions"),
        *cases(lambda x: fit(callbacks=[x]), [3, "x", None], TypeError, "^a callback must be a function, got "),
    ],
    "nn.data.pair": [],
    "nn.data.line": [*finite(lambda x: data.line(2, x), "slope"), *finite(lambda x: data.line(2, 1.0, x), "intercept")],
    "nn.data.xor": [],
    "nn.data.moons": [],
    "nn.data.circles": finite(lambda x: data.circles(2, factor=x), "factor"),
    "nn.data.spiral": [
        *finite(lambda x: data.spiral(2, turns=x), "turns"),
        *several(lambda x: data.spiral(2, classes=x), "classes", "targets"),
        (lambda x: data.spiral(2, classes=x), [], ValueError, "^the number of classes must be at least 1, got 0"),
    ],
    "nn.data.batches": [
        *several(data.batches, "data", "samples"),
        (data.batches, list, TypeError, "^data must be several samples, such as a list of them, got type: <class 'list'>"),
        *count(lambda x: data.batches([1], x), "batch_size", none=True),
        *cases(data.batches, [[], {}], ValueError, "^the data set is empty: give at least one sample"),
        *flag(lambda x: data.batches([1], shuffle=x), "shuffle"), *seed(lambda x: data.batches([1], seed=x)),
    ],
    "nn.schedules.constant": positional(schedules.constant, "rate"),
    "nn.schedules.linear": [
        *positional(lambda x: schedules.linear(x, 0.0, 2), "start"), *positional(lambda x: schedules.linear(0.1, x, 2), "end"),
        *number(lambda x: schedules.linear(0.1, 0.0, x), "steps"),
        *cases(lambda x: schedules.linear(0.1, 0.0, x), [0, -1, nan, 0.5], ValueError, "^steps must be at least 1, got "),
    ],
    "nn.schedules.step": [
        *positional(lambda x: schedules.step(x, 0.5, 2), "start"),
        *positional(lambda x: schedules.step(0.1, x, 2), "factor"), *number(lambda x: schedules.step(0.1, 0.5, x), "every"),
        *cases(lambda x: schedules.step(0.1, 0.5, x), [0, -1, nan, 0.5], ValueError, "^every must be at least 1, got "),
    ],
    "nn.schedules.cosine": [
        *positional(lambda x: schedules.cosine(x, 2), "start"), *positional(lambda x: schedules.cosine(0.1, 2, x), "end"),
        *number(lambda x: schedules.cosine(0.1, x), "steps"),
        *cases(lambda x: schedules.cosine(0.1, x), [0, -1, nan, 0.5], ValueError, "^steps must be at least 1, got "),
    ],
}  # fmt: skip
for f in (nn.squared_error, nn.absolute_error):
    ROWS[f"nn.{f.__name__}"] = [
        (
            call,
            thing,
            TypeError,
            f"^the {role} of {f.__name__} must be a Value or a number, got {kind(thing)}: .*{hint}",
        )
        for role, call in (("output", lambda x, f=f: f(x, 1.0)), ("target", lambda x, f=f: f(w(), x)))
        for thing, hint in ((None, ""), ("x", ""), (1j, ""), ([w()], "take mse or cross_entropy"), (THING, ""))
    ]
for f in COUNTED:
    ROWS[f"nn.data.{f.__name__}"] += [
        *count(f, "n"), *positional(lambda x, f=f: f(2, noise=x), "noise"), *seed(lambda x, f=f: f(2, seed=x)),
    ]  # fmt: skip
for name, call in {
    "xor": data.xor,
    "moons": lambda classes: data.moons(2, classes=classes),
    "circles": lambda classes: data.circles(2, classes=classes),
}.items():
    ROWS[f"nn.data.{name}"] += [
        *several(call, "classes", "targets"),
        *cases(call, [[], [1], (1, 2, 3)], ValueError, "^classes must be two targets, got "),
    ]

NOTHING_TO_GIVE_WRONG = {
    "AnomalyError", "DomainError", "ReplayError", "ReplayWarning", "nn.DivergenceError",  # errors: Python's own constructors
    "Blame", "Derivation", "Exercise", "Feedback", "Question", "Drawing", "EngineReport", "GradientCheck", "GradientReport", "Ledger", "OrderReport", "Steps", "TrainingSteps",  # answers; nobody makes them
    "anomaly_detection", "large_graph", "nn.Module", "nn", "nn.data", "nn.schedules",  # take nothing
    "exercises",  # `tests/exercises`
    "plots",  # needs matplotlib: `test_plots`
    "nn.ACTIVATIONS", "nn.INITIALISERS", "nn.LOSSES",  # tables
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_each_wrong_argument_is_told_what_was_given_and_what_was_expected(row):
    for call, thing, error, message in ROWS[row]:
        with pytest.raises(error) as caught:
            call(thing)
        told = str(caught.value)
        assert re.search(message, told, re.DOTALL), f"given {thing!r:.80}: {told!r} has no {message!r}"
        assert told.isprintable(), told
        assert len(told) < 700


def public():
    """The names of everything public that takes arguments."""
    found = {name: getattr(autodiff, name) for name in autodiff.__all__}
    found |= {f"nn.{name}": getattr(nn, name) for name in nn.__all__}
    for module, prefix in ((data, "nn.data"), (schedules, "nn.schedules")):
        found |= {
            f"{prefix}.{name}": thing
            for name, thing in vars(module).items()
            if inspect.isfunction(thing) and thing.__module__ == module.__name__ and not name.startswith("_")
        }
    for name, thing in list(found.items()):
        if inspect.isclass(thing) and not issubclass(thing, Exception):
            for method, function in vars(thing).items():
                if (
                    not method.startswith("_")
                    and inspect.isfunction(function)
                    and len(inspect.signature(function).parameters) > 1
                ):
                    found[f"{name}.{method}"] = function
    return found


# Of a family of methods, one is in the table: the others are handed the same argument.
SAME_AS = {
    "Steps.name": "Steps.node", "Steps.gradient": "Steps.node", "Steps.ledger": "Steps.node",
    "Steps.number": "Steps.node", "Steps.is_named": "Steps.node", "Steps.use": "Steps.node",
    **{f"nn.{rule}.update": "nn.Optimizer.update" for rule in optimizers()},
    "nn.Neuron.fire": "nn.Neuron", "Exercise.read": "Exercise.check", "Exercise.leads": "Exercise.hints",
    "Exercise.folded": "Exercise.hints",
    "Op.grouped": "Op.__call__", "Op.products": "Op.__call__",
    "Op.chain": "Op.__call__", "Op.undefined": "Op.__call__", "Op.at": "Op.__call__",
}  # fmt: skip


def test_everything_public_has_a_row():
    missing = set(public()) - set(ROWS) - NOTHING_TO_GIVE_WRONG - set(SAME_AS)
    assert not missing, f"give {sorted(missing)} a row in the table above"
    assert set(SAME_AS.values()) <= set(ROWS)
    assert not NOTHING_TO_GIVE_WRONG & set(ROWS)


# What is unusual but right.


def test_no_epochs_train_nothing_and_a_batch_larger_than_the_data_is_all_of_it():
    model = nn.MLP(1, [1], seed=1)
    before = [p.data for p in model.parameters()]
    history = nn.fit(model, data.line(5), "mse", nn.SGD(model.parameters(), lr=0.1), epochs=0)
    assert (history.loss, history.epoch_loss, history.stopped) == ([], [], "epochs")
    assert [p.data for p in model.parameters()] == before
    twins = [nn.MLP(1, [1], seed=1) for _ in range(2)]
    for twin, size in zip(twins, (None, 100), strict=True):
        nn.fit(twin, data.line(5), "mse", nn.SGD(twin.parameters(), lr=0.1), epochs=2, batch_size=size)
    assert [p.data for p in twins[0].parameters()] == [p.data for p in twins[1].parameters()] != before


def test_a_metric_may_answer_a_value():
    assert fit(metrics={"out": lambda outputs, targets: outputs[0]}).metrics["out"] != []
