"""When a difference is sure enough: many simulated comparisons, on the statistics alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loadtest.reports.resampling import Estimate
from loadtest.reports.significance import Change, ChangeWord, enough, judge_time, judge_untested

FIGURES = 12
ROUNDS = 400


def simulated(
    rng: np.random.Generator, runs: int, spread: float, *, slower: float = 1.0, shared: bool = True
) -> set[ChangeWord]:
    """The words of one comparison.

    :param spread: the standard deviation between runs of the same thing, of a time's logarithm.
    :param shared: whether a run is slower or faster in all figures alike, or in each by itself.
    """

    def side(times: float) -> list[list[Estimate]]:
        effects = spread * rng.standard_normal((FIGURES, runs))
        if shared:
            effects[:] = effects[0]
        usual = np.log(8000 * times * np.arange(1, FIGURES + 1))[:, None]
        values = usual + effects + 0.01 * rng.standard_normal((FIGURES, runs))
        return [[Estimate(float(value), 0.01, 20) for value in row] for row in values]

    before, after = side(1.0), side(slower)
    return {judge_time("x", *pair, FIGURES).word for pair in zip(before, after, strict=True)}


def share(word: ChangeWord, runs: int, spread: float, *, slower: float = 1.0, shared: bool = True) -> float:
    rng = np.random.default_rng(1)
    return sum(word in simulated(rng, runs, spread, slower=slower, shared=shared) for _ in range(ROUNDS)) / ROUNDS


@pytest.mark.parametrize(("spread", "most"), [(0.03, 0.0), (0.1, 0.0), (0.3, 0.04)])
@pytest.mark.parametrize("runs", [1, 2])
def test_fewer_than_three_runs_of_the_same_thing_do_not_fail(runs: int, spread: float, most: float) -> None:
    assert share(ChangeWord.WORSE, runs, spread) <= most


def test_runs_that_differ_by_three_percent_hardly_ever_warn() -> None:
    assert share(ChangeWord.MAYBE_WORSE, 1, 0.03) <= 0.05


def test_a_single_run_that_is_three_times_as_slow_fails() -> None:
    assert share(ChangeWord.WORSE, 1, 0.03, slower=3.0) == 1.0
    assert share(ChangeWord.WORSE, 1, 0.1, slower=3.0) >= 0.95


def test_a_single_run_that_is_slower_by_half_is_a_warning() -> None:
    assert share(ChangeWord.MAYBE_WORSE, 1, 0.03, slower=1.5) == 1.0
    assert share(ChangeWord.WORSE, 1, 0.03, slower=1.5) == 0.0


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("spread", [0.03, 0.1, 0.3])
@pytest.mark.parametrize("runs", [3, 5])
def test_from_three_runs_on_false_alarms_are_rare_whatever_the_spread(
    runs: int, spread: float, shared: bool
) -> None:
    assert share(ChangeWord.WORSE, runs, spread, shared=shared) < 0.05


@pytest.mark.parametrize("runs", [3, 5])
def test_from_three_runs_on_thirty_percent_are_found(runs: int) -> None:
    assert share(ChangeWord.WORSE, runs, 0.03, slower=1.3) >= 0.95
    assert share(ChangeWord.BETTER, runs, 0.03, slower=1 / 1.3) >= 0.95


def one(ms: float) -> list[Estimate]:
    return [Estimate(math.log(1000 * ms), 0.001, 29)]


def test_less_than_a_millisecond_does_not_fail_a_single_run() -> None:
    assert judge_time("x", one(0.2), one(0.9), 1).word is ChangeWord.MAYBE_WORSE
    assert judge_time("x", one(0.2), one(1.9), 1).word is ChangeWord.WORSE


def test_three_runs_on_one_side_are_not_enough() -> None:
    assert not enough([1] * 7, [1])
    assert enough([1] * 3, [1] * 3)
    assert judge_time("x", one(8) * 7, one(12), 1).word is ChangeWord.MAYBE_WORSE
    assert judge_time("x", one(8) * 3, one(12) * 3, 1).word is ChangeWord.WORSE


def test_a_time_without_an_interval_warns_if_it_doubles() -> None:
    assert judge_untested("x", 10.0, 30.0) == Change(
        "x", "ms", 10.0, 30.0, pytest.approx(200.0), word=ChangeWord.MAYBE_WORSE
    )
    for before, after in ((10.0, 15.0), (0.1, 0.9), (None, 30.0), (10.0, None), (0.0, 5.0), (30.0, 10.0)):
        assert judge_untested("x", before, after).word is ChangeWord.UNKNOWN
