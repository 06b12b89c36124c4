"""What a fleet's counts and times say of the run itself: the evidence that the verdict is spoken on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .latency import summarise
from .meter import CLOCK_BOUND, REPLAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .fleet import Fleet
    from .presence import Counts
    from .worker_state import WorkerState

LOOP_LAG = "loop_lag"
GENERATOR_DELAY = "generator_delay"
_EXHAUSTED = ("out of file descriptors", "out of local ports")
"""How the transport says that descriptors or ports ran out."""


@dataclass(slots=True)
class Evidence:
    """What a run says of itself.

    Counts, but for: loop_lag_p99_ms (how late the workers' event loop woke up), generator_delay_p99_ms (from a
    read's receive timestamp to when it was dealt with), clock_bound_p99_ms (by how much a latency across clocks
    may be wrong, at most), cpu_percent (the busiest worker's mean). coalesced: deliveries that came out of one
    read with others, so that they bear the time of the last one. lost_workers: those that sent no totals,
    away_workers: those that were not heard for a while, in words. uncounted_reports: workers whose totals do not
    match the sum of their reports. late_triggers: learnt when users that may have been owed their broadcasts
    were counted already. unknown_triggers: that a worker never learnt of. exhausted: failures for want of
    descriptors or ports. failed: triggers without an answer, or without an id in it. foreign: broadcasts of which
    nobody can tell whose they are. lost: deliveries that count as lost though their receivers were there. timed:
    deliveries in the histograms, arrived: in the accounts, unowed: of these, those that nobody was owed.
    sent_again: connects whose first packets were, out of so many.
    """

    expected: int = 0
    due: int = 0
    missed: int = 0
    refused: int = 0
    failed: int = 0
    foreign: int = 0
    lost: int = 0
    lost_workers: Sequence[str] = ()
    away_workers: Sequence[str] = ()
    missing_reports: int = 0
    uncounted_reports: int = 0
    late_triggers: int = 0
    unknown_triggers: int = 0
    negative_latency: int = 0
    unbounded_latency: int = 0
    clock_steps: int = 0
    clock_bound_p99_ms: float | None = None
    exhausted: int = 0
    user_errors: int = 0
    received: int = 0
    coalesced: int = 0
    timed: int = 0
    arrived: int = 0
    unowed: int = 0
    connects: int = 0
    sent_again: int = 0
    loop_lag_p99_ms: float | None = None
    generator_delay_p99_ms: float | None = None
    cpu_percent: float | None = None
    cpu_warning: bool = False
    interrupted: bool = False


def evidence_of(
    fleet: Fleet,
    deliveries: Counts,
    failures: Mapping[str, int],
    lost: Iterable[WorkerState],
    *,
    cpu_warning: bool = False,
) -> Evidence:
    """The evidence of a run, as far as it has come.

    :param deliveries: of all rooms and slots.
    :param failures: what users could not do, by reason.
    :param lost: the workers that are lost.
    :param cpu_warning: whether Locust warned of CPU use.
    """
    workers = fleet.workers.values()
    return Evidence(
        expected=deliveries.expected,
        due=fleet.counter("due"),
        missed=fleet.counter("missed"),
        refused=fleet.counter("refused"),
        failed=fleet.counter("failed"),
        foreign=fleet.counter("foreign"),
        lost=deliveries.lost - deliveries.missed_offline,
        lost_workers=[
            f"{worker.number} ({worker.gauges_at_last.get('connected', 0)} connections, "
            f"{sum(worker.timed.values())} deliveries timed)"
            for worker in lost
        ],
        away_workers=[f"{worker.number} ({worker.away_s:.0f} s)" for worker in workers if worker.away_s],
        missing_reports=sum(worker.gaps for worker in workers),
        uncounted_reports=sum(_differs(worker) for worker in workers),
        late_triggers=fleet.counter("late_triggers"),
        unknown_triggers=fleet.counter("unknown_triggers"),
        negative_latency=fleet.counter("negative_latency"),
        unbounded_latency=fleet.counter("unbounded_latency"),
        clock_steps=fleet.counter("clock_steps"),
        clock_bound_p99_ms=summarise(fleet.latencies[CLOCK_BOUND])["p99"],
        exhausted=sum(count for why, count in failures.items() if any(word in why.lower() for word in _EXHAUSTED)),
        user_errors=fleet.counter("user_errors"),
        loop_lag_p99_ms=summarise(fleet.latencies[LOOP_LAG])["p99"],
        generator_delay_p99_ms=summarise(fleet.latencies[GENERATOR_DELAY])["p99"],
        received=fleet.counter("received"),
        connects=fleet.counter("connects") + fleet.counter("reconnects"),
        sent_again=fleet.counter("sent_again"),
        coalesced=fleet.counter("coalesced"),
        cpu_percent=max((mean(worker.cpu_percent) or 0.0 for worker in workers), default=None),
        cpu_warning=cpu_warning,
    )


def evidence_at_the_end(fleet: Fleet, deliveries: Counts, *, cpu_warning: bool, interrupted: bool) -> Evidence:
    """The evidence of a run that is over: also whether what was timed is what was counted.

    :param interrupted: whether it ended before its time.
    """
    workers = fleet.workers.values()
    lost = [worker for worker in workers if worker.totals is None]
    evidence = evidence_of(fleet, deliveries, fleet.by_key("failures"), lost, cpu_warning=cpu_warning)
    replayed = fleet.latencies[REPLAY].get_total_count()
    evidence.interrupted = interrupted
    evidence.timed = sum(sum(worker.timed.values()) for worker in workers) + replayed
    evidence.arrived = deliveries.arrived
    evidence.unowed = deliveries.unowed
    return evidence


def mean(values: list[float]) -> float | None:
    """The mean; None of nothing."""
    return sum(values) / len(values) if values else None


def _differs(worker: WorkerState) -> bool:
    totals = worker.totals
    if totals is None:
        return False
    counted = {name: count for name, count in totals.counters.items() if count}
    reported = {name: count for name, count in worker.counters.items() if count}
    return totals.reports != worker.last_report or counted != reported
