"""A run's `summary.json`: everything the master knows, as plain data. The schema is in docs/run-record.md."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement import growth, objective_results, phases, throttle, validity
from loadtest.measurement.completions import COMPLETION
from loadtest.measurement.doings import ANSWER, CONNECT, CONNECT_PHASE, JOIN
from loadtest.measurement.evidence import GENERATOR_DELAY, LOOP_LAG, RAMP_LOOP_LAG, evidence_at_the_end
from loadtest.measurement.figures import MEMORY_FIGURES, add_up, all_counts, crowded, figures_of
from loadtest.measurement.fleet import FAN_OUT, FAN_OUT_BOUND
from loadtest.measurement.latency import summarise, summarise_counts
from loadtest.measurement.meter import CLOCK_BOUND, LEAKED_UNTRACED, REPLAY, TRIGGER
from loadtest.measurement.names import key_of, unescape
from loadtest.measurement.outcome import outcome_of
from loadtest.measurement.presence import Counts
from loadtest.measurement.recorded_outcome import judged_run
from loadtest.measurement.tables import timeline_rows
from loadtest.measurement.taken import ACROSS, COMPLETION_LAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from loadtest.measurement.by_class import ClassSlot
    from loadtest.measurement.fleet import Fleet
    from loadtest.measurement.objectives import Objective
    from loadtest.measurement.sighting import FrameReader

SCHEMA = 2
GC_PAUSE = "gc_pause"
WITHOUT_SCENARIOS: Final[Mapping[str, Any]] = {
    "capabilities": {},
    "findings": [],
    "severe_findings": [],
    "conformance": [],
    "conformance_holds": True,
    "not_supported": [],
    "expectations": None,
    "canaries": [],
    "capacity": None,
    "data_left": {"users": [], "kept": False, "not_removed": ""},
}
"""The rest of a summary, of a run that played no scenario and searched for no capacity."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is known of a run beside its measurements.

    started: ISO 8601. duration_s: from the start of the load to its end. publishing_s: how long the publishers
    published. receive_clocks: transport -> where its receive timestamps were taken. deliveries_by: the transport
    that most deliveries came by. users: Locust users by class, at their most. options: those that are no secret,
    as given or by default. software: name -> version of what measured. monitoring: where the backend's samples
    came from, and how many. backend: the samples, see docs/run-record.md.
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
    receive_clocks: Mapping[str, str]
    interrupted: bool
    cpu_warning: bool
    options: Mapping[str, Any]
    software: Mapping[str, str]
    monitoring: Mapping[str, Any]
    backend: list[dict[str, Any]]
    deliveries_by: str = "websocket"
    aborted: str = ""
    """Why an objective ended the run early; empty if none did."""
    unfinished_triggers: int = 0
    """Number of triggers whose work, as far as is known, was not done when the run ended."""
    errors: Mapping[str, int] = field(default_factory=dict)
    """Errors that ended greenlets of the master: reason -> how often."""


