"""When a publisher's triggers are due: an open model, which a slow backend cannot slow down.

Pure: a schedule never sleeps and never reads a clock.
"""

from __future__ import annotations

import itertools
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
    """

    rate_per_s: float
    publishers: int
    index: int

    def due_s(self, law: str, exponential: Callable[[float], float]) -> Iterator[float]:
        """When each trigger is due, in seconds since the schedule's start; without end.

        :param law: of the arrivals: at equal distances, evenly interleaved with the other publishers', or as a
            Poisson process, whose distances are exponential, so that those of all publishers together are too.
        :param exponential: rate -> a random number from the exponential distribution; for the Poisson process.
        """
        own_rate_per_s = self.rate_per_s / self.publishers
        if law == POISSON:
            return itertools.accumulate(exponential(own_rate_per_s) for _ in itertools.count())
        phase_s = (self.index % self.publishers) / self.rate_per_s
        return (phase_s + number / own_rate_per_s for number in itertools.count())
