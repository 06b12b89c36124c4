from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.shapes.profiles import PROFILES, ramp, soak, spike, steps, storm, wave


@given(st.sampled_from(sorted(PROFILES)), st.floats(10, 100_000), st.floats(0, 1), st.integers(1, 10_000))
def test_a_shape_is_never_more_than_everybody_and_ends(name: str, lasts_s: float, at: float, most: int) -> None:
    profile = PROFILES[name](lasts_s)
    if at < 1:
        users = profile.users(at * lasts_s * 0.999, most)
        assert users is not None
        assert 0 <= users <= most
    assert profile.users(lasts_s, most) is None
    assert all(0 < storm_s < lasts_s for storm_s in profile.storms_s)


def test_ramp() -> None:
    assert [ramp(100).users(at, 50) for at in (0, 50, 99.9)] == [0, 25, 50]
    assert [ramp(100, over=10).users(at, 50) for at in (5, 10, 99)] == [25, 50, 50]


def test_steps() -> None:
    found = [steps(100, number=4).users(at, 40) for at in (0, 24.9, 25, 50, 75, 99.9)]
    assert found == [10, 10, 20, 30, 40, 40]


def test_spike() -> None:
    found = [spike(60, base=0.5, at=20, length=10).users(at, 10) for at in (0, 19.9, 20, 29.9, 30)]
    assert found == [5, 5, 10, 10, 5]


def test_soak() -> None:
    assert [soak(86_400).users(at, 100) for at in (0, 30, 60, 86_399)] == [0, 50, 100, 100]


def test_wave() -> None:
    found = [wave(90, low=0.2, period=30).users(at, 100) for at in (0, 15, 30, 45)]
    assert found == pytest.approx([20, 100, 20, 100])


def test_storm() -> None:
    assert storm(60).storms_s == (20,)
    assert storm(60, at=10, every=20).storms_s == (10, 30, 50)
    assert storm(60).users(5, 10) == 10
