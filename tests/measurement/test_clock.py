"""Clocks that are set wrong, drift and jump on purpose, over networks that are slow one way."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.measurement.clock import KEPT_NS, MOST_DRIFT, WANDER, ClockFilter, Exchange

MS = 1_000_000
S = 1000 * MS
START_NS = 1_800_000_000 * S


@dataclass
class World:
    """Two clocks: ours is the world's time, theirs is off and drifts."""

    offset_ns: int
    drift: float
    jumped_ns: int = 0

    def theirs_ns(self, ours_ns: int) -> int:
        return ours_ns + self.offset_ns + round(self.drift * (ours_ns - START_NS)) + self.jumped_ns

    def exchange(self, at_ns: int, there_ns: int, held_ns: int, back_ns: int) -> Exchange:
        arrived_ns = at_ns + there_ns
        answered_ns = arrived_ns + held_ns
        return Exchange(at_ns, self.theirs_ns(arrived_ns), self.theirs_ns(answered_ns), answered_ns + back_ns)


def error_ns(world: World, clocks: ClockFilter, ours_ns: int) -> float:
    """By how much the estimate is wrong, less what it says it may be."""
    estimate = clocks.estimate
    assert estimate is not None
    off_ns = abs(estimate.theirs_ns(ours_ns) - world.theirs_ns(ours_ns))
    return off_ns - estimate.bound_at_ns(ours_ns)


worlds = st.builds(World, st.integers(-3600 * S, 3600 * S), st.floats(-0.9 * MOST_DRIFT, 0.9 * MOST_DRIFT))


