"""The mistakes that people make when they compute a gradient by hand: one row each, and nothing else.

A row says what was done, why it is wrong, what is right and what to look at, and how a plain pass is bent so that it
makes the same mistake (see `autodiff.mistakes.sweep`). Sources are named where a mistake is of the kind that they study; on
mistakes in backpropagation itself none was found:

- Clark et al. 1997, Constructing a schema: the case of the chain rule?, Journal of Mathematical Behavior 16(4)
- Cottrill 1999, Students' understanding of the concept of chain rule in first year calculus and the relation to their
  understanding of composition of functions, dissertation, Purdue University
- Horvath and Speer 2008, Calculus students' understanding from the inside-out: the relationship between the chain rule
  and function composition (composition is replaced by multiplication)
- Jojo 2014, Mental constructions formed in the conceptual understanding of the chain rule, Mediterranean Journal of
  Social Sciences 5(1)
- Siyepu 2015, Analysis of errors in derivatives of trigonometric functions, International Journal of STEM Education 2
  (signs; f(a * b) taken for f(a) * f(b))
- Maharaj and Ntuli 2018, Students' ability to correctly apply differentiation rules to structurally different
  functions, South African Journal of Science 114(11/12) (where the chain rule is needed more than once)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from autodiff.engine.elementary import chain
from autodiff.mistakes import formulas, hooks
from autodiff.mistakes.misconception import Misconception

CHAIN = "Contribution = incoming gradient (of the output) x local derivative."
ADDS_UP = "A node that is used twice gets a contribution from each use, and its gradient is their sum."
POWER = "d(x**n)/dx = n x**(n - 1)."
QUOTIENT = "d(x/y)/dx = 1/y, d(x/y)/dy = -x/y**2."
COMPOSITION = "d f(g(x))/dx = f'(g(x)) g'(x): the outer derivative at what the inner function answers, times the inner."
STEP = "Descent goes against the gradient, by the rate times as far: w - rate x gradient."
CLARK, COTTRILL, HORVATH = "Clark et al. 1997", "Cottrill 1999", "Horvath and Speer 2008"
JOJO, SIYEPU, MAHARAJ = "Jojo 2014", "Siyepu 2015", "Maharaj and Ntuli 2018"

# fmt: off
# A row: name, what was done, why it is wrong, what to look at, the source; how it is bent.
TABLE = (
    # Rules for whole formulas.
    Misconception("inner derivative forgotten", "f'(g(x)) stands alone", COMPOSITION, "what is differentiated inside the brackets", f"{CLARK}; {MAHARAJ}", tangent=hooks.inner_forgotten),
    Misconception("outer derivative at the inner derivative", "f'(g'(x)) in place of f'(g(x)) g'(x)", COMPOSITION, "where the outer derivative is taken", tangent=hooks.at_inner_derivative),
    Misconception("outer derivative at the variable", "f'(x) g'(x) in place of f'(g(x)) g'(x)", COMPOSITION, "where the outer derivative is taken", HORVATH, tangent=hooks.at_the_variable),
    Misconception("product of the derivatives", "u' v' in place of u' v + u v'", "(u v)' = u' v + u v': each factor's derivative is multiplied by the other factor.", "the rule of the product, where both factors depend on the variable", SIYEPU, tangent=hooks.of_each("*", lambda u, v: u * v)),
    Misconception("quotient of the derivatives", "u'/v' in place of (u' v - u v')/v**2", "(u/v)' = (u' v - u v')/v**2.", "the rule of the quotient, where both operands depend on the variable", SIYEPU, tangent=hooks.of_each("/", lambda u, v: u / v)),
    # Local derivatives of operators.
    Misconception("factors of a product swapped", "each factor is given its own number", "d(x*y)/dx = y, not x.", "the rule of the product", slopes=hooks.product(lambda x, y: (x, y))),
    Misconception("product taken as a sum", "each factor is given the incoming gradient alone", "d(x*y)/dx = y; 1 is the derivative of a sum.", "the rule of the product", slopes=hooks.product(lambda x, y: (1.0, 1.0), bare=False)),
    Misconception("neighbour's factor", "a weight is given the input of another one", "Each weight is multiplied by its own input: that is its local derivative.", "which input stands at which weight", slopes=hooks.neighbours_factor),
    Misconception("constant factor forgotten", "a number that stands before or below is left out of the derivative", "d(c*x)/dx = c, d(x/c)/dx = 1/c: constants stay.", "the numbers in the formula", slopes=hooks.constant_forgotten),
    Misconception("1/n of the mean missing", "each operand of the mean is given 1", "The mean divides by n, so each of n operands is given 1/n.", "by what the mean divides", slopes=hooks.wide(("mean",), lambda use: [1.0] * len(use.xs))),
    Misconception("sum divided", "each operand of the sum is given 1/n, as in a mean", "d(x + y)/dx = 1.", "whether the loss is a sum or a mean", slopes=hooks.wide(("sum",), lambda use: [1 / len(use.xs)] * len(use.xs))),
    Misconception("sum taken as a product", "each term is given the number of the other", "d(x + y)/dx = 1; the other operand is the derivative of a product.", "the rule of the sum", slopes=hooks.binary("+", lambda use, a, b: (use.xs[1], use.xs[0]))),
    Misconception("term in place of its derivative", "each term of a sum is given its own number", "d(x + y)/dx = 1.", "the rule of the sum", slopes=hooks.binary("+", lambda use, a, b: use.xs)),
    Misconception("minus in front forgotten", "the derivative of -x is taken for 1", "d(-x)/dx = -1.", "the minus in front", slopes=hooks.minus_in_front),
    Misconception("no minus on the second operand", "both operands of a difference are given the same", "d(x - y)/dy = -1.", "the rule of the difference", slopes=hooks.binary("-", lambda use, a, b: (1.0, 1.0))),
    Misconception("difference turned round", "y - x is differentiated in place of x - y", "d(x - y)/dx = 1, d(x - y)/dy = -1.", "which operand has the minus", slopes=hooks.binary("-", lambda use, a, b: (-1.0, 1.0))),
    Misconception("no minus on the denominator", "the denominator is given x/y**2", "d(x/y)/dy = -x/y**2.", "the rule of the quotient", slopes=hooks.binary("/", lambda use, a, b: (a, -b))),
    Misconception("quotient: 1/y for both", "both operands are given 1/y", "d(x/y)/dy = -x/y**2.", "the rule of the quotient", slopes=hooks.binary("/", lambda use, a, b: (a, a))),
    Misconception("denominator not squared", "the denominator is given -x/y", "d(x/y)/dy = -x/y**2.", "the rule of the quotient", slopes=hooks.binary("/", lambda use, a, b: (a, -use.out))),
    Misconception("numerator left out", "the denominator is given -1/y**2", "d(x/y)/dy = -x/y**2.", "the rule of the quotient", slopes=hooks.binary("/", lambda use, a, b: (a, -a * a))),
    Misconception("quotient rule in the wrong order", "(u v' - u' v)/v**2 in place of (u' v - u v')/v**2", QUOTIENT, "which term of the quotient rule has the minus", slopes=hooks.binary("/", lambda use, a, b: (-a, -b))),
    Misconception("quotient: operands swapped", "the numerator is given the derivative of the denominator, and the other way round", QUOTIENT, "the rule of the quotient", slopes=hooks.binary("/", lambda use, a, b: (b, a))),
    Misconception("quotient rule: v not squared", "(u' v - u v')/v in place of (u' v - u v')/v**2", QUOTIENT, "what the quotient rule divides by", slopes=hooks.binary("/", lambda use, a, b: (1.0, -use.out))),
    Misconception("quotient rule: v**2 left out", "u' v - u v' in place of (u' v - u v')/v**2", QUOTIENT, "what the quotient rule divides by", slopes=hooks.binary("/", lambda use, a, b: (use.xs[1], -use.xs[0]))),
    Misconception("exponent not lowered", "n x**n in place of n x**(n - 1)", POWER, "the rule of the power", slopes=hooks.power(lambda x, n: n * x**n)),
    Misconception("factor n forgotten", "x**(n - 1) in place of n x**(n - 1)", POWER, "the rule of the power", slopes=hooks.power(lambda x, n: x ** (n - 1))),
    Misconception("power taken as a product", "n x in place of n x**(n - 1)", "d(x**n)/dx = n x**(n - 1), which is n x only for n = 2.", "the rule of the power", slopes=hooks.power(lambda x, n: n * x, but=2)),
    Misconception("factor n - 1", "(n - 1) x**(n - 1) in place of n x**(n - 1)", POWER, "the rule of the power", slopes=hooks.power(lambda x, n: (n - 1) * x ** (n - 1), but=2)),
    Misconception("exponent raised", "n x**(n + 1) in place of n x**(n - 1)", POWER, "the rule of the power", slopes=hooks.power(lambda x, n: n * x ** (n + 1))),
    Misconception("power integrated", "x**(n + 1)/(n + 1) in place of n x**(n - 1)", f"That is the integral. {POWER}", "the rule of the power", slopes=hooks.power(lambda x, n: x ** (n + 1) / (n + 1))),
    Misconception("power rule on the exponent", "y x**(y - 1) for the derivative by y", "d(x**y)/dy = x**y log x: the power rule is for the base.", "by which of the two is differentiated", slopes=hooks.exponent(lambda x, y: y * x ** (y - 1))),
    Misconception("logarithm forgotten", "x**y for the derivative by y", "d(x**y)/dy = x**y log x, and only of e**y it is the function itself.", "the base of the power", slopes=hooks.exponent(lambda x, y: x**y)),
    # Local derivatives of functions.
    Misconception("value in place of derivative", "f(z) stands where f'(z) is needed", "The local derivative is the slope of the function, not its value.", "the rule of the function", slopes=hooks.curved(lambda use: use.out, without=("exp",))),
    Misconception("derivative forgotten", "the incoming gradient is handed on as it came", "f' is a factor of its own: contribution = incoming x f'(z).", "the rule of the function", CLARK, slopes=hooks.curved(lambda use: 1.0, without=hooks.RAMPS)),
    Misconception("relu' = 1 everywhere", "the slope is taken for 1 on both sides of 0", "relu'(z) is 1 for z > 0 and 0 for z < 0.", "the sign of the input", slopes=hooks.named(hooks.RAMPS, lambda use: 1.0)),
    Misconception("branches confused", "the slope of the other branch is taken", "relu'(z) is 1 for z > 0 and 0 for z < 0.", "the sign of the input", slopes=hooks.named(("relu", "abs", "leaky_relu"), lambda use: hooks.slope_at(use, -use.xs[0]))),
    Misconception("input in place of output", "the rule is written in the output, and fed with the input", "tanh' = 1 - out**2, sigmoid' = out(1 - out), exp' = out, in what the function *answered*.", "the number that is put into the rule", slopes=formulas.rewritten(formulas.input_for_output)),
    Misconception("output in place of input", "the rule is written in the input, and fed with the output", "The local derivative is taken where the function was computed: at its input.", "the number that is put into the rule", slopes=hooks.function(hooks.at_output)),
    Misconception("rule of another function", "the rules of tanh and sigmoid are taken for one another", "tanh' = 1 - out**2, sigmoid' = out(1 - out).", "the rule of the function", slopes=hooks.named(tuple(hooks.ACTIVATIONS), hooks.of_another)),
    Misconception("sign of the input in the rule", "f'(-z) in place of f'(z)", "The local derivative is taken at the input itself: softplus'(z) = sigmoid(z).", "the sign in the rule", slopes=hooks.function(lambda use: hooks.slope_at(use, -use.xs[0]), without=(*hooks.RAMPS, *hooks.ACTIVATIONS))),
    Misconception("square forgotten", "what is squared in the rule is not", "tanh' = 1 - out**2, atan'(z) = 1/(1 + z**2).", "the rule of the function", slopes=formulas.rewritten(formulas.square_forgotten)),
    Misconception("sign inside the rule turned", "plus stands for minus in the rule, or minus for plus", "tanh' = 1 - out**2, sigmoid' = out(1 - out), atan'(z) = 1/(1 + z**2).", "the rule of the function", slopes=formulas.rewritten(formulas.inner_sign_turned)),
    Misconception("last part of the rule left out", "of a product or sum in the rule only the first part is taken", "sigmoid' = out(1 - out): both factors.", "the rule of the function", slopes=formulas.rewritten(formulas.first_part_alone)),
    Misconception("first part of the rule left out", "of a product or sum in the rule only the last part is taken", "sigmoid' = out(1 - out): both factors.", "the rule of the function", slopes=formulas.rewritten(formulas.last_part_alone)),
    Misconception("constant of the rule forgotten", "a number in the rule of the function is left out", "sqrt'(z) = 1/(2 sqrt(z)), log2'(z) = 1/(z log 2).", "the rule of the function", slopes=formulas.rewritten(formulas.constant_forgotten)),
    Misconception("rule upside down", "z in place of 1/z", "log'(z) = 1/z, sqrt'(z) = 1/(2 sqrt(z)).", "the rule of the function", slopes=formulas.rewritten(formulas.upside_down)),
    Misconception("sign of the derivative of a function", "the derivative has the wrong sign", "sin' = cos, cos' = -sin.", "the sign in the rule of the function", SIYEPU, slopes=hooks.function(lambda use: -use.slopes()[0])),
    Misconception("power rule on exp", "z e**(z - 1) in place of e**z", "The power rule is for x**n; exp' = exp.", "the rule of exp", slopes=hooks.named(("exp",), lambda use: use.xs[0] * math.exp(use.xs[0] - 1))),
    Misconception("differentiated twice", "f''(z) stands where f'(z) is needed", "The local derivative is the first one.", "the rule of the function", slopes=hooks.curved(hooks.second_derivative)),
    Misconception("all operands of max", "each operand is given the incoming gradient", "Only the largest (or smallest) operand moves the result: the others are given 0.", "which operand was chosen", slopes=hooks.wide(("maximum", "minimum", "max", "min"), lambda use: [1.0] * len(use.xs))),
    Misconception("the other operand of max", "an operand that was not chosen is given the gradient", "Only the largest (or smallest) operand moves the result.", "which operand was chosen", slopes=hooks.wide(("maximum", "minimum"), lambda use: use.slopes()[::-1])),
    # Numbers of the forward pass.
    Misconception("product computed as a sum", "x + y in place of x * y", "The number is wrong before any gradient is computed.", "the sign of the operation", value=hooks.value_of("*", lambda x, y: x + y)),
    Misconception("sum computed as a product", "x * y in place of x + y", "The number is wrong before any gradient is computed.", "the sign of the operation", value=hooks.value_of("+", lambda x, y: x * y)),
    Misconception("sum computed as a difference", "x - y in place of x + y", "The number is wrong before any gradient is computed.", "the sign of the operation, and of the second number", value=hooks.value_of("+", lambda x, y: x - y)),
    Misconception("difference computed as a sum", "x + y in place of x - y", "The number is wrong before any gradient is computed.", "the sign of the operation, and of the second number", value=hooks.value_of("-", lambda x, y: x + y)),
    Misconception("difference computed the wrong way round", "y - x in place of x - y", "x - y and y - x differ in their sign.", "which of the two is subtracted", value=hooks.value_of("-", lambda x, y: y - x)),
    Misconception("quotient computed the wrong way round", "y/x in place of x/y", "x/y and y/x are reciprocals.", "which of the two is below", value=hooks.value_of("/", lambda x, y: y / x)),
    Misconception("power computed as a product", "n x in place of x**n", "x**n is x multiplied with itself: 3**2 = 9, not 6.", "the exponent", value=hooks.value_of_power(lambda x, n: n * x)),
    Misconception("power left out", "x in place of x**n", "The exponent is part of the formula.", "the exponent", value=hooks.value_of_power(lambda x, n: x)),
    Misconception("square of a negative number", "-x**2 in place of (-x)**2", "A negative number times itself is positive: (-3)**2 = 9.", "the brackets around the base", value=hooks.negative_square),
    Misconception("function left out", "z in place of f(z)", "The function is part of the formula.", "which function is applied", value=hooks.value_of_function(lambda use: use.xs[0])),
    Misconception("another function", "tanh and sigmoid are taken for one another", "sigmoid(z) = 1/(1 + e**-z), tanh(z) = 2 sigmoid(2z) - 1.", "which function is applied", value=hooks.value_of_function(lambda use: hooks.ACTIVATIONS[use.op.name].value(use.xs[0]), tuple(hooks.ACTIVATIONS))),
    Misconception("sign of the input", "f(-z) in place of f(z)", "sigmoid(z) = 1/(1 + e**-z): the minus is part of the function.", "the sign in the exponent", value=hooks.value_of_function(lambda use: use.op.value(-use.xs[0], *use.static))),
    Misconception("degrees", "the calculator takes the angle in degrees", "Angles are in radians, or sin' = cos does not hold.", "the mode of the calculator", value=hooks.value_of_function(lambda use: use.op.value(math.radians(use.xs[0])), ("sin", "cos", "tan"))),
    Misconception("logarithm to the base 10", "log10(z) in place of the natural logarithm", "log is the natural logarithm, ln.", "the base of the logarithm", value=hooks.value_of_function(lambda use: math.log10(use.xs[0]), ("log",))),
    Misconception("mean not divided", "the sum in place of the mean", "The mean is the sum divided by the count.", "by what is divided", value=hooks.value_of_many(("mean",), lambda use: use.out * len(use.xs))),
    Misconception("bias left out", "the bias is not added", "A neuron adds its bias to the sum of its products.", "the last term of the sum", value=hooks.without_bias),
    # A step of descent.
    Misconception("step uphill", "w + rate x gradient", STEP, "the sign of the step", step=lambda w, gradient, rate: w + rate * gradient),
    Misconception("step without the rate", "w - gradient", STEP, "by what the gradient is multiplied", step=lambda w, gradient, rate: w - gradient),
    Misconception("step alone", "rate x gradient is taken for the new weight", STEP, "from where the step starts", step=lambda w, gradient, rate: rate * gradient),
    Misconception("step turned alone", "-rate x gradient is taken for the new weight", STEP, "from where the step starts", step=lambda w, gradient, rate: -rate * gradient),
    Misconception("gradient left out of the step", "w - rate", STEP, "by what the rate is multiplied", step=lambda w, gradient, rate: w - rate),
    Misconception("step divided by the rate", "w - gradient/rate", STEP, "by what the gradient is multiplied", step=lambda w, gradient, rate: w - gradient / rate),
    # Bookkeeping: how contributions become a gradient.
    Misconception("only the last path", "a contribution replaces the one before", ADDS_UP, "each arrow that leaves the node", gather=lambda amounts: amounts[-1]),
    Misconception("only the first path", "later contributions are not added", ADDS_UP, "each arrow that leaves the node", gather=lambda amounts: amounts[0]),
    Misconception("last path forgotten", "the last contribution is not added", ADDS_UP, "each arrow that leaves the node", gather=lambda amounts: chain(amounts[:-1]) if len(amounts) > 2 else None),
    Misconception("paths multiplied", "the contributions are multiplied", f"{ADDS_UP} Along a path one multiplies, over paths one adds.", "the sign between the contributions", gather=hooks.product_of),
    Misconception("counted twice", "the sum of the contributions is taken once for each use", f"{ADDS_UP} The sum has each of them already.", "how often each contribution is counted", gather=lambda amounts: len(amounts) * chain(amounts)),
    Misconception("inner gradients kept", "nodes between start from the gradients of an earlier pass", "Each pass starts from 0, also between the loss and the leaves.", "the gradients of the nodes between, before the pass", keeps_inner=True),
    # The chain rule: what is handed on.
    Misconception("incoming gradient dropped", "the local derivative alone is handed on", f"{CHAIN} Without the factor the chain rule ends here.", "what the local derivative is multiplied by", f"{CLARK}; {COTTRILL}", contribution=lambda incoming, local, number, root: local),
    Misconception("sum in place of product", "incoming gradient and local derivative are added", CHAIN, "the sign between the two", contribution=lambda incoming, local, number, root: local if root else incoming + local),
    Misconception("seed is the output", "the pass starts with the output's number", "The pass starts with d out/d out = 1, whatever the output is.", "the gradient of the output itself", seed=lambda number: number),
    Misconception("seed missing", "the gradient of the output is taken for 0", "The pass starts with d out/d out = 1: 0 times anything is 0.", "the gradient of the output itself", seed=lambda number: 0.0),
    Misconception("sign of everything", "the pass starts with -1", "The pass starts with d out/d out = 1; descent turns the sign only when the weights move.", "the gradient of the output itself", seed=lambda number: -1.0),
    Misconception("not in topological order", "a node hands on before all of its uses have handed on to it", "A node may hand on only when its gradient is complete: topological order.", "which arrows that leave the node have handed on", early=True),
    # Of constants in whole formulas.
    Misconception("constant differentiated to itself", "the derivative of x + c is taken for 1 + c", "A constant does not move the result: its derivative is 0.", "the terms that do not depend on the variable", tangent=hooks.constant_kept),
    Misconception("factor taken for 0", "the derivative of c*x is taken for 0, since that of c is", "(c x)' = c: a constant factor stays.", "the factors that do not depend on the variable", tangent=hooks.factor_lost),
    # What explains many numbers, and so is named last.
    Misconception("paths subtracted", "the contributions are subtracted", ADDS_UP, "the sign between the contributions", gather=hooks.alternating, vague=True),
    Misconception("paths averaged", "the contributions are added and divided by their count", ADDS_UP, "what is done with the sum", gather=lambda amounts: chain(amounts) / len(amounts), vague=True),
    Misconception("gradients not set to zero", "the gradients of an earlier pass are still there, and the new ones are added", "backward adds to what is there: zero_grad() before each pass.", "whether the gradients were set to zero", leaf=lambda gradient: 2 * gradient, vague=True),
    Misconception("local derivative left out", "the incoming gradient alone is handed on", CHAIN, "what the incoming gradient is multiplied by", JOJO, contribution=lambda incoming, local, number, root: incoming, vague=True),
    Misconception("data in place of gradient", "the local derivative is multiplied by the number of the node", CHAIN, "what the local derivative is multiplied by", contribution=lambda incoming, local, number, root: number * local, vague=True),
    Misconception("quotient in place of product", "the incoming gradient is divided by the local derivative", CHAIN, "the sign between the two", contribution=lambda incoming, local, number, root: incoming / local if local else math.nan, vague=True),
    Misconception("sign", "the contribution has the wrong sign", "The minus belongs to the local derivative alone, and some have none.", "the signs of the two factors", contribution=lambda incoming, local, number, root: -incoming * local, vague=True),
    Misconception("sign of the value", "the number has the wrong sign", "The number is wrong before any gradient is computed.", "the signs of the operands", value=lambda use: -use.out, vague=True),
)
# fmt: on
MISCONCEPTIONS: Mapping[str, Misconception] = MappingProxyType({row.name: row for row in TABLE})
