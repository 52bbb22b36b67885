"""The same program answers the same bits: on every run, whatever the hash seed, in any thread, after a pickle."""

import contextlib
import hashlib
import os
import pickle
import subprocess
import sys
import threading

import autodiff
from autodiff import Value, derive, draw, grad, nn, steps


def train(model, optimizer, epochs, first_seed=0):
    """Return what two derivatives of a loss and the training on small batches came to, in every bit."""
    samples = nn.data.moons(24, classes=(0, 1))
    rows = []
    for seed in range(first_seed, first_seed + epochs):
        history = nn.fit(
            model, samples, "binary_cross_entropy", optimizer, epochs=1, batch_size=7, seed=seed, max_norm=1.0
        )
        rows += history.loss + history.gradient_norm
    loss = nn.binary_cross_entropy(model([0.5, -1.0]), 1)
    weight = model.parameters()[3]
    rows += [slope.data for slope in grad(grad(loss, weight), *model.parameters())]
    return [x.hex() for x in rows + [p.data for p in model.parameters()]]


def new(seed=1):
    model = nn.MLP(2, [5, 4, 1], "tanh", seed=seed)
    return model, nn.Adam(model.parameters(), nn.schedules.cosine(0.05, 40), weight_decay=0.01)


def shown():
    """Return what people see of a graph that a model and many a shared node are in: picture, page, derivation."""
    model = nn.MLP(2, [2, 1], "tanh", seed=1)
    x = Value(0.5, label="x")
    y = autodiff.softmax([model([x, -1.0]), x * x, x.maximum(0.25)])[0] + nn.l2(model.parameters()) * 0.01
    y.backward()
    told, drawing = steps(y), draw(y, model=model, heat=True, local_derivatives=True)
    return drawing.dot, drawing.svg, str(told), told.html, str(derive(y, wrt=x)), derive(y, wrt=x).latex


def everything():
    """Return the fingerprints of all that must not change."""
    return {
        "training": hashlib.sha256(" ".join(train(*new(), epochs=4)).encode()).hexdigest(),
        "shown": [hashlib.sha256(str(text).encode()).hexdigest() for text in shown()],
    }


def test_every_process_answers_the_same_bits_whatever_the_hash_seed():
    command = [sys.executable, "-c", "import test_determinism; print(test_determinism.everything())"]
    runs = [
        subprocess.Popen(
            command,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.path.dirname(__file__)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("0", "1", "4294967295")
    ]
    assert {run.communicate()[0] for run in runs} == {f"{everything()}\n"}


def test_twice_in_a_process_is_the_same_twice_and_another_seed_is_not():
    assert everything() == everything()
    assert train(*new(seed=2), epochs=1) != train(*new(seed=1), epochs=1)


def test_eight_threads_train_eight_models_to_the_bits_that_one_after_the_other_gives():
    expected = [train(*new(seed), epochs=2) for seed in range(8)]
    answers = {}

    def work(seed):
        answers[seed] = train(*new(seed), epochs=2)

    with switching_often():
        threads = [threading.Thread(target=work, args=[seed]) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [answers[seed] for seed in range(8)] == expected


@contextlib.contextmanager
def switching_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def test_training_that_was_pickled_half_way_goes_on_to_the_same_bits():
    model, optimizer = new()
    train(model, optimizer, epochs=2)
    model, optimizer = pickle.loads(pickle.dumps((model, optimizer)))
    assert all(a is b for a, b in zip(model.parameters(), optimizer.parameters, strict=True))
    continued = train(model, optimizer, epochs=2, first_seed=2)
    model, optimizer = new()
    train(model, optimizer, epochs=2)
    assert continued == train(model, optimizer, epochs=2, first_seed=2)


def test_a_pickled_graph_is_differentiated_to_the_same_bits():
    model, _ = new()
    loss = nn.binary_cross_entropy(model([0.5, -1.0]), 1)
    again, parameters = pickle.loads(pickle.dumps((loss, model.parameters())))
    loss.backward()
    again.backward()
    assert [p.grad.hex() for p in parameters] == [p.grad.hex() for p in model.parameters()]
