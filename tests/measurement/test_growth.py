"""Memory that grows, that does not, and that jumps about."""

from __future__ import annotations

import random

import pytest

from loadtest.measurement.growth import (
    GROWS,
    NOT_SURE,
    SHRINKS,
    STABLE,
    TOO_SHORT,
    judge,
    of_run,
    slope_of,
    steadiest,
    sure_growth_percent,
)


def series(seconds: int, mb_per_hour: float, noise_mb: float, seed: int = 1) -> tuple[list[float], list[float]]:
    rng = random.Random(seed)
    at_s = [float(second) for second in range(seconds)]
    return at_s, [100 + mb_per_hour * second / 3600 + rng.gauss(0, noise_mb) for second in at_s]


@pytest.mark.parametrize(
    ("mb_per_hour", "noise_mb", "verdict"),
    [(0, 0.5, STABLE), (5, 0.5, STABLE), (120, 0.5, GROWS), (-120, 0.5, SHRINKS), (25, 5, NOT_SURE)],
)
def test_ten_minutes(mb_per_hour: float, noise_mb: float, verdict: str) -> None:
    found = judge(*series(600, mb_per_hour, noise_mb))
    assert found is not None
    assert found["verdict"] == verdict
    assert found["low_mb_per_hour"] <= mb_per_hour <= found["high_mb_per_hour"]


def test_garbage_that_is_collected_now_and_then_is_no_growth() -> None:
    at_s = [float(second) for second in range(1200)]
    found = judge(at_s, [100 + second % 97 * 0.05 for second in at_s])
    assert found is not None
    assert found["verdict"] == STABLE


def test_one_sample_in_ten_that_is_far_off_moves_nothing() -> None:
    at_s, mb = series(600, 120, 0.5)
    clean = judge(at_s, mb)
    spoilt = judge(at_s, [value + 900 * (index % 10 == 0) for index, value in enumerate(mb)])
    assert clean is not None
    assert spoilt is not None
    assert spoilt["mb_per_hour"] == pytest.approx(clean["mb_per_hour"], rel=0.15)


def test_the_interval_holds_the_truth_most_of_the_time() -> None:
    held = 0
    for seed in range(100):
        found = judge(*series(300, 60, 2, seed))
        assert found is not None
        held += found["low_mb_per_hour"] <= 60 <= found["high_mb_per_hour"]
    assert held >= 88  # 95 are expected; less than 88 come up once in 300 times


@pytest.mark.parametrize("seconds", [1, 2, 20])
def test_what_is_too_short_says_so(seconds: int) -> None:
    found = judge(*series(seconds, 1000, 0))
    assert found is not None
    assert found["verdict"] == TOO_SHORT
    assert found["mb_per_hour"] is None


def test_nothing_is_nothing() -> None:
    assert judge([], []) is None


def test_a_line_is_found_exactly() -> None:
    at_s = [1000.0 + 2 * second for second in range(24)]
    assert judge(at_s, [50.0 + 0.01 * (moment - 1000.0) for moment in at_s]) == {
        "verdict": STABLE,
        "mb": 50.23,
        "seconds": 46.0,
        "mb_per_hour": 36.0,
        "low_mb_per_hour": 36.0,
        "high_mb_per_hour": 36.0,
    }


def test_the_interval_by_kendall_s_statistic() -> None:
    """Eight blocks of three: 28 slopes, of which the 7th and the 23rd are the borders (Sen 1968)."""
    levels = [0.0, 3.0, 1.0, 7.0, 4.0, 12.0, 9.0, 20.0]
    found = judge([float(second) for second in range(24)], [100.0 + level for level in levels for _ in range(3)])
    slopes = sorted(
        (levels[later] - levels[earlier]) / (3 * (later - earlier))
        for later in range(8)
        for earlier in range(later)
    )
    assert found is not None
    assert found["low_mb_per_hour"] == round(slopes[6] * 3600, 3)
    assert found["high_mb_per_hour"] == round(slopes[22] * 3600, 3)
    assert found["mb_per_hour"] == round((slopes[13] + slopes[14]) / 2 * 3600, 3)
    assert found["verdict"] == GROWS


