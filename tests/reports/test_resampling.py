from __future__ import annotations

import math

import numpy as np
import pytest

from loadtest.measurement.latency import counts_of, fold, new_histogram
from loadtest.reports import resampling
from loadtest.reports.resampling import Estimate, difference, difference_of_few, half_width, student_t


def blocks_of(rng: np.random.Generator, number: int, drift: float, scales: tuple[float, ...] = (1,)) -> np.ndarray:
    """Blocks that each are slower or faster; the scales, one after the other, take equal parts of them."""
    rows = []
    for place in range(number):
        histogram = new_histogram()
        usual = 8000 * scales[place * len(scales) // number] * np.exp(drift * rng.standard_normal())
        fold(histogram, (usual * rng.lognormal(0, 0.6, 400)).astype(np.int64))
        rows.append(counts_of(histogram).copy())
    return np.array(rows)


@pytest.mark.parametrize(
    ("probability", "freedom", "quantile"),
    [(0.975, 1, 12.706), (0.975, 2, 4.303), (0.975, 10, 2.228), (0.9975, 5, 4.773), (0.975, 1000, 1.962)],
)
def test_student_s_quantiles(probability: float, freedom: float, quantile: float) -> None:
    assert student_t(probability, freedom) == pytest.approx(quantile, rel=1e-3)


def test_the_value_is_the_quantile_of_all() -> None:
    rng = np.random.default_rng(1)
    blocks = blocks_of(rng, 20, 0.1)
    found = resampling.log_quantile(blocks, 50_000, rng)
    assert math.exp(found.value) / 1000 == pytest.approx(8, rel=0.1)


@pytest.mark.slow
def test_an_interval_holds_the_truth_most_of_the_time() -> None:
    """Where blocks have something in common, an interval by deliveries would hold it hardly ever."""
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(60):
        found = resampling.log_quantile(blocks_of(rng, 20, 0.1), 50_000, rng)
        held += abs(found.value - math.log(8000)) <= half_width(found, 0.95)
    assert held >= 51  # 57 are expected


def test_longer_blocks_see_what_shorter_ones_do_not() -> None:
    rng = np.random.default_rng(3)
    steady = [resampling.log_quantile(blocks_of(rng, 30, 0.0), 50_000, rng).error for _ in range(5)]
    wandering = resampling.log_quantile(blocks_of(rng, 30, 0.0, scales=(1, 1.2, 1.1)), 50_000, rng)
    mixed = resampling.log_quantile(blocks_of(rng, 30, 0.0, scales=(1, 1.2, 1.1) * 10), 50_000, rng)
    assert wandering.error > 1.3 * mixed.error > max(steady)
    assert wandering.freedom == 9


def test_with_several_runs_a_side_the_runs_decide() -> None:
    alike = [Estimate(value, 0.001, 29) for value in (1.00, 1.01, 0.99)]
    later = [Estimate(value, 0.001, 29) for value in (1.10, 1.11, 1.09)]
    scattered = [Estimate(value, 0.001, 29) for value in (1.3, 0.9, 1.1)]
    found = difference(alike, later)
    assert found.freedom == 4
    assert found.value == pytest.approx(0.1)
    assert found.error == pytest.approx(0.01 * math.sqrt(2 / 3))
    assert found.value > half_width(found, 0.99)
    assert difference(alike, scattered).value < half_width(difference(alike, scattered), 0.95)
    # Three runs that agree by chance are no surer than their own errors.
    rough = [Estimate(1.0, 0.2, 29)] * 3
    assert difference(rough, rough).error == pytest.approx(0.2 * math.sqrt(2 / 3))


def test_what_is_assumed_widens_a_single_pair() -> None:
    pair = ([Estimate(1.0, 0.01, 29)], [Estimate(1.0, 0.01, 29)])
    assert difference_of_few(*pair, run_to_run=0.01).error == pytest.approx(0.02)
    assert difference_of_few(*pair, 0.01).freedom > difference_of_few(*pair, 0.0).freedom == pytest.approx(58)


def test_runs_that_differ_more_than_assumed_are_believed() -> None:
    before, after = [Estimate(1.0, 0.0, 29), Estimate(1.4, 0.0, 29)], [Estimate(1.2, 0.0, 29)]
    assert difference_of_few(before, after, 0.03).error == pytest.approx(math.sqrt(0.08 * 1.5))


@pytest.mark.parametrize(("seconds", "blocks"), [(0, 0), (4, 4), (25, 10), (60, 12), (7200, 30)])
def test_blocks(seconds: int, blocks: int) -> None:
    assert resampling.blocks_of(seconds) == blocks
