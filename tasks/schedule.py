"""When a publisher's triggers are due: an open model, which a slow backend cannot slow down.

Pure: a schedule never sleeps and never reads a clock.
"""

from __future__ import annotations

from dataclasses import dataclass

LATEST_S = 1.0
"""A trigger that could not leave within this time after it was due is a missed send."""


@dataclass(frozen=True, slots=True)
class ConstantRate:
    """Triggers at equal distances.

    :param rate_per_s: triggers a second of this one publisher.
    :param phase_s: when the first one is due; spreads publishers over the interval.
    """

    rate_per_s: float
    phase_s: float = 0.0

    def due_s(self, number: int) -> float:
        """When the trigger of a number (from 0) is due, in seconds since the schedule's start."""
        return self.phase_s + number / self.rate_per_s


def share(rate_per_s: float, publishers: int, index: int) -> ConstantRate:
    """One publisher's part of a rate that all publishers share, evenly interleaved with the others'."""
    return ConstantRate(rate_per_s / publishers, (index % publishers) / rate_per_s)
