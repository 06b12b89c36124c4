"""A run's `summary.json`: everything the master knows, as plain data. The schema is in docs/run-record.md."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from . import slo, validity
from .connects import slowest_batch_ms
from .latency import new_histogram, summarise
from .meter import CONNECT, CONNECT_PHASE, JOIN, TRIGGER
from .presence import Counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .fleet import Fleet, WorkerState
    from .sighting import FrameReader

SCHEMA = 1
LOOP_LAG = "loop_lag"
GENERATOR_DELAY = "generator_delay"
GC_PAUSE = "gc_pause"
_BATCH = 20
_MANY_CONNECTIONS = 50
_MANY_MEMBERS = 20
_EXHAUSTED = ("out of file descriptors", "out of local ports")
"""How the transport says that descriptors or ports ran out."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is known of a run beside its measurements.

    started: ISO 8601. duration_s: from the start of the load to its end. publishing_s: how long the publishers
    published. users: Locust users by class, at their most.
    """

    run_id: str
    target: str
    profile: str
    started: str
    duration_s: float
    publishing_s: float
    users: Mapping[str, int]
    rooms: int
    rate_per_s: float
    receive_clock: str
    interrupted: bool
    cpu_warning: bool


def build(
    facts: RunFacts,
    fleet: Fleet,
    reader: FrameReader,
    objectives: list[slo.Objective],
    asked: Mapping[str, float],
) -> dict[str, Any]:
    """The summary of a run that is over."""
    rooms = fleet.rooms()
    deliveries = _all(counts for slots in rooms.values() for counts in slots)
    times = all_deliveries(fleet, reader)
    verdict, reasons = validity.judge(_evidence(facts, fleet, deliveries))
    figures = _figures(facts, fleet, rooms, times)
    valid = verdict is validity.Verdict.VALID
    return {
        "schema": SCHEMA,
        "run_id": facts.run_id,
        "target": facts.target,
        "profile": facts.profile,
        "started": facts.started,
        "duration_s": round(facts.duration_s, 3),
        "publishing_s": round(facts.publishing_s, 3),
        "interrupted": facts.interrupted,
        "users": sum(facts.users.values()),
        "users_by_class": dict(facts.users),
        "rooms": facts.rooms,
        "rate_per_s": facts.rate_per_s,
        "workers": len(fleet.workers),
        "receive_clock": facts.receive_clock,
        "validity": {"verdict": verdict.name.lower(), "reasons": reasons},
        "slo": slo.judge(objectives, figures, asked, valid=valid),
        "deliveries": {
            **asdict(deliveries),
            "leaked": sum(fleet.by_key("leaked").values()),
            "corrupt": fleet.counter("corrupt"),
            "foreign": fleet.counter("foreign"),
            "coalesced": fleet.counter("coalesced"),
        },
        "untraced": _untraced(fleet, rooms, reader),
        "latency_ms": {
            name: summarise(fleet.latencies[name]) for name in dict.fromkeys(slot.event for slot in reader.slots)
        },
        "connect_ms": summarise(fleet.latencies[CONNECT]) | {"failed": fleet.counter("connect_failures")},
        "connect_phases_ms": {
            name.removeprefix(CONNECT_PHASE): summarise(histogram)
            for name, histogram in fleet.latencies.items()
            if name.startswith(CONNECT_PHASE)
        },
        "join_ms": summarise(fleet.latencies[JOIN]) | {"failed": fleet.counter("join_failures")},
        "trigger_ms": summarise(fleet.latencies[TRIGGER]),
        "loop_lag_ms": summarise(fleet.latencies[LOOP_LAG]),
        "generator_delay_ms": summarise(fleet.latencies[GENERATOR_DELAY]),
        "gc_pause_ms": summarise(fleet.latencies[GC_PAUSE]),
        "triggers": {name: fleet.counter(name) for name in ("due", "sent", "missed", "refused", "failed")},
        "connections": {
            "most": fleet.most_connected,
            "lost": fleet.counter("connections_lost"),
            "reconnects": fleet.counter("reconnects"),
        },
        "failures": dict(fleet.by_key("failures").most_common(20)),
    }


def worker_rows(fleet: Fleet) -> list[dict[str, Any]]:
    """One row for each worker."""
    return [
        {
            "worker": worker.number,
            "id": worker_id,
            "reports": worker.last_report,
            "gaps": worker.gaps,
            "repeats": worker.repeats,
            "totals": worker.totals is not None,
            "clock": worker.clock,
            "cpu_percent": round(_mean(worker.cpu_percent) or 0.0, 1),
            "rss_mb": round(worker.rss_bytes / 1e6, 1),
            **{name: worker.counters.get(name, 0) for name in ("connects", "received", "due", "sent")},
        }
        for worker_id, worker in fleet.workers.items()
    ]


def room_rows(fleet: Fleet, reader: FrameReader) -> list[dict[str, Any]]:
    """One row for each room and traced broadcast."""
    members = fleet.by_key("members")
    leaked = fleet.by_key("leaked")
    return [
        {
            "room": room,
            "members": members[room],
            "event": reader.slots[slot].event,
            "label": reader.slots[slot].label,
            **asdict(counts),
            "leaked": leaked[room],
        }
        for room, slots in sorted(fleet.rooms().items())
        for slot, counts in enumerate(slots)
    ]


def _all(counts: Any) -> Counts:
    total = Counts()
    for more in counts:
        total.add(more)
    return total


def all_deliveries(fleet: Fleet, reader: FrameReader) -> Any:
    """The latencies of all timed events in one histogram."""
    merged = new_histogram()
    for event in {slot.event for slot in reader.slots}:
        merged.add(fleet.latencies[event])
    return merged


def _evidence(facts: RunFacts, fleet: Fleet, deliveries: Counts) -> validity.Evidence:
    failures = fleet.by_key("failures")
    workers = fleet.workers.values()
    return validity.Evidence(
        expected=deliveries.expected,
        due=fleet.counter("due"),
        missed=fleet.counter("missed"),
        refused=fleet.counter("refused"),
        lost_workers=sum(worker.totals is None for worker in workers),
        missing_reports=sum(worker.gaps for worker in workers),
        uncounted_reports=sum(_differs(worker) for worker in workers),
        negative_latency=fleet.counter("negative_latency"),
        exhausted=sum(count for why, count in failures.items() if any(word in why.lower() for word in _EXHAUSTED)),
        user_errors=fleet.counter("user_errors"),
        clocks=len({worker.clock for worker in workers}) or 1,
        loop_lag_p99_ms=summarise(fleet.latencies[LOOP_LAG])["p99"],
        generator_delay_p99_ms=summarise(fleet.latencies[GENERATOR_DELAY])["p99"],
        received=fleet.counter("received"),
        coalesced=fleet.counter("coalesced"),
        cpu_percent=max((_mean(worker.cpu_percent) or 0.0 for worker in workers), default=None),
        cpu_warning=facts.cpu_warning,
    )


def _differs(worker: WorkerState) -> bool:
    totals = worker.totals
    if totals is None:
        return False
    counted = {name: count for name, count in totals.counters.items() if name != "foreign" and count}
    reported = {name: count for name, count in worker.counters.items() if name != "foreign" and count}
    return totals.reports != worker.last_report or counted != reported


def _figures(
    facts: RunFacts, fleet: Fleet, rooms: Mapping[int, list[Counts]], times: Any
) -> dict[str, float | None]:
    latency = summarise(times)
    connects = [connect for totals in fleet.totals() for connect in totals.connects]
    members = fleet.by_key("members")
    crowded = _all(counts for room, slots in rooms.items() if members[room] >= _MANY_MEMBERS for counts in slots)
    failures = fleet.counter("connect_failures") + fleet.counter("join_failures")
    many = fleet.most_connected >= _MANY_CONNECTIONS
    connected = [row["connected"] for row in fleet.timeline if row["connected"]]
    received = fleet.counter("received")
    per_client = None
    if connected and facts.publishing_s > 0:
        per_client = round(received / facts.publishing_s / max(connected), 3)
    batch_ms = slowest_batch_ms(connects, _BATCH)
    return {
        "connect_20_ms": None if batch_ms is None else round(batch_ms, 3),
        "failures_at_50_connections": float(failures) if many else None,
        "latency_mean_ms": latency["mean"],
        "latency_max_ms": latency["max"],
        "delivery_percent": 100.0 * crowded.delivered / crowded.expected if crowded.expected else None,
        "events_per_s_per_client": per_client,
    }


def _untraced(fleet: Fleet, rooms: Mapping[int, list[Counts]], reader: FrameReader) -> dict[str, dict[str, int]]:
    """Events that cannot be led back to a trigger: how many were owed, and how many came (edges included)."""
    received = fleet.by_key("untraced")
    owed = _all(slots[0] for slots in rooms.values() if slots)
    return {
        event: {
            "expected": owed.expected * each,
            "edge": owed.edge * each,
            "received": received[event],
        }
        for event, each in reader.untraced.items()
    }


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
