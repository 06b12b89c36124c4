"""The search against simulated backends whose true capacity is known."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes.capacity import BROKE, Moment, Search, Settings
from shapes.interval import half_width


class World:
    """A backend that is late with a share of the deliveries, the more the more load there is; noisy by the second.

    :param capacity: the load at which 1% are late.
    :param noise: how much a second's share differs from another's, as a factor.
    """

    def __init__(self, capacity: float, noise: float, seed: int, per_second: int = 2000) -> None:
        self._capacity = capacity
        self._noise = noise
        self._random = Random(seed)
        self._per_second = per_second
        self.now_s = 0
        self._owed = 0.0
        self._timed = 0
        self._due = 0
        self.missing = 0.0
        self.missed = 0
        self.trouble = 0
        self.generator_ms = 1.0

    def second(self, level: float) -> Moment:
        self.now_s += 1
        true = min(0.01 * (level / self._capacity) ** 8, 1.0)
        share = min(true * self._random.lognormvariate(0, self._noise), 1.0)
        came = round(self._per_second * (1 - self.missing))
        self._owed += self._per_second
        self._timed += came
        self._due += 10
        late = sum(self._random.random() < share for _ in range(came)) if share < 0.5 else round(came * share)
        return Moment(
            *(self.now_s, came, late, round(level), self._owed, self._timed, self._due, self.missed, self.trouble),
            self.generator_ms,
        )

    def search(self, search: Search, most_s: int = 5000) -> Search:
        level = None
        while not search.done and self.now_s < most_s:
            if search.level != level or search._began_s is None:
                level = search.level
                search.begin(self.now_s)
            search.feed(self.second(search.level))
        assert search.done
        return search


@settings(max_examples=30)
@given(st.integers(40, 5000), st.integers(0, 10_000))
def test_it_finds_the_capacity_of_a_quiet_backend(capacity: int, seed: int) -> None:
    search = World(capacity, 0.1, seed).search(Search(Settings(10, 10_000)))
    result = search.result()
    assert 0.8 * capacity <= result["holds"] <= 1.05 * capacity
    assert result["breaks"] >= 0.95 * capacity
    assert result["breaks"] <= result["holds"] * 1.1 + 1
    assert result["confirmed"]


def test_it_is_seldom_wrong_about_a_noisy_one() -> None:
    """It says 95%; a level that is 5% too high holds in fewer than one of twenty searches."""
    wrong = 0
    for seed in range(100):
        result = World(300, 0.5, seed).search(Search(Settings(10, 10_000))).result()
        assert result["holds"] > 180, seed
        wrong += result["holds"] > 1.05 * 300
    assert wrong <= 5


def test_a_limit_that_is_never_met_is_at_least_that() -> None:
    result = World(10_000, 0.1, 1).search(Search(Settings(10, 200))).result()
    assert (result["holds"], result["breaks"], result["at_least"]) == (200, None, True)


def test_the_least_may_be_too_much() -> None:
    result = World(5, 0.1, 1).search(Search(Settings(50, 200))).result()
    assert (result["holds"], result["breaks"], result["confidence"]) == (None, 50, None)


@pytest.mark.parametrize(
    ("trouble", "said", "generator"),
    [
        ({"missing": 0.1}, "did not come", False),
        ({"missed": 1_000_000}, "could not be sent", True),
        ({"trouble": 3}, "3 connections", False),
        ({"generator_ms": 60.0}, "", True),
    ],
)
def test_what_breaks_a_level_is_said(trouble: dict[str, float], said: str, generator: bool) -> None:
    world = World(10_000, 0.1, 1)
    search = Search(Settings(10, 200))
    search.begin(0)
    for second in range(60):
        if second == 6:
            for name, value in trouble.items():
                setattr(world, name, value)
        search.feed(world.second(10))
        if search.trials:
            break
    (trial,) = search.trials
    assert said in trial.why
    assert trial.generator is generator
    assert (trial.outcome == BROKE) == bool(said)


def test_members_that_do_not_come_break_a_level() -> None:
    world = World(10_000, 0.1, 1)
    search = Search(Settings(100, 200))
    search.begin(0)
    while not search.trials:
        search.feed(world.second(50))
    assert "only 50 members" in search.trials[0].why


def test_seconds_after_a_change_do_not_count() -> None:
    search = Search(Settings(10, 20, settle_s=5, hold_s=2))
    search.begin(100)
    for at_s in range(101, 106):
        search.feed(Moment(at_s, 10, 10, 10))
    assert not search.trials
    for at_s in range(106, 109):
        search.feed(Moment(at_s, 1000, 0, 10, 1000.0 * (at_s - 100), 1000 * (at_s - 100)))
    assert search.trials[0].outcome == "held"


def test_few_deliveries_prove_little() -> None:
    assert half_width([0.0] * 10, 100) == 0.03
    assert half_width([0.0] * 10, 100_000) == 0.00003
    assert half_width([0.0, 0.02] * 5, 100_000) > 0.005


def test_a_trigger_under_way_at_the_end_of_a_short_time_is_not_missing() -> None:
    search = Search(Settings(8, 16, settle_s=0, hold_s=2, members=False))
    search.begin(0)
    for at_s, owed, timed in ((1, 240.0, 240), (2, 480.0, 480), (3, 720.0, 690)):
        search.feed(Moment(at_s, 240, 0, 10, owed, timed, due=8 * at_s))
    assert search.trials[0].outcome == "held"


def judged(*counts: int, **settings: float) -> Search:
    """A search after one level, with so many deliveries in each of its seconds."""
    search = Search(Settings(10, 100, hold_s=len(counts), settle_s=0, **settings))  # type: ignore[arg-type]
    search.begin(0)
    owed = timed = 0
    for at_s, count in enumerate((0, *counts), 1):
        owed, timed = owed + count, timed + count
        search.feed(Moment(at_s, count, 0, 10, owed, timed, 10 * at_s, 0, 0, 1.0))
    return search


def test_a_level_at_which_nothing_is_delivered_breaks() -> None:
    (trial,) = judged(0, 0, 0).trials
    assert (trial.outcome, trial.why) == (BROKE, "nothing was delivered")


def test_a_level_at_which_one_second_is_served_breaks() -> None:
    (trial,) = judged(0, 50, 0).trials
    assert (trial.outcome, trial.why) == (BROKE, "in all seconds but one nothing was delivered")


def test_where_the_least_is_too_much_the_search_is_over() -> None:
    search = judged(0, 0, 0)
    assert search.done
    assert search.result()["holds"] is None
