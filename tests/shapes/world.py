"""A simulated backend and load generator for the search, with known capacity, noise and stalls of every kind."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from loadtest.shapes.trial import Moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.shapes.capacity import Search

STEEPNESS = 8
"""The share of late deliveries rises with this power of the load."""


@dataclass
class World:
    """A backend that delivers a share of the deliveries late; the share grows with the load.

    capacity: the load at which 1% are late.
    noise: variation of the share between seconds: the sigma of a log-normal factor with mean 1.
    stalls: share of seconds in which nothing is delivered; it all comes a second later, late.
    outages: share of seconds whose deliveries are lost.
    generator_stalls: share of seconds in which the load generator stands still, which makes them late.
    lag_s: seconds by which the counts of deliveries lag behind.
    stall_at, outage_at: seconds with a stall or an outage on purpose.
    """

    capacity: float
    noise: float = 0.1
    seed: int = 1
    stalls: float = 0.0
    outages: float = 0.0
    generator_stalls: float = 0.0
    lag_s: int = 4
    per_second: int = 2000
    stall_at: frozenset[int] = frozenset()
    outage_at: frozenset[int] = frozenset()
    change: Callable[[dict[str, float], int, float], None] = lambda *_: None
    """May change a moment's fields: (fields, second, level)."""
    now_s: int = 0
    expected: int = 0
    lost: int = 0
    due: int = 0
    by_second: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Second -> (expected, lost), as in the final record."""

    def __post_init__(self) -> None:
        self._chance = np.random.default_rng(self.seed)
        self._held = 0
        self._counted: deque[tuple[int, int, int]] = deque()

    def second(self, level: float) -> Moment:
        """Return one second at a level."""
        self.now_s += 1
        stall, outage, stands_still = self._chance.random(3)
        true = min(0.01 * (level / self.capacity) ** STEEPNESS, 1.0)
        factor = self._chance.lognormal(-(self.noise**2) / 2, self.noise)
        late = int(self._chance.binomial(self.per_second, min(true * factor, 1.0)))
        count, lost, generator_ms = self.per_second, 0, 1.0
        if outage < self.outages or self.now_s in self.outage_at:
            lost, count, late = self.per_second, 0, 0
        if stands_still < self.generator_stalls:
            generator_ms, late = 900.0, count
        count, late, self._held = count + self._held, late + self._held, 0
        if stall < self.stalls or self.now_s in self.stall_at:
            self._held, count, late = count, 0, 0
        self.expected += self.per_second
        self.lost += lost
        self.due += 10
        self.by_second[self.now_s] = self.per_second, lost
        self._counted.append((self.now_s + 1, self.expected, self.lost))
        while len(self._counted) > self.lag_s + 1:
            self._counted.popleft()
        until_s, expected, counted_lost = self._counted[0]
        fields = {
            "at_s": self.now_s,
            "count": count,
            "late": late,
            "members": round(level),
            "counted_until_s": until_s,
            "expected": expected,
            "lost": counted_lost,
            "due": self.due,
            "generator_ms": generator_ms,
        }
        self.change(fields, self.now_s, level)
        return Moment(**fields)  # type: ignore[arg-type]

    def search(self, search: Search, most_s: int = 20_000) -> Search:
        """Run a search to its end, and return it."""
        while not search.done and self.now_s < most_s:
            if search.waits:
                search.begin(self.now_s)
            search.feed(self.second(search.level))
        assert search.done, f"the search went on after {most_s} s: {search.trials[-5:]}"
        search.reconcile(self.by_second)
        return search