def build(
    facts: RunFacts,
    fleet: Fleet,
    reader: FrameReader,
    wanted: Sequence[Objective],
    asked: Mapping[str, float],
) -> dict[str, Any]:
    """Return the summary of a run that is over, but for its checks and its outcome.

    :param wanted: the run's objectives.
    :param asked: figure -> limit, of the objectives that are judged only when asked for.
    """
    rooms = fleet.rooms(len(reader.slots))
    deliveries = all_counts(fleet, (counts for slots in rooms.values() for counts in slots))
    events = tuple(dict.fromkeys(slot.event for slot in reader.slots))
    times = all_deliveries(fleet, events)
    evidence = evidence_at_the_end(
        fleet,
        deliveries,
        cpu_warning=facts.cpu_warning,
        interrupted=facts.interrupted,
        users=facts.users,
        options=facts.options,
        publishing_s=facts.publishing_s,
    )
    evidence.internal_errors += sum(facts.errors.values())
    judgment = validity.judge(evidence)
    rows = timeline_rows(fleet)
    memory = _memory(facts.backend, rows)
    memory_reasons = _memory_not_measured(memory, facts)
    figures, not_measured = figures_of(fleet, deliveries, crowded(fleet, rooms), times, facts.publishing_s, memory)
    not_measured |= {
        figure: memory_reasons[f"memory.{whose}"]
        for figure, whose in MEMORY_FIGURES.items()
        if memory[whose] is None
    }
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
        "receive_clock": facts.receive_clocks[facts.deliveries_by],
        "receive_clocks": dict(facts.receive_clocks),
        "validity": {
            "verdict": judgment.verdict.label,
            "reasons": list(judgment.reasons),
            "doubts": sorted(judgment.doubts),
            "by_overload": judgment.by_overload,
        },
        "aborted": facts.aborted,
        "throttle": throttle.to_json(evidence.throttled, evidence.withheld, evidence.limit),
        "figures": figures,
        "not_measured": not_measured | memory_reasons | _restarts_not_measured(facts),
        "phases": phases.summaries(fleet, events, rows),
        "overload": fleet.overloaded.summary(fleet, events, rows),
        "deliveries": {
            **asdict(deliveries),
            "uncounted": sum(fleet.timed_by_the_lost().values()),
            "corrupt": fleet.counter("corrupt"),
            "foreign": fleet.counter("foreign"),
            "coalesced": fleet.counter("coalesced"),
        },
        "memberships": {
            "number": sum(totals.memberships for totals in fleet.totals()),
            "brief": sum(totals.brief_memberships for totals in fleet.totals()),
        },
        "room_classes": _room_classes(fleet, rooms),
        "instances": fleet.instances.summary(fleet.totals()),
        "untraced": _untraced(fleet, rooms, reader),
        **measured(fleet, events),
        "unfinished_triggers": facts.unfinished_triggers,
        "in_flight_window_s": round(fleet.in_flight_window_s(), 3),
        "latency_across_clocks_ms": {name: summarise(fleet.latencies[key_of(name) + ACROSS]) for name in events},
        "replay_ms": summarise(fleet.latencies[REPLAY]),
        "clocks": {
            "number": fleet.clocks(),
            "bound_ms": summarise(fleet.latencies[CLOCK_BOUND]),
            "steps": fleet.counter("clock_steps"),
            "doubtful_bounds": fleet.counter("doubtful_bounds"),
        },
        "connect_phases_ms": {
            name.removeprefix(CONNECT_PHASE): summarise(histogram)
            for name, histogram in fleet.latencies.items()
            if name.startswith(CONNECT_PHASE)
        },
        "answers_ms": {
            unescape(name.removeprefix(ANSWER)): summarise(histogram)
            for name, histogram in fleet.latencies.items()
            if name.startswith(ANSWER)
        },
        "loop_lag_ms": summarise(fleet.latencies[LOOP_LAG]),
        "ramp_loop_lag_ms": summarise(fleet.latencies[RAMP_LOOP_LAG]),
        "generator_delay_ms": summarise(fleet.latencies[GENERATOR_DELAY]),
        "gc_pause_ms": summarise(fleet.latencies[GC_PAUSE]),
        "requests": fleet.requests().to_json(),
        "failures": dict((fleet.by_key("failures") + Counter(facts.errors)).most_common(20)),
        "memory": memory,
        "monitoring": dict(facts.monitoring),
        "options": dict(facts.options),
        "software": dict(facts.software),
    }
    results = objective_results.judge(wanted, summary, asked, whole=False)
    return summary | {"slo": [result.to_json() for result in results]}


def with_outcome(summary: dict[str, Any]) -> dict[str, Any]:
    """Return a whole summary, checks included, with its outcome first."""
    stated = outcome_of(judged_run(summary)).to_json()
    return {"schema": summary["schema"], "outcome": stated} | {
        name: value for name, value in summary.items() if name != "outcome"
    }


def _memory_not_measured(memory: dict[str, Any], facts: RunFacts) -> dict[str, str]:
    """Path in the summary -> why it is null."""
    found = {}
    why_not = {"backend": facts.monitoring.get("memory_why_not") or facts.monitoring.get("why_not")}
    for whose in ("backend", "generator"):
        if memory[whose] is None:
            sampled = whose == "generator" or any(row.get("rss_mb") is not None for row in facts.backend)
            reason = None if sampled else why_not[whose]
            found[f"memory.{whose}"] = reason or "no sample of it while clients were connected"
        else:
            empty = [name for name, value in memory[whose].items() if value is None]
            found |= {f"memory.{whose}.{name}": "the run was too short" for name in empty}
    return found


