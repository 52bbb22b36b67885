import math
import re

import pytest
import sympy
from helpers.formulas import balanced, evaluated
from hypothesis import given
from test_steps import graphs

from autodiff import Value, derive, dot, nn, steps


def neuron():
    w, x, b, t = Value(0.5, "w"), Value(2.0, "x"), Value(-0.4, "b"), Value(1.0, "t")
    z = w * x + b
    y = z.tanh()
    z.label, y.label = "z", "y"
    loss = (y - t) ** 2
    loss.label = "L"
    return loss, w


def test_the_derivation_of_one_neuron_is_the_one_of_the_textbooks():
    loss, w = neuron()
    text = str(derive(loss, wrt=w))
    rows = [row.strip() for row in text.splitlines()]
    assert rows[0] == "dL/dw = (dL/dy)(dy/dz)(dz/dw)"
    assert rows[1] == "= (2 * (y - t)) * (1 - tanh(z)**2) * x"
    assert rows[4].endswith("(local error dL/dz * input x)")
    w_, x, b, t = sympy.symbols("w x b t")
    exact = sympy.diff((sympy.tanh(w_ * x + b) - t) ** 2, w_).subs({w_: 0.5, x: 2, b: -0.4, t: 1})
    assert float(rows[5].removeprefix("= ")) == pytest.approx(float(exact), rel=1e-5)
    loss.backward()
    assert derive(loss, wrt=w).value == w.grad


def test_a_neuron_of_one_dot_reads_the_same():
    w, x, b, t = Value(0.5, "w"), Value(2.0, "x"), Value(-0.4, "b"), Value(1.0, "t")
    z = dot([w], [x], b)
    y = z.tanh()
    L = (y - t) ** 2
    first, second, *_ = str(derive(L, wrt=w)).splitlines()
    assert first == "dL/dw = (dL/dy)(dy/dz)(dz/dw)"
    assert second.strip() == "= (2 * (y - t)) * (1 - tanh(z)**2) * x"


@pytest.mark.parametrize(
    ("build", "of_x"),
    [
        (lambda w, x, b: w * x + b, "other factor w"),
        (lambda w, x, b: x * w + b, "other factor w"),
        (lambda w, x, b: dot([w], [x], b), "weight w"),
    ],
)
def test_the_local_error_times_the_other_factor_is_said_of_either(build, of_x):
    w, x, b = Value(0.5, "w"), Value(2.0, "x"), Value(-0.4, "b")
    z = build(w, x, b)
    y = z.tanh()
    assert "(local error dy/dz * input x)" in str(derive(y, w))
    assert f"(local error dy/dz * {of_x})" in str(derive(y, x))
    assert "local error" not in str(derive(y, b))


def test_every_row_of_a_line_has_the_value():
    loss, w = neuron()
    (line,) = derive(loss, wrt=w).lines
    names = {"y": math.tanh(0.6), "z": 0.6, "x": 2.0, "t": 1.0}
    _, formulas, numbers, values, product, value = line.rows()
    want = float(value)
    for row in (formulas, numbers, values, product.partition("  (")[0]):
        assert evaluated(row, **names) == pytest.approx(want, rel=1e-5)


@pytest.mark.slow
@given(graphs())
def test_the_value_is_the_gradient_of_backward_and_the_ways_sum_to_it(graph):
    root, leaves = graph
    derivations = [derive(root, leaf) for leaf in leaves]
    root.backward()
    for leaf, derivation in zip(leaves, derivations, strict=True):
        assert derivation.value == leaf.grad
        for line in derivation.lines:
            total = math.fsum(math.prod(factor.value for factor in term) for term in line.terms)
            assert total == pytest.approx(line.target.value, rel=1e-9, abs=1e-9)
        assert derivation.latex.count(r"\begin") == derivation.latex.count(r"\end")
        assert balanced(derivation.latex)


def test_ways_that_meet_are_factored_by_node():
    a = Value(0.3, "a")
    b = a.tanh() * a.sin()
    c = b.tanh() * b.sin()
    derivation = derive(c, a)
    assert [(str(line.target), len(line.terms)) for line in derivation.lines] == [("dc/da", 2), ("dc/db", 2)]
    assert all(str(term[0]) == "dc/db" for term in derivation.lines[0].terms)


