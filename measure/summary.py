"""A run's `summary.json`: everything the master knows, as plain data. The schema is in docs/run-record.md."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from . import growth, phases, slo, validity
from .doings import ANSWER, CONNECT, CONNECT_PHASE, JOIN
from .evidence import GENERATOR_DELAY, LOOP_LAG, evidence_at_the_end
from .figures import add_up, crowded, figures_of
from .fleet import FAN_OUT
from .latency import new_histogram, summarise
from .meter import CLOCK_BOUND, REPLAY, TRIGGER
from .presence import Counts
from .tables import timeline_rows
from .taken import ACROSS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .by_class import ClassSlot
    from .fleet import Fleet
    from .sighting import FrameReader

SCHEMA = 2
GC_PAUSE = "gc_pause"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is known of a run beside its measurements.

    started: ISO 8601. duration_s: from the start of the load to its end. publishing_s: how long the publishers
    published. users: Locust users by class, at their most. options: those that are no secret, as given or by
    default. software: name -> version of what measured. monitoring: where the samples of the backend came from,
    and how many. backend: the samples, see docs/run-record.md.
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
    options: Mapping[str, Any]
    software: Mapping[str, str]
    monitoring: Mapping[str, Any]
    backend: list[dict[str, Any]]


def build(
    facts: RunFacts,
    fleet: Fleet,
    reader: FrameReader,
    objectives: list[slo.Objective],
    asked: Mapping[str, float],
) -> dict[str, Any]:
    """The summary of a run that is over."""
    rooms = fleet.rooms(len(reader.slots))
    deliveries = add_up(counts for slots in rooms.values() for counts in slots)
    events = tuple(dict.fromkeys(slot.event for slot in reader.slots))
    times = all_deliveries(fleet, events)
    evidence = evidence_at_the_end(fleet, deliveries, cpu_warning=facts.cpu_warning, interrupted=facts.interrupted)
    verdict, reasons = validity.judge(evidence)
    figures = figures_of(fleet, deliveries, crowded(fleet, rooms), times, facts.publishing_s)
    rows = timeline_rows(fleet)
    valid = verdict is validity.Verdict.VALID
    summary = {
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
        "lost_workers": sum(worker.totals is None for worker in fleet.workers.values()),
        "receive_clock": facts.receive_clock,
        "validity": {"verdict": verdict.name.lower(), "reasons": reasons},
        "figures": figures,
        "phases": phases.summaries(fleet, events, rows),
        "deliveries": {
            **asdict(deliveries),
            "uncounted": sum(fleet.timed_by_the_lost().values()),
            "corrupt": fleet.counter("corrupt"),
            "foreign": fleet.counter("foreign"),
            "coalesced": fleet.counter("coalesced"),
        },
        "room_classes": _room_classes(fleet, rooms),
        "instances": fleet.instances.summary(fleet.totals()),
        "untraced": _untraced(fleet, rooms, reader),
        **measured(fleet, events),
        "latency_across_clocks_ms": {name: summarise(fleet.latencies[name + ACROSS]) for name in events},
        "replay_ms": summarise(fleet.latencies[REPLAY]),
        "clocks": {
            "number": fleet.clocks(),
            "bound_ms": summarise(fleet.latencies[CLOCK_BOUND]),
            "steps": fleet.counter("clock_steps"),
        },
        "connect_phases_ms": {
            name.removeprefix(CONNECT_PHASE): summarise(histogram)
            for name, histogram in fleet.latencies.items()
            if name.startswith(CONNECT_PHASE)
        },
        "answers_ms": {
            name.removeprefix(ANSWER): summarise(histogram)
            for name, histogram in fleet.latencies.items()
            if name.startswith(ANSWER)
        },
        "loop_lag_ms": summarise(fleet.latencies[LOOP_LAG]),
        "generator_delay_ms": summarise(fleet.latencies[GENERATOR_DELAY]),
        "gc_pause_ms": summarise(fleet.latencies[GC_PAUSE]),
        "failures": dict(fleet.by_key("failures").most_common(20)),
        "memory": _memory(facts.backend, rows),
        "monitoring": dict(facts.monitoring),
        "options": dict(facts.options),
        "software": dict(facts.software),
    }
    return summary | {"slo": slo.judge(objectives, summary, asked, valid=valid)}


def _room_classes(fleet: Fleet, rooms: Mapping[int, list[Counts]]) -> list[dict[str, Any]]:
    counts: dict[ClassSlot, Counts] = defaultdict(Counts)
    members: Counter[int] = Counter()
    by_class = fleet.by_class
    for room, slots in rooms.items():
        for slot, one in enumerate(slots):
            counts[by_class.of_room(room), slot].add(one)
    for room, count in fleet.by_key("members").items():
        members[by_class.of_room(room)] += count
    return by_class.rows(counts, members, fleet.latencies)


def _memory(samples: list[dict[str, Any]], timeline: list[dict[str, Any]]) -> dict[str, Any]:
    """Of the backend's instances, and of the one of them that may grow most; and of all workers together."""
    instances: dict[str, Any] = {}
    for name in dict.fromkeys(row["instance"] for row in samples):
        own = [row for row in samples if row["instance"] == name]
        if (judged := _memory_of(own, timeline, "rss_mb")) is not None:
            instances[name] = judged
    most = max(instances.values(), key=lambda one: one["high_mb_per_hour"] or 0.0, default=None)
    return {
        "backend": most,
        "instances": instances,
        "generator": _memory_of(timeline, timeline, "workers_rss_mb"),
    }


