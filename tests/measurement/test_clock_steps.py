"""Tests of clocks that drift and are set by a few milliseconds in mid-run, compared over networks of many kinds.

Each run is a simulation with its own seed. It knows the true offset at every moment. It also finds out, by brute
force, whether all exchanges can be true together. From the first exchange that contradicts the others, the step
has to be known, and the bound has to hold again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from loadtest.measurement.clock import MOST_DRIFT, WANDER, ClockFilter, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    Law = Callable[[Random], tuple[float, float]]

MS: Final = 1_000_000
S: Final = 1000 * MS
START_NS: Final = 1_800_000_000 * S
RUN_S: Final = 60
MOST_STEP_MS: Final = 20.0
ROUNDING_NS: Final = 4


def quiet(rng: Random) -> tuple[float, float]:
    """Draw from a network without other traffic."""
    return rng.uniform(0.2, 0.4), rng.uniform(0.2, 0.4)


def slow_one_way(rng: Random) -> tuple[float, float]:
    """Draw from a route that is much longer one way."""
    return 0.3 + rng.expovariate(2.0), 12.0 + rng.expovariate(0.5)


def heavy_tailed(rng: Random) -> tuple[float, float]:
    """Draw from a network where a few exchanges take hundreds of milliseconds."""
    return 0.3 * rng.paretovariate(1.2), 0.3 * rng.paretovariate(1.2)


def busy_channel(rng: Random) -> tuple[float, float]:
    """Draw from queues on either side, which delay most exchanges but seldom both at once."""
    there, back = 0.3 + rng.expovariate(5.0), 0.3 + rng.expovariate(5.0)
    kind = rng.random()
    if kind < 0.5:
        there += rng.expovariate(0.1)
    if kind > 0.3:
        back += rng.expovariate(0.05)
    return there, back


LAWS: Final = (quiet, slow_one_way, heavy_tailed, busy_channel)
"""Each returns the travel times of a question and of its answer, in milliseconds."""


@dataclass
class Clocks:
    """A true time, our clock and theirs. Both clocks may drift, and at most one is set, once.

    step_ns: by how much the offset (theirs - ours) changes at `step_at_ns` of the true time.
    """

    offset_ns: int
    drift: float
    step_ns: int
    step_at_ns: int
    ours_is_set: bool

    def ours_ns(self, true_ns: int) -> int:
        return true_ns - (self.step_ns if self.ours_is_set and true_ns >= self.step_at_ns else 0)

    def theirs_ns(self, true_ns: int) -> int:
        set_ns = self.step_ns if not self.ours_is_set and true_ns >= self.step_at_ns else 0
        return true_ns + self.offset_ns + round(self.drift * (true_ns - START_NS)) + set_ns

    def true_offset_ns(self, true_ns: int) -> int:
        return self.theirs_ns(true_ns) - self.ours_ns(true_ns)

    def exchange(self, true_ns: int, there_ns: int, held_ns: int, back_ns: int) -> tuple[Exchange, int]:
        """Return the exchange, and the true time of its end."""
        arrived_ns = true_ns + there_ns
        answered_ns = arrived_ns + held_ns
        end_ns = answered_ns + back_ns
        times = (self.ours_ns(true_ns), self.theirs_ns(arrived_ns), self.theirs_ns(answered_ns))
        return Exchange(*times, self.ours_ns(end_ns), end_ns - true_ns), end_ns


@dataclass
class Possible:
    """Checks whether all exchanges can be true together with a constant drift: every pair, for every drift."""

    seen: list[tuple[int, float, float]] = field(default_factory=list)
    low: float = -MOST_DRIFT
    high: float = MOST_DRIFT

    def add(self, exchange: Exchange) -> bool:
        """Take one more exchange; return whether all can still be true together."""
        most_ns = MOST_DRIFT * (exchange.received_ns - exchange.sent_ns) + ROUNDING_NS
        at_ns = exchange.received_ns
        low_ns = exchange.answered_ns - exchange.received_ns - most_ns
        high_ns = exchange.arrived_ns - exchange.sent_ns + most_ns
        for before_ns, before_low_ns, before_high_ns in self.seen:
            apart_ns = at_ns - before_ns
            if apart_ns <= 0:
                return False
            self.low = max(self.low, (low_ns - before_high_ns) / apart_ns - WANDER)
            self.high = min(self.high, (high_ns - before_low_ns) / apart_ns + WANDER)
        self.seen.append((at_ns, low_ns, high_ns))
        return self.low <= self.high and low_ns <= high_ns


@dataclass
class Result:
    """Result of a run: errors beyond the bound in milliseconds, 0 where the bound held."""

    steps: int
    revealed: bool
    error_ms: float = 0.0
    unnoticed_error_ms: float = 0.0
    unnoticed_s: float = 0.0


def clocks_of(rng: Random, *, steps: bool) -> Clocks:
    step_ns = round(rng.uniform(-MOST_STEP_MS, MOST_STEP_MS) * MS) if steps else 0
    return Clocks(
        rng.randrange(-3600 * S, 3600 * S),
        rng.uniform(-200e-6, 200e-6),
        step_ns,
        START_NS + rng.randrange(2 * S, (RUN_S - 10) * S),
        rng.random() < 0.5,
    )


def play(law: Law, seed: int, *, steps: bool) -> Result:
    """Make exchanges like a worker: quickly at first, then once a second."""
    rng = Random(f"{law.__name__} {seed} {steps}")
    clocks = clocks_of(rng, steps=steps)
    known, possible = ClockFilter(), Possible()
    result = Result(0, revealed=False)
    asked_ns, number = START_NS, 0
    while asked_ns < START_NS + RUN_S * S:
        there_ms, back_ms = law(rng)
        exchange, end_ns = clocks.exchange(
            asked_ns, round(there_ms * MS), rng.randrange(MS // 5), round(back_ms * MS)
        )
        known.take(exchange)
        result.revealed = result.revealed or not possible.add(exchange)
        number += 1
        asked_ns = max(end_ns, asked_ns + (S if number > 10 else 30 * MS))
        # The estimate stays in use until the next answer comes.
        for true_ns in (end_ns, (end_ns + asked_ns) // 2, asked_ns):
            assert known.estimate is not None
            ours_ns = clocks.ours_ns(true_ns)
            off_ns = abs(known.estimate.theirs_ns(ours_ns) - clocks.theirs_ns(true_ns))
            beyond_ms = (off_ns - known.estimate.bound_at_ns(ours_ns) - ROUNDING_NS) / MS
            if beyond_ms <= 0:
                continue
            is_later = true_ns >= clocks.step_at_ns > end_ns
            if result.revealed and not is_later:
                result.error_ms = max(result.error_ms, beyond_ms)
            else:
                result.unnoticed_error_ms = max(result.unnoticed_error_ms, beyond_ms)
                result.unnoticed_s = (true_ns - clocks.step_at_ns) / S
    result.steps = known.steps
    return result


RUNS: Final = 80


@pytest.mark.parametrize("law", LAWS)
def test_from_the_exchange_on_that_reveals_a_step_the_bound_holds(
    law: Callable[[Random], tuple[float, float]],
) -> None:
    results = [play(law, seed, steps=True) for seed in range(RUNS)]
    assert [result.error_ms for result in results] == [0.0] * RUNS
    assert [result.steps for result in results] == [int(result.revealed) for result in results]
    # Enough steps are detectable, so the simulation is meaningful.
    assert sum(result.revealed for result in results) > RUNS / 5


@pytest.mark.parametrize("law", LAWS)
def test_where_no_clock_is_set_no_step_is_reported_and_the_bound_holds(
    law: Callable[[Random], tuple[float, float]],
) -> None:
    results = [play(law, seed, steps=False) for seed in range(RUNS)]
    assert [result.error_ms + result.unnoticed_error_ms for result in results] == [0.0] * RUNS
    assert [result.steps for result in results] == [0] * RUNS
