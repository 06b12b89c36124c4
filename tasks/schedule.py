"""When a publisher's triggers are due: an open model, which a slow backend cannot slow down.

Pure: a schedule never sleeps and never reads a clock.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LATEST_S = 1.0
"""A trigger that could not leave within this time after it was due is a missed send."""


CONSTANT: Final = "constant"
POISSON: Final = "poisson"
LAWS: Final = (CONSTANT, POISSON)


@dataclass(frozen=True, slots=True)
class Share:
    """One publisher's part of a rate that all publishers share.

    :param rate_per_s: triggers a second over all publishers.
    :param index: this publisher's number from 0.
    :param ramp_s: how long the rate takes to rise from nothing to `rate_per_s`, at an even slope.
    """

    rate_per_s: float
    publishers: int
    index: int
    ramp_s: float = 0.0

    def due_s(self, law: str, exponential: Callable[[float], float]) -> Iterator[float]:
        """When each trigger is due, in seconds since the schedule's start; without end.

        :param law: of the arrivals: at equal distances, evenly interleaved with the other publishers', or as a
            Poisson process, whose distances are exponential, so that those of all publishers together are too.
        :param exponential: rate -> a random number from the exponential distribution; for the Poisson process.
        """
        if law == POISSON:
            own_rate = 1.0 / self.publishers
            places = itertools.accumulate(exponential(own_rate) for _ in itertools.count())
            return (self._at_s(place) for place in places)
        first = self.index % self.publishers
        return (self._at_s(first + number * self.publishers) for number in itertools.count())

    def _at_s(self, place: float) -> float:
        """When so many triggers of all publishers have been due: the rate's integral, the other way round."""
        if place < self.rate_per_s * self.ramp_s / 2:
            return math.sqrt(2 * place * self.ramp_s / self.rate_per_s)
        return place / self.rate_per_s + self.ramp_s / 2
