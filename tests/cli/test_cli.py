import json
import math
import re
import subprocess
import sys
from itertools import pairwise

import pytest

NUMBER = r"(-?\d+\.\d+(?:e[+-]\d+)?)"
ROW = re.compile(rf"^ *(\d+) +{NUMBER} +{NUMBER} +{NUMBER} +{NUMBER} +\((\S+), (\S+)\)$", re.MULTILINE)


def table(text):
    """Return the printed rows: step, w1, w2, output, error, dL/dw1, dL/dw2."""
    return [tuple(map(float, row)) for row in ROW.findall(text)]


@pytest.fixture
def run_json(run):
    def call(*arguments):
        status, out, _ = run(*arguments, "--json")
        return status, json.loads(out)

    return call


def slopes(loss, w1, w2):
    """The closed form of the gradient, for x = 4 and t = 1."""
    y = 4 * w1 * w2
    outer = 2 * (y - 1) if loss == "squared_error" else math.copysign(1, y - 1)
    return outer * 4 * w2, outer * 4 * w1


# The running example


def test_the_running_example_goes_from_6_over_5_point_5_to_1(run):
    status, out, err = run()
    assert (status, err) == (0, "")
    rows = table(out)
    assert rows[0][:5] == (0, 1.5, 1.0, 6.0, 5.0)
    assert rows[1][0] == 1
    assert rows[1][3:5] == (5.5, 4.5)
    assert rows[-1][3:5] == (1.0, 0.0)
    assert re.search(r"   1\.000000     0\.000000   \(", out)
    assert f"after {rows[-1][0]:.0f} steps" in out
    assert "output 1.000000, error 0.000000" in out