def _restarts_not_measured(facts: RunFacts) -> dict[str, str]:
    why_not = facts.monitoring.get("restarts_why_not")
    return {"monitoring.restarts": why_not} if why_not else {}


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
    """Return how the memory of the backend's instances, of the one that grew most, and of all workers changed."""
    instances: dict[str, Any] = {}
    for name in dict.fromkeys(row["instance"] for row in samples):
        own = [row for row in samples if row["instance"] == name]
        if (judged := _memory_of(own, timeline, "rss_mb")) is not None:
            instances[name] = judged
    most = max(
        instances.values(),
        key=lambda one: (one["growth_percent"] or 0.0, one["high_mb_per_hour"] or 0.0),
        default=None,
    )
    return {
        "backend": most,
        "instances": instances,
        "generator": _memory_of(timeline, timeline, "workers_rss_mb"),
    }


def _memory_of(rows: list[dict[str, Any]], timeline: list[dict[str, Any]], column: str) -> dict[str, Any] | None:
    """Return whether memory grew; None if it was not sampled while somebody was connected.

    :param rows: with `at_s` and the column in MB.
    :param timeline: tells how many were connected.
    """
    samples = [(row["at_s"], row[column]) for row in rows if row.get(column) is not None]
    return growth.of_run(samples, [(row["at_s"], row.get("connected", 0)) for row in timeline])


def measured(fleet: Fleet, events: Iterable[str]) -> dict[str, Any]:
    """What is known alike of a run that is over and of one that goes on: its times and its load.

    :param events: those that are timed.
    """
    return {
        "latency_ms": {name: summarise(fleet.latencies[key_of(name)]) for name in events},
        "latency_earliest_ms": {name: summarise_counts(fleet.earliest_counts([key_of(name)])) for name in events},
        "fan_out_ms": summarise(fleet.latencies[FAN_OUT]),
        "fan_out_bound_ms": summarise(fleet.latencies[FAN_OUT_BOUND]),
        "completion_ms": summarise(fleet.latencies[COMPLETION]),
        "completion_lag_ms": summarise(fleet.latencies[COMPLETION_LAG]),
        "connect_ms": summarise(fleet.latencies[CONNECT]) | {"failed": fleet.counter("connect_failures")},
        "join_ms": summarise(fleet.latencies[JOIN]) | {"failed": fleet.counter("join_failures")},
        "trigger_ms": summarise(fleet.latencies[TRIGGER]),
        "triggers": {name: fleet.counter(name) for name in ("due", "sent", "missed", "refused", "failed")},
        "connections": {
            "most": fleet.most_connected,
            "lost": fleet.counter("connections_lost"),
            "dropped": fleet.counter("connections_dropped"),
            "sent_again": fleet.counter("sent_again"),
            "reconnects": fleet.counter("reconnects"),
            "reconnect_failures": fleet.counter("reconnect_failures"),
            "recovered": fleet.counter("recovered"),
            "away": fleet.counter("away"),
        },
    }


def all_deliveries(fleet: Fleet, events: Iterable[str]) -> Any:
    """The latencies of all timed events in one histogram."""
    return fleet.latency_of(map(key_of, events))


def _untraced(fleet: Fleet, rooms: Mapping[int, list[Counts]], reader: FrameReader) -> dict[str, dict[str, int]]:
    """Return the steps of a burst that cannot be led back to a trigger.

    How many were expected, how many came (edges included), and how many reached somebody outside their rooms. What
    the burst should not have, comes last, and is expected by nobody.
    """
    leaked = Counter({unescape(step): count for step, count in fleet.by_key(LEAKED_UNTRACED).items()})
    received = Counter({unescape(step): count for step, count in fleet.by_key("untraced").items()})
    owed = add_up(slots[0] for slots in rooms.values() if slots)
    return {
        step: {
            "expected": owed.expected if step in reader.untraced else 0,
            "edge": owed.edge if step in reader.untraced else 0,
            "received": received[step],
            "leaked": leaked[step],
        }
        for step in dict.fromkeys((*reader.untraced, *sorted(received | leaked)))
    }
