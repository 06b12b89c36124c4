import math
import random
from fractions import Fraction

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from measure.latency import HIGHEST_US, QUANTILES_PER_MILLE, fold, merge_encoded, new_histogram, summarise

samples = st.lists(st.integers(1, 10**8), min_size=1, max_size=200)


def of(values_us: list[int]) -> HdrHistogram:
    histogram = new_histogram()
    fold(histogram, values_us)
    return histogram


@given(samples)
def test_quantiles_are_at_most_a_thousandth_off(values_us: list[int]) -> None:
    ordered = sorted(values_us)
    figures = summarise(of(values_us))
    assert figures["count"] == len(values_us)
    for name, per_mille in QUANTILES_PER_MILLE.items():
        exact_us = ordered[math.ceil(Fraction(per_mille, 1000) * len(ordered)) - 1]
        assert figures[name] == pytest.approx(exact_us / 1000, rel=0.001, abs=0.001)
    assert figures["max"] == pytest.approx(ordered[-1] / 1000, rel=0.001)


@settings(max_examples=40)
@given(st.lists(samples, min_size=1, max_size=5))
def test_shards_merge_to_the_whole_in_any_order(shards: list[list[int]]) -> None:
    whole = of([value for shard in shards for value in shard])
    random.Random(1).shuffle(shards)
    merged = new_histogram()
    for shard in shards:
        merge_encoded(merged, of(shard).encode())
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
        "p99": None,
        "p999": None,
        "max": None,
    }


def test_another_configuration_is_refused() -> None:
    other = HdrHistogram(1, 1000, 2)
    other.record_value(5)
    with pytest.raises(ValueError, match="cannot be added"):
        merge_encoded(new_histogram(), other.encode())