def test_ways_never_multiply():
    a = b = Value(1.0)
    for _ in range(100):
        b = b + b
    derivation = derive(b, a)
    assert derivation.value == 2.0**100
    assert len(derivation.lines[0].terms[0]) == 100
    assert max(map(len, str(derivation).splitlines())) < 250


def test_the_sum_over_parallel_ways_is_shown():
    a = Value(3.0)
    b = a + a
    c = b + b
    assert str(derive(c, a)).splitlines()[:3] == [
        "dc/da = (dc/db)(db/da)",
        "      = (1 + 1) * (1 + 1)",
        "      = 2 * 2",
    ]


def test_without_named_nodes_every_node_is_spoken_of():
    w, x = Value(3.0, "w"), Value(2.0, "x")

    def error():
        return (w * x - 1.0) ** 2

    assert str(derive(error(), w)).splitlines()[0] == "dv3/dw = (dv3/dv2)(dv2/dv1)(dv1/dw)"


def test_a_node_that_the_loss_does_not_depend_on_has_the_derivative_0():
    loss, w = neuron()
    stranger = Value(3.0)
    assert derive(loss, stranger).value == 0.0
    assert str(derive(loss, stranger)) == "dL/dstranger = 0: L does not depend on stranger"
    assert derive(loss, stranger).latex == r"\frac{dL}{d\mathrm{stranger}} = 0"
    assert str(derive(w, loss)) == "dw/dL = 0: w does not depend on L"


def test_the_derivative_of_a_node_by_itself_is_1():
    loss, _ = neuron()
    assert str(derive(loss, loss)) == "dL/dL = 1"


def crossing(n):
    a = b = Value(0.3)
    for _ in range(n):
        b = b.tanh() * b.sin()
    return b, a


def chain(n):
    a = b = Value(0.3)
    for _ in range(n):
        b = b.tanh()
    return b, a


@pytest.mark.slow
def test_a_derivation_too_long_to_read_is_refused_with_advice():
    assert len(derive(*crossing(50)).lines) == 50
    # two ways of three factors in each line, and of two in the one that ends at the root
    with pytest.raises(ValueError, match=r"takes 51 lines of 304 factors in all; at most 50 of 1,000 .*ledger"):
        derive(*crossing(51))
    assert len(derive(*chain(1000)).lines[0].terms[0]) == 1000
    with pytest.raises(ValueError, match="takes 1 lines of 1,001 factors in all"):
        derive(*chain(1001))


@pytest.mark.parametrize(("loss", "wrt"), [(3.0, Value(1.0)), (Value(1.0), 3.0), (Value(1.0), "w"), ([], Value(1.0))])
def test_only_values_are_derived(loss, wrt):
    with pytest.raises(TypeError, match="expected"):
        derive(loss, wrt)


def test_the_display_is_latex_and_text_and_no_picture():
    loss, w = neuron()
    bundle = derive(loss, w)._repr_mimebundle_()
    assert set(bundle) == {"text/latex", "text/plain"}
    assert bundle["text/latex"].startswith(r"$$\begin{aligned}")
    assert r"\frac{dL}{dy} \cdot \frac{dy}{dz} \cdot \frac{dz}{dw}" in bundle["text/latex"]
    assert r"\underbrace{" in bundle["text/latex"]


def test_hostile_names_are_but_text_in_latex():
    w = Value(2.0, r"</script>$$\end{aligned}\href{javascript:alert(1)}{x}%")
    latex = derive(w * w, w).latex
    assert not re.search(r"<|\$\$|(?<!\\)%|\\href|\\end\{aligned\}.", latex)
    assert balanced(latex)


def test_a_network_is_derived_through_its_layers():
    model = nn.MLP(2, [2, 1], "tanh", seed=1)
    loss = (model([1.0, -2.0]) - 1.0) ** 2
    weight = model.parameters()[0]
    derivation = derive(loss, weight)
    loss.backward()
    assert derivation.value == weight.grad
    assert len(derivation.lines) == 1


