"""One worker as the master sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loadtest.measurement.clocks import Clock
    from loadtest.measurement.interim import Interim
    from loadtest.measurement.report import Totals, WorkerReport


@dataclass(slots=True)
class WorkerState:
    """What its reports and its totals said.

    gaps: numbers of reports that never came. repeats: reports that came twice. away_s: how long it was not heard
    and then came back, all times together. receive_clock: the clock of its receive timestamps of deliveries;
    empty if unknown. loop_lag_ms: how late its event loop woke up, p99 of the worst report.
    complete_ns, timed: see `WorkerReport`.
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
    receive_clock: str = ""
    loop_lag_ms: float = 0.0
    heard_s: float | None = None
    away_s: float = 0.0
    complete_ns: int = 0
    timed: dict[tuple[int, int], int] = field(default_factory=dict)
    interim: Interim | None = None
    totals: Totals | None = None

    def take(self, report: WorkerReport) -> None:
        """Take over the state that a new report has."""
        health = report.health
        self.counters = report.counters
        self.gauges = self.gauges_at_last = report.gauges
        self.timed = report.timed
        self.complete_ns = report.complete_ns
        # The wait at the end of a run is not the load.
        if not health.get("closing"):
            self.cpu_percent.append(health["cpu_percent"])
        self.health = health
        self.loop_lag_ms = max(self.loop_lag_ms, health.get("loop_lag_p99_ms", 0.0))
        self.publishing_since_s = health.get("publishing_since_s", 0.0)

    @property
    def due(self) -> int:
        """How many triggers it had to send."""
        return self.counters.get("due", 0)
