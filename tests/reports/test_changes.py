from __future__ import annotations

import numpy as np
import pytest

from loadtest.reports.changes import change_points


def noisy(rng: np.random.Generator, *levels: tuple[int, float]) -> list[float]:
    return [float(level * np.exp(rng.normal(0, 0.05))) for count, level in levels for _ in range(count)]


def test_a_shift_is_found_near_its_place() -> None:
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(40):
        points = change_points(noisy(rng, (20, 10.0), (12, 12.0)), rng)
        found += any(abs(point.at - 20) <= 2 for point in points)
    assert found >= 38


def test_two_shifts_are_two() -> None:
    rng = np.random.default_rng(2)
    points = change_points(noisy(rng, (15, 10.0), (15, 13.0), (15, 9.0)), rng)
    assert [point.at for point in points] == pytest.approx([15, 30], abs=1)
    assert points[0].after == points[1].before
    assert points[0].before == pytest.approx(10, rel=0.05)


def test_noise_alone_hardly_ever_changes() -> None:
    rng = np.random.default_rng(3)
    assert sum(bool(change_points(noisy(rng, (40, 10.0)), rng)) for _ in range(150)) <= 3


def test_one_run_that_is_far_off_is_no_change() -> None:
    rng = np.random.default_rng(4)
    values = noisy(rng, (30, 10.0))
    values[17] = 500.0
    assert change_points(values, rng) == []


@pytest.mark.parametrize("values", [[], [1.0], [1.0] * 7, [2.0] * 30])
def test_nothing_to_tell(values: list[float]) -> None:
    assert change_points(values, np.random.default_rng(5)) == []
