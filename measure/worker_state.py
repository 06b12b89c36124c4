"""One worker as the master sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .clocks import Clock
    from .interim import Interim
    from .report import Totals


@dataclass(slots=True)
class WorkerState:
    """What its reports and its totals said.

    gaps: numbers of reports that never came. repeats: reports that came twice. away_s: how long it was not heard
    and then came back, all times together. complete_ns, timed: see `WorkerReport`.
    """

    number: int
    last_report: int = 0
    last_at_s: int = 0
    gaps: int = 0
    repeats: int = 0
    counters: dict[str, int] = field(default_factory=dict)
    gauges: dict[str, int] = field(default_factory=dict)
    gauges_at_last: dict[str, int] = field(default_factory=dict)
    cpu_percent: list[float] = field(default_factory=list)
    health: dict[str, float] = field(default_factory=dict)
    publishing_since_s: float = 0.0
    clock: Clock | None = None
    heard_s: float | None = None
    away_s: float = 0.0
    complete_ns: int = 0
    timed: dict[tuple[int, int], int] = field(default_factory=dict)
    interim: Interim | None = None
    totals: Totals | None = None

    @property
    def due(self) -> int:
        """How many triggers it had to send."""
        return self.counters.get("due", 0)