def _memory_of(rows: list[dict[str, Any]], timeline: list[dict[str, Any]], column: str) -> dict[str, Any] | None:
    """Whether memory grew in the longest time in which the number of clients hardly changed, but for its start.

    :param rows: with `at_s` and the column in MB.
    :param timeline: tells how many were connected.
    """
    span_s = growth.steadiest([(row["at_s"], row.get("connected", 0)) for row in timeline])
    if span_s is None:
        return None
    seen = [row for row in rows if span_s[0] <= row["at_s"] <= span_s[1] and row.get(column) is not None]
    return growth.judge([row["at_s"] for row in seen], [row[column] for row in seen])


def measured(fleet: Fleet, events: Iterable[str]) -> dict[str, Any]:
    """What is known alike of a run that is over and of one that goes on: its times and its load.

    :param events: those that are timed.
    """
    return {
        "latency_ms": {name: summarise(fleet.latencies[name]) for name in events},
        "fan_out_ms": summarise(fleet.latencies[FAN_OUT]),
        "connect_ms": summarise(fleet.latencies[CONNECT]) | {"failed": fleet.counter("connect_failures")},
        "join_ms": summarise(fleet.latencies[JOIN]) | {"failed": fleet.counter("join_failures")},
        "trigger_ms": summarise(fleet.latencies[TRIGGER]),
        "triggers": {name: fleet.counter(name) for name in ("due", "sent", "missed", "refused", "failed")},
        "connections": {
            "most": fleet.most_connected,
            "lost": fleet.counter("connections_lost"),
            "sent_again": fleet.counter("sent_again"),
            "reconnects": fleet.counter("reconnects"),
            "recovered": fleet.counter("recovered"),
            "away": fleet.counter("away"),
        },
    }


def all_deliveries(fleet: Fleet, events: Iterable[str]) -> Any:
    """The latencies of all timed events in one histogram."""
    merged = new_histogram()
    for event in events:
        merged.add(fleet.latencies[event])
    return merged


def _untraced(fleet: Fleet, rooms: Mapping[int, list[Counts]], reader: FrameReader) -> dict[str, dict[str, int]]:
    """The steps of a burst that cannot be led back to a trigger: how many were owed, how many came (edges
    included).

    What the burst should not have, comes last, and is owed to nobody.
    """
    received = fleet.by_key("untraced")
    owed = add_up(slots[0] for slots in rooms.values() if slots)
    return {
        step: {
            "expected": owed.expected if step in reader.untraced else 0,
            "edge": owed.edge if step in reader.untraced else 0,
            "received": received[step],
        }
        for step in dict.fromkeys((*reader.untraced, *sorted(received)))
    }
