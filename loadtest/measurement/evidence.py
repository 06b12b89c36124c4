"""What a fleet's counts and times say of the run itself: the evidence that the verdict is spoken on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement.keys import KeyCounts, merge
from loadtest.measurement.latency import summarise, summarise_counts
from loadtest.measurement.meter import CLOCK_BOUND, REPLAY
from loadtest.measurement.overload import OVERLOAD
from loadtest.measurement.taken import COALESCED
from loadtest.measurement.throttle import ThrottleLimit, limit_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from loadtest.measurement.fleet import Fleet
    from loadtest.measurement.presence import Counts
    from loadtest.measurement.worker_state import WorkerState

PUBLISHER: Final = "Publisher"
"""Is in the name of every class of users that publish."""
LOOP_LAG = "loop_lag"
RAMP_LOOP_LAG = "ramp_loop_lag"
"""Lag of the event loops before publishers began. The kernel times connects and joins: the lag is not in them."""
GENERATOR_DELAY = "generator_delay"
_USER_SPACE = "user-space"
"""As `transport.receive_clock` names it."""
_EXHAUSTED = ("out of file descriptors", "out of local ports")
"""How the transport says that descriptors or ports ran out."""


@dataclass(slots=True)
class Evidence:
    """What a run says of itself.

    Counts, but for: loop_lag_p99_ms (how late the workers' event loop woke up), generator_delay_p99_ms (from a
    read's receive timestamp to when it was dealt with), clock_bound_p99_ms (by how much a latency across clocks
    may be wrong, at most), cpu_percent (the busiest worker's mean). coalesced: deliveries that were read together
    with later ones, and share the last one's timestamp. bounded_ms: quantile, for events with such deliveries ->
    (the latency, the same if each delivery had arrived as early as possible). lost_workers: those that
    sent no totals, away_workers: those that were not heard for a while, in words. uncounted_reports: workers
    whose totals do not match the sum of their reports. late_triggers: learnt when users that may have expected
    their broadcasts were counted already. unknown_triggers: that a worker never learnt of. doubtful_bounds:
    latencies across clocks that were recorded before a set clock was noticed. exhausted: failures for
    want of descriptors or ports. failed: triggers without an answer, or without an id in it. foreign: broadcasts
    of which nobody can tell whose they are. throttled: the part of refused that was answered with 429. withheld:
    the part of missed that was not sent, because every source address had to be quiet. limit: of the throttle,
    None if no trigger reached it. publishing_s: how long publishers published. edge: deliveries in flight as their
    receivers joined or left. lost: deliveries that count as lost though their receivers were there. timed:
    deliveries in the histograms, arrived: in the accounts, unowed: of these, those that nobody expected.
    sent_again: connects whose first packets were, out of so many. unmatched: the part of foreign that is told by
    an id. unreadable: broadcasts that the adapter's reader failed on. adapter: its module, empty if unknown.
    adapter_errors: how often it failed. unread_answers: answers to triggers that it found no id in. unmade:
    triggers that it gave no call for. keys: which ids in answers were in broadcasts. members: users that were
    ever in a room, counted in each. users: that were started, by class. publishers: as asked for, None if
    unknown; publishers_started: whether there were any. publishing: whether publishers had begun.
    user_space_workers: those whose receive timestamps are not the kernel's, as text with the lag of their event
    loops; user_space_lag_ms: the largest of these lags. failures: by reason. overloaded: deliveries that were
    timed while scenarios overloaded the backend on purpose; judged: those whose latencies are judged.
    """

    expected: int = 0
    due: int = 0
    missed: int = 0
    refused: int = 0
    throttled: int = 0
    withheld: int = 0
    limit: ThrottleLimit | None = None
    publishing_s: float = 0.0
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
    doubtful_bounds: int = 0
    clock_bound_p99_ms: float | None = None
    exhausted: int = 0
    internal_errors: int = 0
    received: int = 0
    coalesced: int = 0
    bounded_ms: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    timed: int = 0
    arrived: int = 0
    unowed: int = 0
    connects: int = 0
    sent_again: int = 0
    loop_lag_p99_ms: float | None = None
    user_space_workers: Sequence[str] = ()
    user_space_lag_ms: float = 0.0
    generator_delay_p99_ms: float | None = None
    cpu_percent: float | None = None
    cpu_warning: bool = False
    interrupted: bool = False
    edge: int = 0
    sent: int = 0
    connect_failures: int = 0
    join_failures: int = 0
    unmatched: int = 0
    unreadable: int = 0
    adapter: str = ""
    adapter_errors: int = 0
    unread_answers: int = 0
    unmade: int = 0
    keys: KeyCounts = field(default_factory=KeyCounts)
    members: int = 0
    users: Mapping[str, int] = field(default_factory=dict)
    publishers: int | None = None
    publishers_started: bool = False
    publishing: bool = False
    failures: Mapping[str, int] = field(default_factory=dict)
    overloaded: int = 0
    judged: int = 0


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
    user_space = [worker for worker in workers if worker.receive_clock == _USER_SPACE]
    return Evidence(
        expected=deliveries.expected,
        due=fleet.counter("due"),
        missed=fleet.counter("missed"),
        refused=fleet.counter("refused"),
        throttled=fleet.counter("throttled"),
        withheld=fleet.counter("withheld"),
        limit=limit_of(row for totals in fleet.totals() for row in totals.budgets),
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
        doubtful_bounds=fleet.counter("doubtful_bounds"),
        clock_bound_p99_ms=summarise(fleet.latencies[CLOCK_BOUND])["p99"],
        exhausted=sum(count for why, count in failures.items() if any(word in why.lower() for word in _EXHAUSTED)),
        internal_errors=fleet.counter("internal_errors"),
        loop_lag_p99_ms=summarise(fleet.latencies[LOOP_LAG])["p99"],
        user_space_workers=[f"{worker.number} ({worker.loop_lag_ms:.1f} ms)" for worker in user_space],
        user_space_lag_ms=max((worker.loop_lag_ms for worker in user_space), default=0.0),
        generator_delay_p99_ms=summarise(fleet.latencies[GENERATOR_DELAY])["p99"],
        received=fleet.counter("received"),
        connects=fleet.counter("connects") + fleet.counter("reconnects"),
        sent_again=fleet.counter("sent_again"),
        coalesced=fleet.counter("coalesced"),
        bounded_ms=_bounded_ms(fleet),
        cpu_percent=max((mean(worker.cpu_percent) or 0.0 for worker in workers), default=None),
        cpu_warning=cpu_warning,
        edge=deliveries.edge,
        sent=fleet.counter("sent"),
        connect_failures=fleet.counter("connect_failures"),
        join_failures=fleet.counter("join_failures"),
        unmatched=fleet.counter("unmatched"),
        unreadable=fleet.counter("unreadable"),
        adapter_errors=fleet.counter("adapter_errors"),
        unread_answers=fleet.counter("unread_answers"),
        unmade=fleet.counter("unmade"),
        keys=merge(totals.keys for totals in fleet.totals()),
        members=fleet.by_key("members").total(),
        publishing=any(worker.publishing_since_s for worker in workers),
        failures=failures,
        overloaded=_deliveries(fleet, fleet.phases.get(OVERLOAD, {})),
        judged=_deliveries(fleet, fleet.latencies),
    )


def evidence_at_the_end(
    fleet: Fleet,
    deliveries: Counts,
    *,
    cpu_warning: bool,
    interrupted: bool,
    users: Mapping[str, int] | None = None,
    options: Mapping[str, Any] | None = None,
    publishing_s: float = 0.0,
) -> Evidence:
    """The evidence of a run that is over: also whether what was timed is what was counted.

    :param interrupted: whether it ended before its time.
    :param users: that were started, by class.
    :param options: of the run.
    :param publishing_s: how long publishers published.
    """
    workers = fleet.workers.values()
    lost = [worker for worker in workers if worker.totals is None]
    evidence = evidence_of(fleet, deliveries, fleet.by_key("failures"), lost, cpu_warning=cpu_warning)
    replayed = fleet.latencies[REPLAY].get_total_count()
    evidence.interrupted = interrupted
    evidence.publishing_s = publishing_s
    evidence.timed = sum(sum(worker.timed.values()) for worker in workers) + replayed
    evidence.arrived = deliveries.arrived
    evidence.unowed = deliveries.unowed
    evidence.users = users or {}
    evidence.publishers_started = any(count for name, count in evidence.users.items() if PUBLISHER in name)
    evidence.publishers = (options or {}).get("publishers")
    evidence.adapter = (options or {}).get("backend") or ""
    return evidence


def _deliveries(fleet: Fleet, times: Mapping[str, Any]) -> int:
    """Return how many deliveries were timed.

    :param times: metric key -> histogram.
    """
    return sum(one.get_total_count() for key, one in times.items() if fleet.by_class.is_delivered(key))


def _bounded_ms(fleet: Fleet) -> dict[str, tuple[float, float]]:
    keys = [name.removesuffix(COALESCED) for name in fleet.latencies if name.endswith(COALESCED)]
    if not keys:
        return {}
    latest, earliest = summarise(fleet.latency_of(keys)), summarise_counts(fleet.earliest_counts(keys))
    return {
        quantile: (float(latest[quantile] or 0.0), float(earliest[quantile] or 0.0)) for quantile in ("p50", "p99")
    }


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
