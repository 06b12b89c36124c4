import math
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.measurement.latency import (
    HIGHEST_US,
    QUANTILES_PER_100K,
    count_above,
    counts_of,
    decode,
    fold,
    new_histogram,
    quantiles_us,
    summarise,
    summarise_counts,
)
from loadtest.measurement.shards import merge_packed, pack

samples = st.lists(st.integers(1, 10**8), min_size=1, max_size=200)


def of(values_us: list[int]) -> Any:
    histogram = new_histogram()
    fold(histogram, values_us)
    return histogram


@given(samples)
def test_quantiles_are_at_most_a_thousandth_off(values_us: list[int]) -> None:
    ordered = sorted(values_us)
    figures = summarise(of(values_us))
    assert figures["count"] == len(values_us)
    for name, per_100k in QUANTILES_PER_100K.items():
        exact_us = ordered[math.ceil(Fraction(per_100k, 100_000) * len(ordered)) - 1]
        assert figures[name] == pytest.approx(exact_us / 1000, rel=0.001, abs=0.001)
    assert figures["max"] == pytest.approx(ordered[-1] / 1000, rel=0.001)


@settings(max_examples=40)
@given(st.lists(samples, min_size=1, max_size=5))
def test_shards_merge_to_the_whole_in_any_order(shards: list[list[int]]) -> None:
    whole = of([value for shard in shards for value in shard])
    random.Random(1).shuffle(shards)
    merged = new_histogram()
    other = new_histogram()
    for shard in shards:
        merge_packed(pack(np.array(shard)), merged, other)
    assert list(merged.counts) == list(other.counts) == list(whole.counts)
    assert summarise(merged) == summarise(whole)


@given(samples)
def test_counting_together_changes_nothing(values_us: list[int]) -> None:
    one_by_one = new_histogram()
    for value_us in values_us:
        one_by_one.record_value(value_us)
    together = of(values_us)
    assert list(together.counts) == list(one_by_one.counts)
    for name in ("total_count", "min_value", "max_value"):
        assert getattr(together, name) == getattr(one_by_one, name)


@pytest.mark.slow
@given(samples)
def test_the_mean_is_the_package_s(values_us: list[int]) -> None:
    histogram = of(values_us)
    assert summarise(histogram)["mean"] == pytest.approx(histogram.get_mean_value() / 1000, rel=0.001, abs=0.001)


def test_what_lies_outside_is_counted_at_the_end() -> None:
    figures = summarise(of([-5, 0, HIGHEST_US * 2]))
    assert figures["count"] == 3
    assert figures["max"] == pytest.approx(HIGHEST_US / 1000, rel=0.001)


def test_an_empty_histogram_has_no_times() -> None:
    assert summarise(new_histogram()) == {
        "count": 0,
        "mean": None,
        "p50": None,
        "p90": None,
        "p95": None,
        "p99": None,
        "p999": None,
        "p9999": None,
        "p99999": None,
        "max": None,
    }


def test_another_configuration_is_refused() -> None:
    packed = bytearray(pack(np.array([5])))
    packed[16] = 2  # digits
    with pytest.raises(ValueError, match="cannot be added"):
        merge_packed(bytes(packed), new_histogram())


RANDOM = np.random.default_rng(7)
N = 50_000
DISTRIBUTIONS = {
    "constant": np.full(N, 1234.0),
    "uniform": RANDOM.uniform(1, 10_000, N),
    "exponential": RANDOM.exponential(20_000, N),
    "normal": RANDOM.normal(50_000, 5_000, N),
    "log-normal": RANDOM.lognormal(9, 1.5, N),
    "gamma": RANDOM.gamma(2.0, 8_000, N),
    "Pareto, heavy tail": (RANDOM.pareto(1.2, N) + 1) * 500,
    "Weibull": RANDOM.weibull(0.7, N) * 30_000,
    "two peaks": np.concatenate([RANDOM.normal(2_000, 100, N // 2), RANDOM.normal(900_000, 9_000, N // 2)]),
    "one in a thousand stalls": np.where(RANDOM.random(N) < 0.001, 2_000_000.0, RANDOM.exponential(900, N)),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_exact_quantiles_of_ten_distributions(name: str) -> None:
    values_us = DISTRIBUTIONS[name].clip(1, HIGHEST_US).astype(np.int64)
    histogram = new_histogram()
    for part in np.array_split(values_us, 7):
        merge_packed(pack(part), histogram)
    per_100k = sorted([*range(100, 100_001, 3700), *QUANTILES_PER_100K.values(), 100_000])
    exact_us = np.quantile(values_us, [share / 100_000 for share in per_100k], method="inverted_cdf")
    found_us = quantiles_us(histogram, per_100k)
    # Three digits: to a thousandth, and whole microseconds.
    assert found_us == pytest.approx(exact_us, rel=0.001, abs=1)


def test_every_figure_of_a_few_values() -> None:
    values_us = [1000] * 90 + [2000] * 9 + [500_000]
    found = summarise(of(values_us))
    assert found == {
        "count": 100,
        "mean": 6.081,
        "p50": 1.0,
        "p90": 1.0,
        "p95": 2.0,
        "p99": 2.0,
        "p999": 500.223,
        "p9999": 500.223,
        "p99999": 500.223,
        "max": 500.223,
    }
    assert summarise_counts(counts_of(of(values_us))) == found
    assert list(summarise(of([]))) == list(found)


def test_what_was_encoded_comes_back() -> None:
    histogram = of([5, 70_000, 10**8])
    assert summarise(decode(histogram.encode())) == summarise(histogram)


@given(samples, st.integers(0, 10**8))
def test_how_many_are_above_a_limit(values_us: list[int], limit_us: int) -> None:
    """A step may reach a thousandth beyond the limit."""
    found = count_above(of(values_us), limit_us)
    assert sum(value_us > limit_us * 1.001 for value_us in values_us) <= found
    assert found <= sum(value_us > limit_us for value_us in values_us)


def test_what_is_just_at_the_limit_is_not_above_it() -> None:
    histogram = of([99, 100, 101, 101])
    assert [count_above(histogram, limit_us) for limit_us in (98, 99, 100, 101)] == [4, 3, 2, 0]
    assert count_above(of([]), 0) == 0


def test_what_is_folded_in_twice_is_there_twice() -> None:
    histogram = of([5, 7])
    fold(histogram, [9])
    fold(histogram, [])
    assert (histogram.get_total_count(), histogram.get_min_value(), histogram.get_max_value()) == (3, 5, 9)
