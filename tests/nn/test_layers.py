import copy
import functools
import math
import pickle
import random
import statistics
from array import array
from fractions import Fraction

import mpmath
import pytest

import autodiff
from autodiff import Value, nn
from autodiff.engine.backward import toposort

WHY = "PyTorch is what these numbers are compared with"


def nodes(root):
    """Return how many operations the graph has."""
    return len(toposort(root)[0])


def set_parameters(model, numbers):
    for parameter, number in zip(model.parameters(), numbers, strict=True):
        parameter.data = number


# The graph of a neuron


@pytest.mark.parametrize("n_in", [1, 2, 50])
@pytest.mark.parametrize("bias", [True, False])
def test_a_neuron_is_two_nodes_dot_and_activation(n_in, bias):
    out = nn.Neuron(n_in, "tanh", bias=bias, seed=0)([0.5] * n_in)
    assert nodes(out) == 2
    assert (out.op.name, out.parents[0].op.name) == ("tanh", "dot")
    assert len(out.parents[0].parents) == 2 * n_in + bias


@pytest.mark.parametrize("n_in", [1, 2, 50])
@pytest.mark.parametrize("bias", [True, False])
def test_an_expanded_neuron_is_single_multiplications_and_additions(n_in, bias):
    out = nn.Neuron(n_in, "tanh", bias=bias, seed=0, expand=True)([0.5] * n_in)
    names = [node.op.name for node in toposort(out)[0]]
    assert sorted(names) == sorted(["*"] * n_in + ["+"] * (n_in - 1 + bias) + ["tanh"])
    assert all(len(node.parents) <= 2 for node in toposort(out)[0])


@pytest.mark.parametrize("bias", [True, False])
def test_expanded_and_dot_networks_agree_in_output_and_gradients(bias):
    x = [0.3, -1.2, 2.5]
    models = [nn.MLP(3, [5, 4, 1], "tanh", seed=7, bias=bias, expand=expand) for expand in (False, True)]
    outputs = [model(x) for model in models]
    for output in outputs:
        output.backward()
    assert nodes(outputs[0]) < nodes(outputs[1])
    assert outputs[1].data == pytest.approx(outputs[0].data, rel=1e-14, abs=0)
    gradients = [[p.grad for p in model.parameters()] for model in models]
    assert gradients[1] == pytest.approx(gradients[0], rel=1e-13, abs=0)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("tied", [True, False])
def test_gradients_over_many_samples_agree_in_expanded_networks_with_and_without_tied_weights(tied, bias):
    gradients = []
    for expand in (False, True):
        model = nn.MLP(2, [3, 2, 1], "tanh", seed=7, bias=bias, expand=expand)
        first, second, *_ = model.layers[0].neurons
        if tied:
            second.weights = first.weights
        set_parameters(model, [0.1 * i - 0.7 for i in range(len(model.parameters()))])
        autodiff.sum([model([x, 1.0 - x]) for x in (0.2, 0.5, -0.9)]).backward()
        gradients.append([p.grad for p in model.parameters()])
    assert gradients[0] == pytest.approx(gradients[1], rel=1e-13)
    assert all(gradients[0])


@pytest.mark.parametrize("expand", [False, True])
def test_an_inputs_gradient_flows_through_the_network(expand):
    model = nn.MLP(2, [2, 1], "identity", expand=expand)
    set_parameters(model, [1, 2, 0, 3, 4, 0, 5, 6, 0])
    inputs = [Value(0.5), Value(-0.5)]
    model(inputs).backward()
    assert [x.grad for x in inputs] == [5 * 1 + 6 * 3, 5 * 2 + 6 * 4]


def test_a_neuron_of_a_thousand_inputs_works_expanded_too():
    for expand in (False, True):
        neuron = nn.Neuron(1000, "identity", seed=0, expand=expand)
        neuron([1.0] * 1000).backward()
        assert [p.grad for p in neuron.parameters()] == [1.0] * 1001


