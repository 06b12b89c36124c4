from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loadtest.tasks.pace import AT_ONCE, Pace

RATES = st.floats(0.5, 5000)
PAUSES_S = st.lists(st.floats(0, 0.5), min_size=1, max_size=200)


def turns_s(pace: Pace, pauses_s: list[float], most_s: float = float("inf")) -> list[float]:
    """When each turn is, of users that come after such pauses."""
    now_s = 0.0
    found = []
    for pause_s in pauses_s:
        now_s += pause_s
        found.append(now_s + pace.wait_s(now_s, most_s))
    return found


@given(RATES, PAUSES_S)
def test_no_window_has_more_turns_than_its_rate_and_one_burst(per_s: float, pauses_s: list[float]) -> None:
    turns = turns_s(Pace(per_s), pauses_s)
    assert turns == sorted(turns)
    for first in range(len(turns)):
        for last in range(first + AT_ONCE, len(turns)):
            assert turns[last] - turns[first] >= (last - first - AT_ONCE + 1) / per_s - 1e-6


@given(RATES, st.integers(1, 300))
def test_a_batch_takes_no_longer_than_its_rate_says(per_s: float, batch: int) -> None:
    turns = turns_s(Pace(per_s), [0.0] * batch)
    assert max(turns[:AT_ONCE]) < 1e-9
    assert turns[-1] <= max(batch - AT_ONCE + 1, 0) / per_s + 1e-6


@given(RATES, PAUSES_S, st.floats(0, 2))
def test_nobody_waits_longer_than_they_say(per_s: float, pauses_s: list[float], most_s: float) -> None:
    pace = Pace(per_s)
    now_s = 0.0
    for pause_s in pauses_s:
        now_s += pause_s
        assert pace.wait_s(now_s, most_s) <= most_s + 1e-6


def test_who_went_early_does_not_delay_those_who_come_later() -> None:
    """A rate that was raised in the middle of a run: batches are larger than the pace, for long."""
    pace = Pace(10)
    for batch in range(50):
        assert max(pace.wait_s(float(batch), 1.0) for _ in range(100)) <= 1.0 + 1e-9
    assert pace.wait_s(53.0) == 0.0


def test_without_a_rate_nobody_waits() -> None:
    assert turns_s(Pace(0), [0.0] * 1000) == [0.0] * 1000
