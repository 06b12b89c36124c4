"""The search against simulated backends whose true capacity is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loadtest.shapes.capacity import Search
from loadtest.shapes.level import CONFIDENCE
from loadtest.shapes.statement import statement
from loadtest.shapes.trial import Settings, TrialOutcome

from .world import World

SEEDS = 200
MOST_LEVELS = 32
"""Levels of a search from 10 to 10,000: ten to double, and those in the gaps around an undecided level."""


def found(world: World, settings: Settings | None = None) -> tuple[Search, dict[str, Any]]:
    search = world.search(Search(settings or Settings(10, 10_000)))
    return search, search.result()


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"noise": 0.5},
        {"noise": 1.0},
        {"per_second": 100},
        {"noise": 0.5, "stalls": 0.005},
        {"noise": 0.5, "outages": 0.005},
        {"noise": 0.5, "stalls": 0.002, "outages": 0.002, "generator_stalls": 0.01},
        {"noise": 0.5, "lag_s": 15},
    ],
    ids=str,
)
def test_the_capacity_is_between_the_two_ends_as_often_as_said(kind: dict[str, Any]) -> None:
    """This holds even if the backend or the load generator stands still now and then."""
    within = narrow = 0
    for seed in range(SEEDS):
        capacity = float(np.random.default_rng([seed, 7]).uniform(40, 3000))
        world = World(capacity, seed=seed, **kind)
        search, result = found(world)
        low, high = result["max_passing"] or 0.0, result["min_failing"] or np.inf
        within += low <= capacity <= high
        narrow += low >= 0.75 * capacity and high <= 1.35 * capacity
        settings = search.settings
        levels = len(result["levels"])
        assert levels <= MOST_LEVELS
        assert all(sum(row[one] for one in TrialOutcome) <= _most_trials(settings) for row in result["levels"])
        assert world.now_s <= len(search.trials) * _longest_s(settings)
    assert within >= CONFIDENCE * SEEDS
    assert narrow >= 0.9 * SEEDS


def _most_trials(settings: Settings) -> int:
    return settings.max_trials + settings.max_voids


def _longest_s(settings: Settings) -> int:
    """Return the maximum length of a trial with the time to settle, in seconds."""
    return 2 * settings.settle_s + settings.longest_s + settings.count_wait_s + 2


@pytest.mark.parametrize(
    ("bad", "late"), [("stall_at", "later than 200 ms"), ("outage_at", "or lost (2000 lost)")]
)
def test_a_trial_with_one_bad_second_is_unsure(bad: str, late: str) -> None:
    search, _ = found(World(10_000, **{bad: frozenset({9})}), Settings(18, 100))  # type: ignore[arg-type]
    assert [trial.outcome for trial in search.trials_of(18)] == ["unsure", "passed"]
    why = search.trials[0].why(search.settings)
    assert late in why
    assert ", limit 1%: not sure, as the interval is ± " in why


@pytest.mark.parametrize("bad", ["stall_at", "outage_at"])
@pytest.mark.parametrize("at_s", range(1, 60))
def test_a_single_second_never_decides(bad: str, at_s: int) -> None:
    """A backend that stands still, or loses everything, for one second of a search far below its capacity."""
    world = World(10_000, **{bad: frozenset({at_s})})  # type: ignore[arg-type]
    _, result = found(world, Settings(18, 500))
    assert (result["max_passing"], result["min_failing"]) == (500, None)
    assert result["lower_bound_only"]
    assert statement(result, "viewers").startswith("at least 500 viewers pass (95% sure; ")


def test_one_failing_trial_never_decides() -> None:
    """Connections are lost at once in the middle of a trial: the trial fails for certain, but its level passes."""

    def lose(fields: dict[str, float], now_s: int, level: float) -> None:
        fields["trouble"] = 3 * (now_s >= 9)

    search, result = found(World(10_000, change=lose), Settings(18, 100))
    assert [trial.outcome for trial in search.trials_of(18)] == ["failed", "passed", "passed"]
    assert search.trials[0].why(search.settings) == "3 connections, joins or triggers failed, limit 0"
    assert (result["max_passing"], result["min_failing"]) == (100, None)


def test_a_stall_of_the_generator_makes_a_trial_void() -> None:
    def stand_still(fields: dict[str, float], now_s: int, level: float) -> None:
        if now_s == 9:
            fields |= {"late": fields["count"], "generator_ms": 900.0}

    search, result = found(World(10_000, change=stand_still), Settings(18, 100))
    first, second, *_ = search.trials
    assert (first.level, first.outcome) == (18, "void")
    assert first.why(search.settings) == "the load generator stood still for 900 ms, limit 100 ms"
    assert (second.level, second.outcome) == (18, "passed")
    assert result["max_passing"] == 100


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"generator_ms": 60.0}, "lagged 60 ms on average, limit 25 ms"),
        ({"cpu_percent": 97.0}, "a worker used 97% of a CPU core, limit 90%"),
    ],
)
def test_a_generator_that_gives_in_is_said_and_no_level_fails(change: dict[str, float], said: str) -> None:
    """Generator and backend are both too slow from 100 on: the cause cannot be determined."""

    def give_in(fields: dict[str, float], now_s: int, level: float) -> None:
        if level >= 100:
            fields |= {"late": fields["count"], **change}

    _, result = found(World(10_000, change=give_in), Settings(10, 1000))
    assert 90 <= result["max_passing"] < 100
    assert result["min_failing"] is None
    assert result["limited_by_generator"]
    assert said in result["why_limited"]
    assert "no level failed surely" in statement(result, "viewers")


def test_a_slow_generator_does_not_disturb_what_passes() -> None:
    world = World(10_000, change=lambda fields, *_: fields.update(generator_ms=60.0))
    _, result = found(world, Settings(10, 100))
    assert (result["max_passing"], result["limited_by_generator"]) == (100, False)


def test_triggers_that_could_not_be_sent_make_a_trial_void() -> None:
    def miss(fields: dict[str, float], now_s: int, level: float) -> None:
        fields["missed"] = fields["due"] / 2 if level > 20 else 0

    _, result = found(World(10_000, change=miss), Settings(10, 100))
    assert (result["max_passing"], result["min_failing"], result["limited_by_generator"]) == (20, None, True)
    assert "triggers could not be sent in time, limit 1%" in result["why_limited"]


def test_a_worker_that_did_not_report_makes_a_trial_void() -> None:
    search = Search(Settings(10, 20, settle_s=0, hold_s=3))
    world = World(10_000, change=lambda fields, *_: fields.update(late=fields["count"]))
    search.begin(0)
    moments = [world.second(10) for _ in range(6)]
    for moment in (moments[0], moments[1], moments[4], moments[5]):
        search.feed(moment)
    (trial,) = search.trials
    assert trial.why(search.settings) == "the load generator did not report for 2 s"


def test_the_result_names_the_figure_the_limit_and_the_trials() -> None:
    _, result = found(World(300, 0.1))
    said = statement(result, "viewers")
    low, high = result["max_passing"], result["min_failing"]
    assert said.startswith(f"{low:g} viewers pass (95% sure; 2 of 2 trials); {high:g} fail (3 of 3 trials): ")
    assert "% of the deliveries later than 200 ms, limit 1%" in said
    assert "lost" not in said


def test_a_limit_that_is_never_met_is_a_lower_bound() -> None:
    _, result = found(World(10_000, 0.1), Settings(10, 200))
    assert (result["max_passing"], result["min_failing"], result["lower_bound_only"]) == (200, None, True)
    assert statement(result, "viewers") == (
        "at least 200 viewers pass (95% sure; 2 of 2 trials); no level failed surely"
    )


def test_the_least_may_be_too_much() -> None:
    search, result = found(World(5, 0.0), Settings(50, 200))
    assert (result["max_passing"], result["min_failing"], result["lower_bound_only"]) == (None, 50, False)
    assert [trial.outcome for trial in search.trials] == ["failed"] * 3
    said = statement(result, "viewers")
    assert said.startswith("no level passes (95% sure); 50 fail (3 of 3 trials): 100.00% of the deliveries later")


def test_what_is_undecided_moves_neither_end() -> None:
    """A level is exactly at the limit, so its trials stay unsure."""
    _, result = found(World(40, 0.5, seed=3), Settings(10, 160))
    assert result["undecided"] == [40]
    assert result["max_passing"] < 40 < result["min_failing"]
    assert statement(result, "viewers").endswith("; undecided: 40")


def test_a_search_by_rate_has_fractions() -> None:
    _, result = found(World(5, 0.1), Settings(0.5, 100, members=False))
    assert 4 <= result["max_passing"] <= 5 <= result["min_failing"] <= 6


def test_what_the_accounts_lost_fails_a_level() -> None:
    """Above 50 members, every member of a room loses each fiftieth delivery, and none is late."""

    def lose(fields: dict[str, float], now_s: int, level: float) -> None:
        lost[0] += 40 if level > 50 else 0
        fields["lost"] = lost[0]

    lost = [0.0]
    world = World(10_000, lag_s=0, change=lose)
    search = Search(Settings(10, 200))
    while not search.done:
        if search.waits:
            search.begin(world.now_s)
        search.feed(world.second(search.level))
    result = search.result()
    assert 46 <= result["max_passing"] <= 50 < result["min_failing"] <= 56
    assert result["why_failing"].startswith("2.00% of the deliveries later than 200 ms or lost (")


def test_what_came_after_all_is_not_lost() -> None:
    """Deliveries count as lost while the search goes on, but the run's final record has none."""

    def late_by_seconds(fields: dict[str, float], now_s: int, level: float) -> None:
        if level > 50:
            fields["lost"] = fields["expected"] / 2

    world = World(10_000, change=late_by_seconds)
    search, result = found(world, Settings(10, 200))
    assert not any(lost for _, lost in world.by_second.values())
    assert all(trial.lost == 0 for trial in search.trials)
    assert result["min_failing"] <= 56
    assert "lost" not in result["why_failing"]
    assert "lost" not in statement(result, "viewers")


def test_a_trial_whose_losses_are_known_at_the_end_only_does_not_pass() -> None:
    search = World(10_000).search(Search(Settings(10, 10)))
    assert search.result()["max_passing"] == 10
    search.reconcile(dict.fromkeys(range(1000), (1000, 100)))
    assert search.result()["max_passing"] is None
    assert all(trial.lost for trial in search.trials)


def test_accounts_that_are_never_counted_make_trials_void() -> None:
    world = World(10_000, change=lambda fields, *_: fields.update(counted_until_s=0.0))
    _, result = found(world, Settings(10, 100))
    assert (result["max_passing"], result["limited_by_generator"]) == (None, True)
    assert "took more than 30 s to count" in result["why_limited"]