# Activations: each against its definition in mpmath

ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": lambda z: max(z, 0),
    "leaky_relu": lambda z: z if z > 0 else mpmath.mpf("0.01") * z,
    "elu": lambda z: z if z > 0 else mpmath.expm1(z),
    "silu": lambda z: z / (1 + mpmath.exp(-z)),
    "gelu": lambda z: z * mpmath.ncdf(z),
    "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "tanh": mpmath.tanh,
    "sin": mpmath.sin,
}


def test_the_table_of_activations_holds_the_ones_tested_here():
    assert set(nn.ACTIVATIONS) == set(ACTIVATIONS)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("x", [2.0, -0.75])
@pytest.mark.parametrize("bias", [True, False])
def test_an_activation_by_name_answers_its_definition_and_its_derivative(name, x, bias):
    neuron = nn.Neuron(1, name, bias=bias)
    set_parameters(neuron, [1.5, 0.25][: 1 + bias])
    out = neuron([x])
    out.backward()
    z = mpmath.mpf(1.5 * x + 0.25 * bias)
    slope = mpmath.diff(ACTIVATIONS[name], z)
    assert out.data == pytest.approx(float(ACTIVATIONS[name](z)), rel=1e-12, abs=0)
    assert neuron.weights[0].grad == pytest.approx(float(slope * x), rel=1e-9, abs=0)
    assert (neuron.bias.grad if bias else None) == (pytest.approx(float(slope), rel=1e-9, abs=0) if bias else None)


@pytest.mark.parametrize("function", [autodiff.tanh, Value.tanh, lambda z: z.tanh()])
def test_an_activation_may_be_a_function(function):
    neuron = nn.Neuron(1, function, seed=0)
    set_parameters(neuron, [2.0, 0.5])
    assert neuron([1.0]).data == math.tanh(2.5)


def test_an_mlp_applies_the_activation_to_hidden_layers_and_output_to_the_last():
    model = nn.MLP(1, [1, 1, 1], "sigmoid", output="tanh", bias=False, seed=0)
    set_parameters(model, [1.0, 2.0, 3.0])
    hidden = 1 / (1 + math.exp(-2 / (1 + math.exp(-0.5))))
    assert model([0.5]).data == pytest.approx(math.tanh(3 * hidden), rel=1e-15, abs=0)


# Shapes

WRONG = [
    (nn.Neuron(2, seed=0), [1.0], "expected 2 inputs, got 1"),
    (nn.Neuron(2, seed=0), [1.0, 2.0, 3.0], "expected 2 inputs, got 3"),
    (nn.Neuron(2, seed=0, expand=True), [1.0], "expected 2 inputs, got 1"),
    (nn.Neuron(1, seed=0), [], "expected 1 input, got 0"),
    (nn.Layer(3, 2, seed=0), [1.0, 2.0], "expected 3 inputs, got 2"),
    (nn.Layer(3, 2, seed=0), 1.0, "expected 3 inputs, got 1"),
    (nn.MLP(2, [4, 1], seed=0), [1.0, 2.0, 3.0], "expected 2 inputs, got 3"),
    (nn.MLP(2, [4, 1], seed=0), Value(1.0), "expected 2 inputs, got 1"),
]


