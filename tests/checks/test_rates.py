"""The rates of `tests/checks/rates.py` on a few of its functions: no false alarm, no miss, and little undecided."""

from collections import Counter

import pytest
from checks import rates


@pytest.fixture(scope="module")
def counted():
    return rates.judge_seeds([*range(300), 377])  # at a kink of this one the slopes differ


def test_there_is_no_false_alarm_and_no_miss(counted):
    _, seeds = counted
    assert seeds == []


def test_each_fault_is_met_at_smooth_points_and_at_kinks_and_called_wrong(counted):
    total, _ = counted
    for kind in rates.FAULTS:
        for kink in (False, True):
            assert total[kind, kink, "WRONG", True] > 5, (kind, kink)


def test_right_gradients_are_ok_or_at_a_kink_but_for_one_in_a_hundred(counted):
    total, _ = counted
    right = Counter({case[2]: 0 for case in total if case != "functions"})
    for case, count in total.items():
        if case != "functions" and case[0] in ("right", "second order"):
            right[case[2]] += count
    assert right["kink"] > 0
    assert right["undecided"] < right["ok"] / 100
    assert right["WRONG"] == 0
