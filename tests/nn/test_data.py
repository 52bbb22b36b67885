import math
import random
from collections import Counter

import pytest

from autodiff.nn import data

SETS = {  # each makes n samples; noise as given
    "line": lambda n, **k: data.line(n, **k),
    "moons": lambda n, **k: data.moons(n, **k),
    "circles": lambda n, **k: data.circles(n, **k),
    "spiral": lambda n, **k: data.spiral(n, **k),
}
CLASSES = {name: SETS[name] for name in ("moons", "circles", "spiral")}


# What holds for all


@pytest.mark.parametrize("make", SETS.values(), ids=SETS)
@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_a_data_set_has_as_many_samples_as_asked_for(make, n):
    samples = make(n)
    assert len(samples) == n
    for inputs, _ in samples:
        assert isinstance(inputs, list)
        assert {type(x) for x in inputs} == {float}


@pytest.mark.parametrize("make", SETS.values(), ids=SETS)
@pytest.mark.parametrize("n", [0, -1, 1.5, True, "3"])
def test_a_bad_count_is_refused(make, n):
    with pytest.raises(ValueError if type(n) is int else TypeError, match="n must be"):
        make(n)


@pytest.mark.parametrize("make", SETS.values(), ids=SETS)
def test_the_seed_decides_the_noise(make):
    assert make(20, noise=0.1, seed=3) == make(20, noise=0.1, seed=3)
    assert make(20, noise=0.1, seed=3) != make(20, noise=0.1, seed=4)
    assert make(20, noise=0.0, seed=3) == make(20, noise=0.0, seed=4)


@pytest.mark.parametrize("make", SETS.values(), ids=SETS)
def test_pythons_global_random_is_left_alone(make):
    random.seed(5)
    expected = random.random()
    random.seed(5)
    make(20, noise=0.1)
    assert random.random() == expected