def test_the_printed_numbers_agree_with_each_other(run):
    _, out, _ = run()
    rows = table(out)
    assert len(rows) > 10
    for _, w1, w2, output, error, g1, g2 in rows:
        assert output == pytest.approx(4 * w1 * w2, abs=1e-5)
        assert error == pytest.approx(output - 1, abs=1e-12)
        # weights are printed to 5e-7, which is 4e-5 in the gradient
        assert (g1, g2) == pytest.approx(slopes("squared_error", w1, w2), rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_every_step_has_the_gradient_of_the_closed_form_and_follows_it(run_json, loss):
    _, told = run_json("--loss", loss, "--steps", "50")
    rows = told["steps"]
    assert rows[1]["output"] == pytest.approx(5.5, rel=1e-12)
    for i, row in enumerate(rows):
        assert row["step"] == i
        assert row["output"] == pytest.approx(4 * row["w1"] * row["w2"], rel=1e-15)
        assert row["error"] == pytest.approx(row["output"] - 1, rel=1e-15)
        assert row["gradient"] == pytest.approx(slopes(loss, row["w1"], row["w2"]), rel=1e-12)
    for row, after in pairwise(rows):
        for i, w in enumerate(("w1", "w2")):
            assert after[w] == pytest.approx(row[w] - told["lr"] * row["gradient"][i], rel=1e-14)


def test_python_m_autodiff_is_the_same_program(run):
    process = subprocess.run([sys.executable, "-m", "autodiff"], capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout, process.stderr) == run()


# Options


def test_json_holds_the_settings_all_steps_and_how_it_ended(run_json):
    status, told = run_json()
    assert status == 0
    assert set(told) == {"input", "target", "loss", "lr", "weights", "end", "overshot", "steps"}
    assert (told["input"], told["target"], told["loss"], told["weights"]) == (4, 1, "squared_error", [1.5, 1.0])
    assert (told["end"], told["overshot"]) == ("converged", False)
    assert [row["step"] for row in told["steps"]] == list(range(len(told["steps"])))
    assert abs(told["steps"][-1]["error"]) < 5e-7 <= abs(told["steps"][-2]["error"])
    assert all(set(row) == {"step", "w1", "w2", "output", "error", "gradient"} for row in told["steps"])


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_steps_limits_the_steps(run_json, steps):
    status, told = run_json("--steps", str(steps))
    assert (status, told["end"]) == (0, "unfinished")
    assert len(told["steps"]) == steps + 1


def test_doubling_the_step_size_about_halves_the_number_of_steps(run_json):
    counts = [len(run_json("--lr", lr)[1]["steps"]) for lr in ("0.0005", "0.001", "0.002")]
    assert counts[0] / counts[1] == pytest.approx(2, rel=0.05)
    assert counts[1] / counts[2] == pytest.approx(2, rel=0.05)


def test_lr_and_weights_are_used_as_given(run_json):
    _, told = run_json("--lr", "0.003", "--weights", "2", "-3", "--steps", "1")
    assert (told["lr"], told["weights"]) == (0.003, [2.0, -3.0])
    g1, g2 = slopes("squared_error", 2, -3)
    assert (told["steps"][1]["w1"], told["steps"][1]["w2"]) == pytest.approx((2 - 0.003 * g1, -3 - 0.003 * g2))


@pytest.mark.parametrize("weights", [("-1", "2"), ("-0.5", "-.5"), ("-1e-1", "2"), ("1e-1", "-2E0")])
def test_negative_weights_are_numbers_and_no_options(run_json, weights):
    status, told = run_json("--steps", "0", "--weights", *weights)
    assert (status, told.get("weights")) == (0, list(map(float, weights)))


def test_a_seed_draws_weights_from_minus_1_to_1_the_same_each_time(run_json):
    weights = [run_json("--seed", seed, "--steps", "0")[1]["weights"] for seed in ("3", "3", "4", "0")]
    assert weights[0] == weights[1]
    assert len({tuple(w) for w in weights}) == 3
    assert all(-1 <= w <= 1 for pair in weights for w in pair)


def test_weights_that_already_answer_the_target_need_no_step(run_json):
    _, told = run_json("--weights", "0.25", "1")
    assert (told["end"], len(told["steps"])) == ("converged", 1)


def test_zero_weights_are_told_to_be_stuck(run):
    status, out, _ = run("--weights", "0", "0")
    assert status == 0
    assert "the gradient is 0 here, so no step size moves the weights: start from others" in out


def test_the_absolute_error_oscillates_about_the_target_and_says_what_to_try(run):
    status, out, _ = run("--loss", "absolute_error", "--steps", "100")
    assert status == 0
    assert "overshot the target" in out
    assert "try a smaller --lr" in out


@pytest.mark.parametrize("lr", ["0.05", "1", "1e308"])
def test_a_step_size_far_too_large_diverges_with_status_1_and_says_so(run, run_json, lr):
    status, out, err = run("--lr", lr)
    assert status == 1
    assert err.count("\n") == 1
    assert err.startswith(f"autodiff: error: the training diverged: at a step size of {float(lr):g} ")
    assert "try a smaller --lr" in err
    rows = table(out)
    assert rows
    assert all(math.isfinite(x) for row in rows for x in row)
    status, told = run_json("--lr", lr)
    assert (status, told["end"]) == (1, "diverged")


def test_a_step_size_too_large_overshoots(run_json):
    _, told = run_json("--lr", "0.05")
    errors = [row["error"] for row in told["steps"]]
    assert told["overshot"]
    assert min(errors) < 0 < errors[0]
    assert abs(errors[-1]) > 1e6 * errors[0]


def test_a_step_size_that_overshoots_once_may_still_converge(run):
    status, out, err = run("--lr", "0.02")
    assert (status, err) == (0, "")
    assert "the output overshot the target on the way" in out
    assert table(out)[-1][3] == 1.0


def test_the_examples_of_the_help_do_what_they_say(run, run_json):
    _, out, _ = run("--help")
    examples = re.findall(r"^  autodiff( --\S.*?)?(?:  +(\S.*))?$", out.split("examples:")[1], re.MULTILINE)
    assert len(examples) >= 3
    for arguments, claim in examples:
        status, _told = run_json(*[a for a in arguments.split() if a != "--json"])
        assert status == ("status 1" in claim), f"{arguments}: {claim}"


# Bad arguments

BAD = {
    "no number": (["--lr", "abc"], "argument --lr: .*'abc'"),
    "lr 0": (["--lr", "0"], "argument --lr: expected a number above 0, got '0'"),
    "lr negative": (["--lr=-1"], "argument --lr: expected a number above 0, got '-1'"),
    "lr nan": (["--lr", "nan"], "argument --lr: expected a number above 0, got 'nan'"),
    "lr inf": (["--lr", "inf"], "argument --lr: expected a number above 0, got 'inf'"),
    "steps negative": (["--steps", "-1"], "argument --steps: expected a whole number from 0 to .*, got '-1'"),
    "steps too many": (["--steps", "1" + "0" * 30], "argument --steps: expected a whole number"),
    "steps of 5,000 digits": (["--steps", "9" * 5000], "argument --steps: "),  # int() itself refuses so many
    "steps as fraction": (["--steps", "1.5"], "argument --steps: .*'1.5'"),
    "unknown loss": (["--loss", "mae"], "argument --loss: invalid choice: 'mae' .*absolute_error"),
    "one weight": (["--weights", "1"], "argument --weights: expected 2 arguments"),
    "a huge weight": (
        ["--weights", "1e200", "1"],
        "argument --weights: expected a number from -1e6 to 1e6, got '1e200'",
    ),
    "a nan weight": (["--weights", "nan", "1"], "argument --weights: expected a number from -1e6 to 1e6, got 'nan'"),
    "seed as fraction": (["--seed", "1.5"], "argument --seed: .*'1.5'"),
    "seed and weights": (
        ["--seed", "1", "--weights", "1", "1"],
        "argument --(seed|weights): not allowed with argument",
    ),
    "unknown option": (["--learning-rate", "1"], "unrecognized arguments: --learning-rate"),
    "more": (["6"], "unrecognized arguments: 6"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_bad_arguments_have_status_2_and_one_clear_line_after_the_usage(run, arguments, message):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    usage, error, end = err.partition("autodiff: error: ")
    assert usage.startswith("usage: autodiff ")
    assert error
    assert re.match(message, end)
    assert end.count("\n") == 1
    assert "Traceback" not in err
    assert not re.search(r"\b_\w+", end), "the name of a private function means nothing to people"


def test_help_and_version_have_status_0(run):
    assert run("--help")[0] == 0
    status, out, _ = run("--version")
    assert status == 0
    assert re.fullmatch(r"autodiff \d+\.\d+\.\d+\n", out)


@pytest.mark.slow
def test_a_reader_that_closes_the_pipe_early_gets_no_traceback():
    process = subprocess.Popen(
        [sys.executable, "-m", "autodiff", "--json", "--lr", "0.00001"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 1
    assert b"Traceback" not in errors


# What is printed


def test_the_rows_that_are_printed_are_the_first_ones_round_numbers_and_the_last(run):
    _, out, _ = run("--steps", "230", "--lr", "0.00001")
    assert [int(row[0]) for row in table(out)] == [*range(6), 10, 20, 50, 100, 200, 230]
    _, out, _ = run("--lr", "0.045")  # it diverges, and every step is told
    assert len(table(out)) > 7
    assert [int(row[0]) for row in table(out)] == [*range(len(table(out)))]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], True),
        (["--loss", "absolute_error"], True),
        (["--weights", "1.5", "1"], True),
        (["--lr", "0.001"], False),
        (["--weights", "1", "2"], False),
        (["--seed", "1"], False),
    ],
)
def test_the_step_size_is_explained_where_it_is_the_one_that_answers_5_point_5(run, run_json, arguments, reason):
    _, out, _ = run(*arguments, "--steps", "1")
    assert (", with which the first step answers 5.5." in out) == reason
    _, told = run_json(*arguments, "--steps", "1")
    assert (told["steps"][1]["output"] == pytest.approx(5.5)) == reason


@pytest.mark.parametrize(
    ("arguments", "ending"),
    [
        (
            ["--steps", "3"],
            r"Weights after 3 steps: w1 = \S+, w2 = .*\); to get nearer, try more --steps or a larger --lr\.",
        ),
        (
            ["--loss", "absolute_error", "--steps", "100"],
            r"Weights after 100 .*\); the output overshot the target on the way; to get nearer, try a smaller --lr\.",
        ),
        (
            ["--weights", "0", "0"],
            r"Weights after 0 steps: w1 = 0, w2 = 0 \(output 0, error -1\); the gradient is 0 here.*",
        ),
        (
            ["--lr", "0.02"],
            r"Trained weights .*\(output 1\.000000, error 0\.000000\); the output overshot the target on the way\.",
        ),
        (
            ["--weights", "0.25", "0.99999995"],
            r"Trained weights after 0 steps: w1 = 0\.250000, .* \(output 1\.000000, error 0\.000000\)\.",
        ),
    ],
)
def test_the_last_line_says_how_it_ended_and_what_to_try(run, arguments, ending):
    _, out, _ = run(*arguments)
    assert re.fullmatch(ending, out.splitlines()[-1])


@pytest.mark.parametrize(
    ("weights", "shown"),
    [
        (("9999", "-9999"), ["9999.000000", "-9999.000000"]),
        (("1e4", "-1e4"), ["1.00000e+04", "-1.00000e+04"]),
        (("-1e-9", "-0.0"), ["0.000000", "0.000000"]),  # never "-0.000000"
        (("-1e-6", "1e-6"), ["-0.000001", "0.000001"]),
    ],
)
def test_each_number_fits_its_column(run, weights, shown):
    _, out, _ = run("--weights", *weights, "--steps", "0")
    assert next(line.split()[1:3] for line in out.splitlines() if line.startswith("     0 ")) == shown


# Where it ends


@pytest.mark.parametrize("weights", [("1.5", "1"), ("0.26", "1")])
def test_it_has_diverged_when_the_error_is_a_million_times_the_first_or_a_million(run_json, weights):
    _, told = run_json("--loss", "absolute_error", "--lr", "0.5", "--weights", *weights)
    *_, before, last = [abs(row["error"]) for row in told["steps"]]
    limit = 1e6 * max(1.0, abs(told["steps"][0]["error"]))
    assert told["end"] == "diverged"
    assert before <= limit < last


@pytest.mark.parametrize(("weight", "status"), [("1e6", 1), ("-1e6", 1), ("1000001", 2), ("-1000001", 2)])
def test_weights_are_taken_up_to_a_million(run, weight, status):
    assert run("--weights", weight, "1", "--steps", "1", "--lr", "1")[0] == status


@pytest.mark.parametrize(("steps", "status"), [("1000000", 0), ("1000001", 2)])
def test_a_million_steps_are_the_most(run, steps, status):
    assert run("--steps", steps)[0] == status


def test_seeds_draw_both_weights_from_the_whole_interval(run_json):
    drawn = [run_json("--seed", str(seed), "--steps", "0")[1]["weights"] for seed in range(12)]
    for weights in zip(*drawn, strict=True):
        assert -1 < min(weights) < -0.5
        assert 0.5 < max(weights) < 1