@settings(max_examples=100, deadline=None)
@given(worlds, st.integers(2, 180), st.sampled_from([MS // 10, MS, 20 * MS]), st.randoms(use_true_random=False))
def test_the_bound_holds_whatever_the_network_does(world: World, asks: int, delay_ns: int, rng: Random) -> None:
    clocks = ClockFilter()
    exchanges = []
    for number in range(asks):
        at_ns = START_NS + number * S + rng.randrange(100 * MS)
        # Slow one way as often as not, and now and then very slow.
        there_ns, back_ns = (round(delay_ns * rng.uniform(0, 3) ** 3) + 50_000 for _ in range(2))
        there_ns += rng.choice([0, 0, 0, 300 * MS])
        exchanges.append(world.exchange(at_ns, there_ns, rng.randrange(MS), back_ns))
    # A slow exchange may be received after the next one.
    for exchange in sorted(exchanges, key=lambda one: one.received_ns):
        clocks.take(exchange)
        for later_ns in (0, S // 2, 5 * S):
            assert error_ns(world, clocks, exchange.received_ns + later_ns) <= 2
    assert clocks.steps == 0


@given(worlds)
def test_there_and_back_again(world: World) -> None:
    clocks = ClockFilter()
    for number in range(30):
        clocks.take(world.exchange(START_NS + number * S, MS, 0, MS))
    estimate = clocks.estimate
    assert estimate is not None
    for ours_ns in (START_NS + 29 * S, START_NS + 60 * S, START_NS - 10 * S):
        assert abs(estimate.ours_ns(estimate.theirs_ns(ours_ns)) - ours_ns) <= 1


def test_the_bound_is_half_the_least_delay_and_the_drift_is_found() -> None:
    world = World(-7 * S, 200e-6)
    clocks = ClockFilter()
    rng = Random(1)
    for number in range(120):
        slow_ns = rng.choice([0, 5 * MS, 80 * MS])
        clocks.take(world.exchange(START_NS + number * S, MS + slow_ns, 0, MS))
    estimate = clocks.estimate
    assert estimate is not None
    assert estimate.drift == pytest.approx(200e-6, abs=20e-6)
    # Half of the least delay is 1 ms.
    assert estimate.bound_ns < 1.1 * MS


def test_a_slow_exchange_does_not_spoil_what_is_known() -> None:
    world = World(S, 0.0)
    clocks = ClockFilter()
    clocks.take(world.exchange(START_NS, MS, 0, MS))
    clocks.take(world.exchange(START_NS + S, 900 * MS, 0, MS))
    estimate = clocks.estimate
    assert estimate is not None
    assert estimate.bound_ns < 2 * MS


@pytest.mark.parametrize("jump_ns", [-10 * S, 50 * MS, 3600 * S])
def test_a_clock_that_is_set_is_noticed_and_followed(jump_ns: int) -> None:
    world = World(0, 0.0)
    clocks = ClockFilter()
    for number in range(20):
        clocks.take(world.exchange(START_NS + number * S, MS, 0, MS))
    world.jumped_ns = jump_ns
    for number in range(20, 23):
        clocks.take(world.exchange(START_NS + number * S, MS, 0, MS))
    assert clocks.steps == 1
    assert error_ns(world, clocks, START_NS + 23 * S) <= 2


def test_a_drift_that_changes_is_followed() -> None:
    world = World(0, 100e-6)
    clocks = ClockFilter()
    for number in range(60):
        clocks.take(world.exchange(START_NS + number * S, MS // 5, 0, MS // 5))
    world.jumped_ns = round((world.drift - -100e-6) * 60 * S)
    world.drift = -100e-6
    for number in range(60, 100):
        clocks.take(world.exchange(START_NS + number * S, MS // 5, 0, MS // 5))
    assert error_ns(world, clocks, START_NS + 100 * S) <= 2


def test_an_exchange_that_contradicts_itself_is_a_step_and_limits_the_clocks_at_its_end() -> None:
    # Their clock was set forward by a second between question and answer. The whole exchange took a millisecond.
    clocks = ClockFilter()
    clocks.take(Exchange(START_NS, START_NS, START_NS + S, START_NS + MS, MS))
    assert clocks.steps == 1
    assert clocks.estimate is not None
    assert abs(clocks.estimate.offset_ns - S) <= clocks.estimate.bound_ns
    assert clocks.estimate.bound_ns < MS


@pytest.mark.parametrize("back_ns", [3 * MS, 30 * MS, 3600 * S])
def test_our_clock_that_is_set_back_while_an_exchange_is_under_way(back_ns: int) -> None:
    clocks = ClockFilter()
    for number in range(20):
        clocks.take(Exchange(*(START_NS + number * S + at for at in (0, MS, MS, 2 * MS)), 2 * MS))
    sent_ns = START_NS + 20 * S
    arrived_ns = sent_ns + 5 * MS
    clocks.take(Exchange(sent_ns, arrived_ns, arrived_ns, arrived_ns + MS // 10 - back_ns, 6 * MS))
    assert clocks.steps == 1
    assert clocks.estimate is not None
    assert abs(clocks.estimate.offset_ns - back_ns) <= clocks.estimate.bound_ns


def estimate_of(*exchanges: Exchange) -> tuple[float, float, float, int]:
    """(drift, growth, bound, steps)."""
    clocks = ClockFilter()
    for exchange in exchanges:
        clocks.take(exchange)
    assert clocks.estimate is not None
    return clocks.estimate.drift, clocks.estimate.growth, clocks.estimate.bound_ns, clocks.steps


def test_one_exchange_says_nothing_of_the_drift() -> None:
    world = World(S, 0.0)
    drift, growth, bound_ns, _ = estimate_of(world.exchange(START_NS, MS, 0, MS))
    assert drift == 0.0
    assert growth == MOST_DRIFT + WANDER
    # Half of the delay, what a clock may drift meanwhile, and the remainders of two divisions.
    assert bound_ns == MS + MOST_DRIFT * 2 * MS + 2


def test_two_exchanges_limit_the_drift_and_the_wander_is_added() -> None:
    world = World(S, 0.0)
    apart_ns = 100 * S
    drift, growth, _, _ = estimate_of(*(world.exchange(START_NS + at, MS, 0, MS) for at in (0, apart_ns)))
    error_ns = 2 * (MS + MOST_DRIFT * 2 * MS + 1)
    assert drift == pytest.approx(0.0, abs=1e-12)
    assert growth == pytest.approx(error_ns / apart_ns + 2 * WANDER, rel=1e-9)


def test_two_exchanges_at_one_moment_say_nothing_of_the_drift() -> None:
    world = World(S, 0.0)
    first = world.exchange(START_NS + 5 * MS, MS, 0, MS)
    again = world.exchange(START_NS, MS, 0, 6 * MS)
    _, growth, _, steps = estimate_of(first, again)
    assert steps == 0
    assert growth == MOST_DRIFT + WANDER


def test_each_side_of_the_best_exchange_limits_the_offset() -> None:
    world = World(S, 0.0)
    there, back = (
        world.exchange(START_NS + at * S, *ways) for at, ways in enumerate([(0, 0, 50 * MS), (50 * MS, 0, 0)])
    )
    # Each is slow one way and exact the other way; in the second between them, a clock may drift by 0.5 ms.
    assert estimate_of(there, back)[2] < MS


def test_an_exchange_is_kept_for_a_while_only() -> None:
    world = World(S, 0.0)
    quick, slow = world.exchange(START_NS, 0, 0, 0), world.exchange(START_NS + KEPT_NS, MS, 0, MS)
    later = world.exchange(START_NS + KEPT_NS + S, 5 * MS, 0, 5 * MS)
    assert estimate_of(quick, slow)[1] < MOST_DRIFT / 10
    # The quick exchange is no longer kept.
    assert estimate_of(quick, slow, later)[1] == pytest.approx(MOST_DRIFT, rel=0.01)


def test_the_drift_may_wander_a_little_and_no_step_is_reported() -> None:
    clocks = ClockFilter()
    offset_ns, drift = 0.0, 50e-6
    for number in range(600):
        drift += 0.4e-6 * (1 if number // 100 % 2 else -1) / 100
        offset_ns += drift * S
        at_ns = START_NS + number * S
        there_ns = at_ns + 20_000 + round(offset_ns)
        clocks.take(Exchange(at_ns, there_ns, there_ns, at_ns + 40_000))
        assert clocks.estimate is not None
        assert abs(clocks.estimate.offset_ns - offset_ns) <= clocks.estimate.bound_ns + drift * 40_000
    assert clocks.steps == 0


@pytest.mark.parametrize("forward_ns", [3600 * S, -3600 * S])
def test_a_clock_of_ours_that_is_set_by_an_hour_is_noticed(forward_ns: int) -> None:
    clocks = ClockFilter()
    for number in range(20):
        ours_ns = START_NS + number * S + (forward_ns if number >= 10 else 0)
        theirs_ns = START_NS + number * S + MS
        clocks.take(Exchange(ours_ns, theirs_ns, theirs_ns, ours_ns + 2 * MS, 2 * MS))
    assert clocks.steps == 1
    assert clocks.estimate is not None
    assert abs(clocks.estimate.offset_ns + forward_ns) <= clocks.estimate.bound_ns


def test_since_when_estimates_may_have_been_wrong_is_told() -> None:
    world = World(0, 0.0)
    clocks = ClockFilter()
    for number in range(10):
        clocks.take(world.exchange(START_NS + number * S, MS, 0, MS))
    world.jumped_ns = 3 * MS
    # This one is too slow to decide whether the step was before it or after it.
    clocks.take(world.exchange(START_NS + 10 * S, 50 * MS, 0, 50 * MS))
    assert clocks.steps == 0
    clocks.take(world.exchange(START_NS + 11 * S, MS, 0, MS))
    assert (clocks.steps, clocks.doubtful_from_ns) == (1, START_NS + 9 * S + 2 * MS)


def test_a_clock_that_is_set_twice_is_noticed_twice() -> None:
    world = World(0, 0.0)
    exchanges = [world.exchange(START_NS, MS, 0, MS)]
    for number in (1, 2):
        world.jumped_ns += S
        exchanges.append(world.exchange(START_NS + number * S, MS, 0, MS))
    assert estimate_of(*exchanges)[3] == 2


def test_an_exchange_that_took_no_time_is_the_best_there_can_be() -> None:
    drift, _, bound_ns, _ = estimate_of(Exchange(START_NS, START_NS + S, START_NS + S, START_NS))
    assert (drift, bound_ns) == (0.0, 2.0)
