"""Tests of the width of the interval of a mean of shares."""

from __future__ import annotations

import numpy as np

from loadtest.shapes.interval import LOOK_CONFIDENCE, half_width


def test_few_deliveries_prove_little() -> None:
    assert 0.046 < half_width([0.0] * 10, 100) < 0.047
    assert 0.000046 < half_width([0.0] * 10, 100_000) < 0.000047
    assert half_width([0.0, 0.02] * 5, 100_000) > 0.01


def test_it_has_the_mean_as_often_as_said() -> None:
    chance = np.random.default_rng(1)
    for seconds in (3, 8, 24, 60):
        means = chance.normal(0.5, 0.1, (4000, seconds))
        within = [abs(float(np.mean(row)) - 0.5) <= half_width(list(row), 10**9) for row in means]
        assert abs(np.mean(within) - LOOK_CONFIDENCE) < 0.008, seconds
