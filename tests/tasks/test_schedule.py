from __future__ import annotations

import itertools
import math
import statistics
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.tasks.schedule import CONSTANT, POISSON, Share


def first(count: int, share: Share, law: str, seed: int = 0) -> list[float]:
    return list(itertools.islice(share.due_s(law, Random(seed).expovariate), count))


@given(st.floats(0.1, 1000), st.integers(0, 5000))
def test_triggers_are_due_at_equal_distances_without_drift(rate_per_s: float, number: int) -> None:
    assert first(number + 1, Share(rate_per_s, 1, 0), CONSTANT)[-1] == number / rate_per_s


@given(st.integers(1, 16), st.floats(0.5, 500))
def test_publishers_share_the_rate_evenly(publishers: int, rate_per_s: float) -> None:
    """Together they are one schedule at the whole rate."""
    shares = [Share(rate_per_s, publishers, index) for index in range(publishers)]
    due = sorted(when_s for share in shares for when_s in first(5, share, CONSTANT))
    for number, when_s in enumerate(due):
        assert abs(when_s - number / rate_per_s) < 1e-9 * (number + 1) / rate_per_s + 1e-9


@pytest.mark.parametrize("publishers", [1, 4])
def test_poisson_arrivals_of_all_publishers_have_the_rate_and_the_spread(publishers: int) -> None:
    """The distances of a Poisson process are exponential: their deviation is their mean, and 1/e are above it."""
    each = 40_000 // publishers
    due = sorted(
        when_s
        for index in range(publishers)
        for when_s in first(each, Share(50.0, publishers, index), POISSON, seed=index)
    )[: int(each * publishers * 0.9)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(due)]
    mean_s = statistics.mean(gaps)
    assert mean_s == pytest.approx(1 / 50, rel=0.03)
    assert statistics.stdev(gaps) == pytest.approx(mean_s, rel=0.03)
    assert sum(gap > mean_s for gap in gaps) / len(gaps) == pytest.approx(math.exp(-1), rel=0.03)


def test_a_seed_repeats_its_arrivals() -> None:
    share = Share(10.0, 2, 1)
    assert first(100, share, POISSON, seed=7) == first(100, share, POISSON, seed=7)
    assert first(100, share, POISSON, seed=7) != first(100, share, POISSON, seed=8)


@pytest.mark.parametrize("law", [CONSTANT, POISSON])
@pytest.mark.parametrize("publishers", [1, 4])
def test_a_ramp_rises_evenly_to_the_rate(law: str, publishers: int) -> None:
    """In 20 s from nothing to 100 a second: a quarter of the ramp's 1,000 triggers in its first half."""
    shares = [Share(100.0, publishers, index, ramp_s=20.0) for index in range(publishers)]
    due = sorted(
        when_s
        for index, share in enumerate(shares)
        for when_s in first(4000 // publishers, share, law, seed=index)
    )
    for until_s, expected in ((10.0, 250), (20.0, 1000), (30.0, 2000)):
        # Of a Poisson process, the deviation is the root of the mean.
        tolerance = 1 if law == CONSTANT else 4 * math.sqrt(expected)
        assert sum(when_s < until_s for when_s in due) == pytest.approx(expected, abs=tolerance)
