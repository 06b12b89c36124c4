"""Round trips that somebody measured one by one."""

from __future__ import annotations

import statistics
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds, in the order of measuring; at least one."""

    samples_ms: list[float]

    @property
    def average_ms(self) -> float:
        """Their mean."""
        return statistics.fmean(self.samples_ms)

    @property
    def median_ms(self) -> float:
        """Half of them took no longer."""
        return statistics.median(self.samples_ms)

    @property
    def max_ms(self) -> float:
        """The longest."""
        return max(self.samples_ms)

    @property
    def min_ms(self) -> float:
        """The shortest."""
        return min(self.samples_ms)

    def __str__(self) -> str:
        return f"{len(self.samples_ms)} round trips, mean {self.average_ms:.1f} ms, longest {self.max_ms:.1f} ms"