@pytest.mark.parametrize("samples", [23, 24])
def test_eight_blocks_of_three_are_enough(samples: int) -> None:
    found = judge([float(second) for second in range(samples)], [10.0] * samples)
    assert found is not None
    assert found == {
        "verdict": STABLE if samples == 24 else TOO_SHORT,
        "mb": 10.0,
        "seconds": samples - 1.0,
        **dict.fromkeys(("mb_per_hour", "low_mb_per_hour", "high_mb_per_hour"), 0.0 if samples == 24 else None),
    }


def test_a_memory_of_nothing_cannot_be_judged() -> None:
    found = judge([float(second) for second in range(100)], [0.0] * 100)
    assert found is not None
    assert found["verdict"] == TOO_SHORT
    found = judge([5.0] * 100, [1.0] * 100)
    assert found is not None
    assert found["verdict"] == TOO_SHORT


def test_what_is_told_is_rounded() -> None:
    found = judge([0.0, 1.26], [1.23456, 1.23456])
    assert found is not None
    assert (found["mb"], found["seconds"]) == (1.23, 1.3)


@pytest.mark.parametrize(
    ("levels", "span_s"),
    [
        ([], None),
        ([(0.0, 0.0), (5.0, 0.0)], None),
        # The longest, without its first tenth.
        ([(0.0, 100.0), (10.0, 100.0)], (1.0, 10.0)),
        ([(0.0, 10.0), (3.0, 50.0), (23.0, 51.0), (30.0, 90.0), (35.0, 90.0)], (5.0, 23.0)),
        # A twentieth away from where it began is near, and more is not.
        ([(0.0, 100.0), (10.0, 105.0), (20.0, 105.1), (25.0, 105.1)], (1.0, 10.0)),
        ([(0.0, 100.0), (10.0, 95.0), (20.0, 94.9)], (1.0, 10.0)),
        # Of two that are as long, the first; and nothing while nobody is there.
        ([(0.0, 9.0), (10.0, 9.0), (20.0, 0.0), (40.0, 0.0), (50.0, 9.0), (60.0, 9.0)], (1.0, 10.0)),
        ([(0.0, 0.0), (40.0, 7.0), (50.0, 7.0)], (41.0, 50.0)),
    ],
)
def test_the_longest_steady_time(levels: list[tuple[float, float]], span_s: tuple[float, float] | None) -> None:
    assert steadiest(levels) == (span_s if span_s is None else pytest.approx(span_s))


def test_a_slope_is_told_to_a_kilobyte_an_hour() -> None:
    at_s = [float(second) for second in range(24)]
    found = judge(at_s, [10.0 + second * 1.23456789e-4 for second in at_s])
    assert found is not None
    assert found["mb_per_hour"] == 0.444


def run_of(
    seconds: int, mb_per_s: float, *, level_mb: float = 82.0, noise_mb: float = 1.0
) -> list[tuple[float, float]]:
    rng = random.Random(seconds)
    return [(float(at), level_mb + mb_per_s * at + rng.gauss(0, noise_mb)) for at in range(seconds)]


def churn(seconds: int) -> list[tuple[float, float]]:
    """Between 10 and 60 clients, other ones every second: no time is steady."""
    return [(float(at), float(10 + at * 17 % 51)) for at in range(seconds)]


@pytest.mark.parametrize(
    "connected", [churn(60), [(float(at), 50.0) for at in range(60)]], ids=["churn", "steady"]
)
def test_six_times_the_memory_in_a_minute_is_growth_whatever_the_load_does(
    connected: list[tuple[float, float]],
) -> None:
    found = of_run(run_of(60, 451 / 60), connected)
    assert found is not None
    assert found["verdict"] == GROWS
    # Of the 128 MB that it has after the first tenth.
    assert 250 < found["growth_percent"] < 350
    assert found["low_mb_per_hour"] > 0