@pytest.mark.parametrize(("model", "inputs", "message"), WRONG)
def test_a_wrong_number_of_inputs_is_refused_with_both_numbers(model, inputs, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        model(inputs)


@pytest.mark.parametrize(
    ("inputs", "given"),
    [
        ("ab", "str: 'ab'"),
        (b"ab", "bytes: b'ab'"),
        ([None, 1.0], "NoneType"),
        ([[1.0], [2.0]], "list"),
        ([1j, 0], "com"),
    ],
)
def test_inputs_that_are_no_numbers_raise_type_error(inputs, given):
    with pytest.raises(TypeError, match=f"expected one real number, .* got {given}"):
        nn.Neuron(2, seed=0)(inputs)


@pytest.mark.parametrize(
    "inputs",
    [[1, 2], (1.0, 2.0), array("d", [1.0, 2.0]), [Value(1.0), 2], iter([1.0, 2.0])],
    ids=lambda x: str(type(x)),
)
def test_inputs_may_be_any_sequence_of_real_numbers_and_values(inputs):
    neuron = nn.Neuron(2, "identity")
    set_parameters(neuron, [3.0, 4.0, 0.5])
    assert neuron(inputs).data == 11.5


@pytest.mark.parametrize("lone", [2, 2.0, Fraction(2), Value(2.0), [2.0]])
def test_a_lone_number_is_one_input(lone):
    model = nn.MLP(1, [1, 1], "identity", bias=False)
    set_parameters(model, [1.5, 2.0])
    assert model(lone).data == 6.0


def test_one_output_is_a_value_and_several_are_a_list():
    assert isinstance(nn.MLP(2, [3, 1], seed=0)([1.0, 2.0]), Value)
    assert isinstance(nn.Layer(2, 1, seed=0)([1.0, 2.0]), Value)
    outputs = nn.MLP(2, [3, 2], seed=0)([1.0, 2.0])
    assert isinstance(outputs, list)
    assert [type(output) for output in outputs] == [Value, Value]


def test_layers_of_one_neuron_may_follow_each_other():
    model = nn.MLP(2, [16, 1, 1], "tanh", seed=0)  # micrograd raises here: a layer of one answers no list
    model([1.0, 2.0]).backward()
    assert len(model.parameters()) == 2 * 16 + 16 + 16 + 1 + 1 + 1
    assert all(p.grad != 0 for p in model.parameters())


BUILD = {
    "n_in of a neuron": lambda n: nn.Neuron(n),
    "n_in of a layer": lambda n: nn.Layer(n, 1),
    "n_out of a layer": lambda n: nn.Layer(1, n),
    "n_in of an MLP": lambda n: nn.MLP(n, [1]),
    "a size of an MLP": lambda n: nn.MLP(1, [2, n, 1]),
}


@pytest.mark.parametrize("build", BUILD.values(), ids=BUILD)
@pytest.mark.parametrize("size", [0, -1, 2.0, 1.5, True, "3", None])
def test_bad_sizes_are_refused_with_the_size(build, size):
    kind = ValueError if type(size) is int else TypeError
    with pytest.raises(kind, match=rf"n_(in|out) must be (at least 1|a whole number), got .*{size}"):
        build(size)


def test_numbers_of_numpy_are_numbers_and_sizes():
    np = pytest.importorskip("numpy", reason="NumPy is not installed")
    assert nn.MLP(1, [1], seed=0)(np.float32(2.0)).data == nn.MLP(1, [1], seed=0)(np.array([2.0])).data
    assert nn.cross_entropy([0.0, 0.0], np.int64(1)) == nn.cross_entropy([0.0, 0.0], np.float64(1.0))
    assert len(nn.MLP(1, np.array([3, 1]), seed=0).layers) == 2
    assert len(nn.MLP(np.int64(2), [np.int32(3), 1], seed=np.int64(0)).parameters()) == 13


def test_an_mlp_without_layers_is_refused():
    with pytest.raises(ValueError, match="at least one layer"):
        nn.MLP(2, [])


@pytest.mark.parametrize("sizes", [lambda: (3, 1), lambda: (n for n in (3, 1))])
def test_sizes_in_any_iterable_build_the_network_or_are_refused_but_never_an_empty_one(sizes):
    try:
        model = nn.MLP(2, sizes())
    except TypeError:
        return
    assert len(model.parameters()) == 13


UNKNOWN = [
    ({"activation": "tahn"}, ValueError, "unknown activation 'tahn': choose one of identity, relu"),
    ({"activation": 3}, TypeError, "activation must be a name or a function, got int: 3"),
    ({"activation": None}, TypeError, "activation must be a name or a function, got NoneType"),
    ({"init": "xaver"}, ValueError, "unknown init 'xaver': choose one of uniform, xavier, he"),
    ({"init": 0.5}, TypeError, "init must be a name or a function, got float: 0.5"),
    ({"seed": "x"}, TypeError, "seed must be a whole number or a random.Random, got str: 'x'"),
    ({"seed": 1.5}, TypeError, "seed must be a whole number or a random.Random, got float: 1.5"),
]


@pytest.mark.parametrize(("arguments", "kind", "message"), UNKNOWN)
@pytest.mark.parametrize("build", [lambda **k: nn.Neuron(1, **k), lambda **k: nn.MLP(1, [2, 1], **k)])
def test_unknown_names_are_refused_with_what_there_is(arguments, kind, message, build):
    with pytest.raises(kind, match=message):
        build(**arguments)


def test_repr_tells_shapes_and_activations():
    assert repr(nn.Neuron(2, "tanh", seed=0)) == "Neuron(2, 'tanh')"
    assert repr(nn.Layer(2, 3, autodiff.sin, seed=0)) == "Layer(2, 3, 'sin')"
    nameless = functools.partial(autodiff.clip, low=0.0, high=6.0)
    assert repr(nn.Neuron(2, nameless, seed=0)) == f"Neuron(2, {str(nameless)!r})"
    assert repr(nn.MLP(2, [3, 1], seed=0)) == "MLP(Layer(2, 3, 'relu'), Layer(3, 1, 'identity'))"


# Initialisation


def numbers(model):
    return [p.data for p in model.parameters()]


@pytest.mark.parametrize("init", ["uniform", "xavier", "he"])
def test_the_same_seed_gives_the_same_network_and_another_seed_another(init):
    same = [numbers(nn.MLP(3, [4, 2], init=init, seed=seed)) for seed in (1, 1, random.Random(1))]
    assert same[0] == same[1] == same[2]
    assert numbers(nn.MLP(3, [4, 2], init=init, seed=2)) != same[0]


def test_neurons_and_layers_of_a_seeded_network_differ_from_each_other():
    weights = [w.data for layer in nn.MLP(2, [2, 2, 2], seed=0).layers for n in layer.neurons for w in n.weights]
    assert len(set(weights)) == 12


def test_a_seed_leaves_pythons_global_random_alone():
    random.seed(5)
    expected = random.random()
    random.seed(5)
    nn.MLP(3, [4, 2], seed=0)
    assert random.random() == expected


@pytest.mark.parametrize(("init", "bound"), [("uniform", 1.0), ("xavier", math.sqrt(6 / (100 + 60)))])
def test_uniform_initialisations_fill_their_interval(init, bound):
    weights = [w.data for neuron in nn.Layer(100, 60, init=init, seed=0).neurons for w in neuron.weights]
    assert 0.999 * bound < max(weights) <= bound
    assert -bound <= min(weights) < -0.999 * bound
    assert abs(statistics.fmean(weights)) < 4 * bound / math.sqrt(3 * 6000)  # four standard errors
    assert statistics.pstdev(weights) == pytest.approx(bound / math.sqrt(3), rel=0.03)


def test_he_initialisation_is_normal_with_its_standard_deviation():
    weights = [w.data for neuron in nn.Layer(100, 60, init="he", seed=0).neurons for w in neuron.weights]
    sigma = math.sqrt(2 / 100)
    assert statistics.pstdev(weights) == pytest.approx(sigma, rel=0.04)
    assert abs(statistics.fmean(weights)) < 4 * sigma / math.sqrt(6000)
    for width, share in ((1, 0.6827), (2, 0.9545)):
        assert sum(abs(w) < width * sigma for w in weights) / 6000 == pytest.approx(share, abs=0.025)


def test_biases_start_at_zero_and_an_own_initialiser_is_told_the_shape():
    shapes = []
    model = nn.MLP(2, [3, 1], init=lambda rng, n_in, n_out: shapes.append((n_in, n_out)) or 0.5, seed=0)
    assert shapes == [(2, 3)] * 6 + [(3, 1)] * 3
    assert numbers(model) == [0.5, 0.5, 0.0] * 3 + [0.5, 0.5, 0.5, 0.0]


def test_without_a_seed_weights_come_from_the_global_random_in_the_order_of_micrograd():
    random.seed(1337)
    drawn = numbers(nn.MLP(2, [3, 1]))
    random.seed(1337)
    expected = [x for n_in in (2, 2, 2, 3) for x in ([random.uniform(-1, 1) for _ in range(n_in)] + [0.0])]
    assert drawn == expected


# Against PyTorch


@pytest.mark.slow
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_small_mlp_and_its_gradients_agree_with_pytorch(name):
    torch = pytest.importorskip("torch", reason=WHY)
    functions = {"identity": lambda z: z, "sin": torch.sin}
    activation = functions.get(name) or getattr(torch.nn.functional, name)
    model = nn.MLP(3, [5, 4, 2], name, output="tanh", seed=11, init="xavier")
    for i, parameter in enumerate(model.parameters()):
        parameter.data += 0.01 * i  # biases too
    x = [Value(0.4), Value(-1.1), Value(0.9)]
    first, second = model(x)
    (first * second + first).backward()
    leaves = {id(p): torch.tensor(p.data, dtype=torch.float64, requires_grad=True) for p in [*model.parameters(), *x]}
    z = torch.stack([leaves[id(value)] for value in x])
    for i, layer in enumerate(model.layers):
        w = torch.stack([torch.stack([leaves[id(w)] for w in neuron.weights]) for neuron in layer.neurons])
        b = torch.stack([leaves[id(neuron.bias)] for neuron in layer.neurons])
        z = w @ z + b
        z = torch.tanh(z) if i == 2 else activation(z)
    (z[0] * z[1] + z[0]).backward()
    assert [first.data, second.data] == pytest.approx(z.tolist(), rel=1e-13, abs=0)
    for parameter in [*model.parameters(), *x]:
        assert parameter.grad == pytest.approx(leaves[id(parameter)].grad.item(), rel=1e-11, abs=1e-15)


def test_an_unknown_activation_is_refused_even_where_no_layer_uses_it():
    with pytest.raises(ValueError, match="unknown activation 'rel'"):
        nn.MLP(2, [1], "rel")


def test_a_neuron_sees_weights_that_were_moved_replaced_copied_or_unpickled():
    neuron = nn.Neuron(1, "identity", seed=0)
    answers = []
    neuron([1.0])
    neuron.weights[0].data = 2.0
    answers.append(neuron([1.0]).data)
    neuron.weights = [Value(3.0)]
    answers.append(neuron([1.0]).data)
    neuron([7.0]).backward()
    assert neuron.weights[0].grad == 7.0
    neuron.weights[0].data = 4.0  # after the last reading: the copies must not remember the 3
    for other in (copy.copy(neuron), copy.deepcopy(neuron), pickle.loads(pickle.dumps(neuron))):
        answers.append(other([1.0]).data)
    assert answers == [2.0, 3.0, 4.0, 4.0, 4.0]
    assert len(neuron.parameters()) == 2


def test_a_recurrent_neuron_whose_weights_are_computed_has_the_gradient_of_its_closed_form():
    # h1 = w x, h2 = w h1, ..., hn = w**n x, where w = exp(s): dhn/ds = n hn
    n, s = 5, Value(0.1)
    neuron = nn.Neuron(1, "identity", bias=False)
    neuron.weights = (s.exp(),)
    h = Value(2.0)
    for _ in range(n):
        h = neuron([h])
    h.backward()
    assert h.data == pytest.approx(2.0 * math.exp(0.1 * n), rel=1e-14)
    assert s.grad == pytest.approx(n * h.data, rel=1e-14)


# The names that micrograd has


@pytest.mark.parametrize(
    "make", [nn.Neuron, lambda *a, **k: nn.Layer(a[0], 1, *a[1:], **k).neurons[0]], ids=["Neuron", "Layer"]
)
def test_nonlin_says_whether_there_is_an_activation(make):
    for neuron, nonlin, negative in [
        (make(1), True, 0.0),
        (make(1, nonlin=True), True, 0.0),
        (make(1, nonlin=False), False, -2.0),
        (make(1, "tanh", nonlin=True), True, math.tanh(-2.0)),
        (make(1, "tanh", nonlin=False), False, -2.0),
        (make(1, "identity"), False, -2.0),
    ]:
        set_parameters(neuron, [2.0, 0.0])
        assert neuron.nonlin is nonlin
        assert neuron([-1.0]).data == negative
    assert repr(nn.Layer(2, 3, nonlin=False)) == "Layer(2, 3, 'identity')"
    with pytest.raises(TypeError, match="nonlin must be True or False, got int: 0"):
        make(1, nonlin=0)


def test_a_network_of_micrograd_is_linear_at_its_end_alone():
    layers = nn.MLP(3, [4, 4, 1]).layers
    assert [[neuron.nonlin for neuron in layer.neurons] for layer in layers] == [[True] * 4, [True] * 4, [False]]


def test_w_and_b_are_the_weights_and_the_bias():
    neuron = nn.Neuron(2, "identity", seed=1)
    parameters = neuron.parameters()
    assert [id(p) for p in neuron.w + [neuron.b]] == list(map(id, parameters))  # noqa: RUF005  # as micrograd adds them
    assert isinstance(neuron.w, list)
    assert [id(p) for p in neuron.parameters()] == list(map(id, parameters))
    assert [name for name, _ in neuron.named_parameters()] == ["weights.0", "weights.1", "bias"]
    assert nn.Neuron(2, bias=False).b is None


def test_what_is_done_to_w_and_b_is_done_to_the_neuron():
    neuron = nn.Neuron(2, nonlin=False, seed=1)
    answers = [neuron([1.0, 10.0])]
    w = neuron.w
    w[0] = Value(3.0)
    w[1].data, neuron.b.data = 2.0, 0.5
    answers.append(neuron([1.0, 10.0]))
    w[1] = Value(4.0)
    answers.append(neuron([1.0, 10.0]))
    neuron.w = (Value(5.0), Value(6.0))
    neuron.b = Value(0.25)
    answers.append(neuron([1.0, 10.0]))
    other = [Value(7.0), Value(8.0)]
    neuron.w = other
    neuron.b = 1
    other[1] = Value(9.0)
    answers.append(neuron([1.0, 10.0]))
    assert [answer.data for answer in answers[1:]] == [23.5, 43.5, 65.25, 98.0]
    answers[-1].backward()
    assert [p.grad for p in neuron.parameters()] == [1.0, 10.0, 1.0]
    neuron.w.append(Value(2.0))
    neuron.b = None
    assert neuron([1.0, 10.0, 100.0]).data == 297.0
    with pytest.raises(TypeError, match="w must be Values, got float"):
        neuron.w = [1.0]
    with pytest.raises(TypeError, match="expected one real number"):
        neuron.b = "0"
    assert neuron([1.0, 10.0, 100.0]).data == 297.0


@pytest.mark.parametrize("expand", [False, True])
def test_looking_at_w_changes_no_answer_and_no_gradient(expand):
    results = []
    for look in (False, True):
        model = nn.MLP(2, [3, 1], "tanh", seed=2, expand=expand)
        for _ in range(3):
            widths = [len(neuron.w) for layer in model.layers for neuron in layer.neurons] if look else None
            out = model([0.5, -1.0])
            model.zero_grad()
            out.backward()
            nn.SGD(model.parameters(), lr=0.1).step()
        results.append([out.data, *[p.grad for p in model.parameters()], *[p.data for p in model.parameters()]])
    assert widths == [2, 2, 2, 3]
    assert results[0] == results[1]
