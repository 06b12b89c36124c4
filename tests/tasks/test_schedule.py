from hypothesis import given
from hypothesis import strategies as st

from tasks.schedule import ConstantRate, share


@given(st.floats(0.1, 1000), st.integers(0, 10_000))
def test_triggers_are_due_at_equal_distances_without_drift(rate_per_s: float, number: int) -> None:
    assert ConstantRate(rate_per_s).due_s(number) == number / rate_per_s


@given(st.integers(1, 16), st.floats(0.5, 500))
def test_publishers_share_the_rate_evenly(publishers: int, rate_per_s: float) -> None:
    """Together they are one schedule at the whole rate."""
    paces = [share(rate_per_s, publishers, index) for index in range(publishers)]
    due = sorted(pace.due_s(number) for pace in paces for number in range(5))
    for number, when_s in enumerate(due):
        assert abs(when_s - number / rate_per_s) < 1e-9 * (number + 1) / rate_per_s + 1e-9