@pytest.mark.parametrize("make", CLASSES.values(), ids=CLASSES)
@pytest.mark.parametrize("n", [100, 101])
def test_classes_are_balanced_and_named_as_asked(make, n):
    counts = Counter(target for _, target in make(n, classes=("no", "yes")))
    assert counts == {"no": n - n // 2, "yes": n // 2}
    assert {target for _, target in make(n)} == {0, 1}


@pytest.mark.slow
@pytest.mark.parametrize("make", CLASSES.values(), ids=CLASSES)
def test_noise_is_normal_about_the_clean_points(make):
    clean, noisy = make(2000, noise=0.0), make(2000, noise=0.25)
    shifts = [x - y for (xs, _), (ys, _) in zip(noisy, clean, strict=True) for x, y in zip(xs, ys, strict=True)]
    assert abs(math.fsum(shifts)) / 4000 < 4 * 0.25 / math.sqrt(4000)  # four standard errors
    assert math.sqrt(math.fsum(s * s for s in shifts) / 4000) == pytest.approx(0.25, rel=0.05)


# Each one's geometry, without noise


def test_pair_is_the_sample_of_the_running_example():
    assert data.pair() == [([4.0], 1.0)]


def test_line_is_evenly_spaced_on_the_line():
    samples = data.line(5, slope=-3.0, intercept=0.5)
    assert samples == [([x], -3.0 * x + 0.5) for x in (-1.0, -0.5, 0.0, 0.5, 1.0)]
    assert data.line(1) == [([0.0], 1.0)]


def test_line_noise_has_its_standard_deviation_and_moves_only_targets():
    samples = data.line(4000, 2.0, 1.0, noise=0.5, seed=1)
    assert [x for x, _ in samples] == [x for x, _ in data.line(4000)]
    residuals = [y - (2 * x + 1) for (x,), y in samples]
    assert math.sqrt(math.fsum(r * r for r in residuals) / 4000) == pytest.approx(0.5, rel=0.05)


def test_xor_is_one_where_exactly_one_input_is():
    assert {tuple(x): t for x, t in data.xor()} == {(0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 0}
    assert [t for _, t in data.xor(classes=(-1, 1))] == [-1, 1, 1, -1]


def test_moons_lie_on_two_half_circles_that_interleave():
    samples = data.moons(40, noise=0.0)
    outer, inner = ([p for p, t in samples if t == k] for k in (0, 1))
    assert all(math.hypot(x, y) == pytest.approx(1) and y > -1e-12 for x, y in outer)
    assert all(math.hypot(x - 1, y - 0.5) == pytest.approx(1) and y < 0.5 + 1e-12 for x, y in inner)
    assert outer[0] == pytest.approx([1, 0])
    assert outer[-1] == pytest.approx([-1, 0])
    assert inner[0] == pytest.approx([0, 0.5])
    assert inner[-1] == pytest.approx([2, 0.5])
    assert max(x for x, _ in outer) > min(x for x, _ in inner)


def test_circles_have_their_radii_and_evenly_spaced_points():
    samples = data.circles(16, factor=0.3, noise=0.0)
    for radius, points in ((1.0, [p for p, t in samples if t == 0]), (0.3, [p for p, t in samples if t == 1])):
        assert [math.hypot(*p) for p in points] == pytest.approx([radius] * 8)
        gaps = [math.dist(p, q) for p, q in zip(points, points[1:] + points[:1], strict=True)]
        assert gaps == pytest.approx([2 * radius * math.sin(math.pi / 8)] * 8)  # the side of an octagon


@pytest.mark.parametrize("arms", [1, 2, 3, 5])
def test_spiral_arms_are_one_arm_turned_and_reach_radius_one(arms):
    samples = data.spiral(20 * arms, turns=1.5, noise=0.0, classes=range(arms))
    assert Counter(t for _, t in samples) == dict.fromkeys(range(arms), 20)
    by_arm = [[complex(*p) for p, t in samples if t == k] for k in range(arms)]
    turn = complex(math.cos(2 * math.pi / arms), math.sin(2 * math.pi / arms))
    for k, arm in enumerate(by_arm):
        assert [abs(z) for z in arm] == pytest.approx([(i + 1) / 20 for i in range(20)])
        assert all(abs(z - first * turn**k) < 1e-12 for z, first in zip(arm, by_arm[0], strict=True))
    uneven = data.spiral(20 * arms - 1, noise=0.0, classes=range(arms))  # the last arm has 19 points
    assert max(math.hypot(*p) for p, _ in uneven) == pytest.approx(1.0)
    # 1.5 turns over the whole arm: the last point lies opposite of the direction that the arm starts in
    assert abs(by_arm[0][-1] - (-1)) < 1e-12


# Batches


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(
    ("batch_size", "sizes"),
    [(None, [10]), (1, [1] * 10), (3, [3, 3, 3, 1]), (5, [5, 5]), (10, [10]), (11, [10]), (10**9, [10])],
)
def test_every_sample_comes_exactly_once_in_batches_of_the_size(batch_size, sizes, shuffle):
    samples = list(range(10))
    cut = list(data.batches(samples, batch_size, shuffle=shuffle))
    assert [len(batch) for batch in cut] == sizes
    assert sorted(x for batch in cut for x in batch) == samples
    assert samples == list(range(10))  # the learner's list stays in order


def test_without_shuffling_the_order_is_that_of_the_data():
    assert list(data.batches(list("abcde"), 2, shuffle=False)) == [["a", "b"], ["c", "d"], ["e"]]


def test_samples_that_are_equal_are_all_kept():
    assert sorted(len(batch) for batch in data.batches([([1.0], 0)] * 5, 2)) == [1, 2, 2]


def test_the_order_is_decided_by_the_seed():
    orders = [[x for (x,) in data.batches(range(50), 1, seed=seed)] for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != list(range(50))


def test_a_shared_source_of_chance_gives_each_epoch_another_order_and_each_run_the_same():
    runs = []
    for _ in range(2):
        rng = random.Random(0)
        runs.append([[x for batch in data.batches(range(30), 4, seed=rng) for x in batch] for _ in range(5)])
    assert runs[0] == runs[1]
    assert len({tuple(order) for order in runs[0]}) == 5


@pytest.mark.parametrize("empty", [[], (), range(0)])
def test_empty_data_is_refused_at_the_call(empty):
    with pytest.raises(ValueError, match="the data set is empty"):
        data.batches(empty)


@pytest.mark.parametrize(
    ("batch_size", "kind", "message"),
    [
        (0, ValueError, "batch_size must be at least 1, got 0"),
        (-1, ValueError, "batch_size must be at least 1, got -1"),
        (1.5, TypeError, "batch_size must be a whole number, got float: 1.5"),
        (2.0, TypeError, "batch_size must be a whole number, got float: 2.0"),
        ("2", TypeError, "batch_size must be a whole number, got str: '2'"),
        (True, TypeError, "batch_size must be a whole number, got bool: True"),
    ],
)
def test_a_bad_batch_size_is_refused_at_the_call(batch_size, kind, message):
    with pytest.raises(kind, match=message):
        data.batches([1, 2, 3], batch_size)