@pytest.mark.parametrize(
    ("seconds", "mb_per_s", "grows"),
    [
        # What a warm-up may take: 64 MB in the first three minutes, and in proportion less after that.
        (60, 0.5, False),
        (60, 1.6, True),
        (30, 5.0, True),
        (180, 0.3, False),
        (180, 0.6, True),
        (1200, 0.005, False),
        (1200, 0.015, True),
        (3600, 10 / 3600, True),
        (3600, 1 / 3600, False),
    ],
)
def test_what_is_beyond_doubt_depends_on_the_time(seconds: int, mb_per_s: float, grows: bool) -> None:
    percent = sure_growth_percent(run_of(seconds, mb_per_s, noise_mb=0.3), churn(seconds))
    assert percent is not None
    assert (percent > 0) is grows


def test_a_large_backend_may_warm_up_by_half() -> None:
    assert sure_growth_percent(run_of(60, 4.0, level_mb=1000.0), churn(60)) == 0
    assert sure_growth_percent(run_of(60, 12.0, level_mb=1000.0), churn(60)) != 0


def test_a_warm_up_that_ends_is_no_growth_in_the_long_run() -> None:
    samples = [(float(at), 150.0 + min(at, 120) * 0.7) for at in range(1800)]
    assert sure_growth_percent(samples, churn(1800)) == 0


def test_garbage_of_minutes_is_no_growth_in_the_long_run() -> None:
    samples = [(float(at), 150.0 + at % 300 * 0.2) for at in range(3600)]
    assert sure_growth_percent(samples, churn(3600)) == 0


def test_clients_take_memory_while_their_number_rises() -> None:
    """A thousand clients of 200 KB each, within a minute; and as many who stay, which is no reason to grow."""
    samples = run_of(60, 200 / 60)
    rising = [(float(at), at * 1000 / 60) for at in range(60)]
    assert sure_growth_percent(samples, rising) == 0
    assert sure_growth_percent(samples, [(at, 1000.0) for at, _ in rising]) != 0


def test_memory_that_stays_when_clients_leave_is_no_growth() -> None:
    falling = [(float(at), 1000 - at * 900 / 60) for at in range(60)]
    assert sure_growth_percent(run_of(60, 0.0), falling) == 0


@pytest.mark.parametrize(("samples", "judged"), [(8, False), (9, True), (10, True)])
def test_eight_samples_after_the_first_tenth_are_enough(samples: int, judged: bool) -> None:
    assert (sure_growth_percent(run_of(samples, 20.0), churn(samples)) is not None) is judged


def test_samples_of_one_moment_or_of_no_memory_have_no_slope() -> None:
    assert sure_growth_percent([(5.0, 80.0)] * 30, churn(30)) is None
    assert sure_growth_percent([(float(at), 0.0) for at in range(30)], churn(30)) is None
    assert slope_of([1.0, 1.0], [1.0, 2.0]) is None


def test_samples_of_the_same_second_are_no_vertical_slope() -> None:
    assert slope_of([0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 2.0, 3.0]) == (1.0, 2.0, 3.0)


def test_a_run_is_judged_while_somebody_is_connected() -> None:
    nobody = [(float(at), 0.0) for at in range(60)]
    assert of_run(run_of(60, 10.0), nobody) is None
    assert of_run([], churn(60)) is None
    assert of_run([(100.0, 80.0)], churn(60)) is None
    # It grew before anybody came, and not any more.
    late = [(float(at), 0.0) for at in range(60)] + [(float(at), 50.0) for at in range(60, 120)]
    samples = [(float(at), 80.0 + 10 * min(at, 60)) for at in range(120)]
    found = of_run(samples, late)
    assert found is not None
    assert (found["verdict"], found["growth_percent"]) == (STABLE, 0.0)


def test_a_run_without_a_sample_in_its_steady_time_has_the_others() -> None:
    connected = [(float(at), 50.0 if 20 <= at < 60 else 10.0 + 20 * (at % 2)) for at in range(60)]
    found = of_run([(float(at), 80.0) for at in range(20)], connected)
    assert found is not None
    assert (found["verdict"], found["mb"], found["growth_percent"]) == (TOO_SHORT, 80.0, 0.0)