def test_a_way_among_others_is_partial_and_the_whole_derivative_is_not():
    w, x = Value(2.0, "w"), Value(3.0, "x")
    L = w * x + w
    derivation = derive(L, wrt=w)
    assert str(derivation).splitlines()[0] == "dL/dw = (∂L/∂w) + (dL/dv1)(dv1/dw)"
    assert r"\frac{\partial L}{\partial w} + \frac{dL}{dv_{1}} \cdot \frac{dv_{1}}{dw}" in derivation.latex
    assert derivation.value == 4.0  # x + 1


@pytest.mark.slow
@given(graphs())
def test_no_symbol_of_a_derivation_has_two_values(graph):
    root, leaves = graph
    for leaf in leaves:
        values = {}
        for line in derive(root, leaf).lines:
            for factor in (line.target, *[factor for term in line.terms for factor in term]):
                value = values.setdefault(str(factor), factor.value)
                assert value == pytest.approx(factor.value, rel=1e-9, abs=1e-9)


def test_a_factor_without_the_sign_of_a_partial_derivative_is_the_whole_derivative():
    a = Value(3.0)
    b = a * 2
    c = b * a
    L = c * b
    for line in derive(L, a).lines:
        for factor in [factor for term in line.terms for factor in term]:
            above, below = [{"a": a, "b": b, "c": c, "L": L}[name] for name in (factor.above, factor.below)]
            L.zero_grad()
            above.backward()
            assert (below.grad == factor.value) is not factor.partial


def test_a_dead_branch_adds_nothing():
    x, i = Value(-2.0), Value(math.inf)
    L = x.relu() * i + x * 3.0 + x
    rows = [row.strip(" =") for row in str(derive(L, wrt=x)).splitlines()]
    assert rows[4:6] == ["1 + 3 + 0", "4"]
    L.backward()
    assert x.grad == 4.0


def test_a_dead_branch_alone_is_0():
    x, i = Value(-2.0), Value(math.inf)
    L = x.relu() * i
    assert "nan" not in str(derive(L, wrt=x)).partition("where")[0]
    assert derive(L, wrt=x).value == 0.0


def test_weights_of_the_same_label_are_called_by_their_places():
    model = nn.MLP(2, [2, 1], "tanh", seed=1)
    loss = (model([1.0, -2.0]) - 1.0) ** 2
    for layer, neuron in [(0, 0), (0, 1), (1, 0)]:
        weight = model.layers[layer].neurons[neuron].weights[1]
        derivation = derive(loss, weight)
        name, path = f"w[{layer}][{neuron},1]", f"layers.{layer}.neurons.{neuron}.weights.1"
        assert derivation.target.below == name
        assert f"{name} = {path} = {weight.data:.6g}" in re.sub(" +", " ", str(derivation))
        assert rf"{{w^{{({layer})}}_{{{neuron},1}}}}" in derivation.latex
    assert r"\frac{d{z^{(1)}_{0}}}{d{w^{(1)}_{0,1}}}" in derivation.latex


def test_repeated_names_are_numbered_as_they_are_met():
    first, second, x = Value(2.0, "w"), Value(3.0, "w"), Value(5.0, "x")
    L = first * second * x
    assert [derive(L, w).target.below for w in (first, second)] == ["w", "w#2"]
    assert r"{w\#2}" in derive(L, second).latex


def test_a_constant_has_a_name_of_its_own_and_its_number_beside_it():
    x = Value(2.0)
    r = 1.0 * x + 1.0 * x + 1.0
    text = str(steps(r))
    assert {"dr/dc1 = 0 + 2 = 2", "dr/dc2 = 0 + 2 = 2", "dr/dc3 = 0 + 1 = 1"} <= {
        line.split("  ")[-1].strip() for line in text.splitlines()
    }
    assert "c3 = 1" in text
    assert "v1  = 1 * x" in text  # as it was written
    assert steps(r).node("c3") is r.parents[1]
    assert str(derive(r, r.parents[1])).splitlines()[2:] == ["  c3  = 1", "  r   = v3 + 1  = 4 + 1  = 5"]


def test_labels_of_others_do_not_take_away_the_name_of_a_variable():
    x1, x2, x = Value(1.0, "x"), Value(2.0, "x"), Value(4.0)
    assert str(derive(x1 * x2 * x, wrt=x)).startswith("dv2/dx#3 = v1\n")
