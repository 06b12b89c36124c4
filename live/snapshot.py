"""How a run is going, as plain data: the same fields while it goes on and when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from measure import interim, slo, validity
from measure.evidence import evidence_of
from measure.figures import add_up, figures_of
from measure.room_classes import FIRST_CROWDED
from measure.summary import all_deliveries, measured
from measure.tables import clock_row

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from measure.fleet import Fleet
    from measure.presence import Counts

IDLE: Final = "idle"
PREPARING: Final = "preparing"
RUNNING: Final = "running"
ENDED: Final = "ended"
FAILED: Final = "failed"
_NOTHING_YET: Final = "no broadcast was owed to anybody so far"
_MOST_WORKERS: Final = 200
_MOST_FAILURES: Final = 5
_OF_SUMMARY: Final = (
    *("figures", "deliveries", "triggers", "latency_ms", "fan_out_ms", "connect_ms", "join_ms", "trigger_ms"),
)


@dataclass(frozen=True, slots=True)
class Course:
    """A run under way.

    events: those that are timed. alive: the workers that are there. publishing_s: for how long publishers have
    published. asked: figure -> limit, of the objectives that are judged only when asked for. now_s: when it is, by
    the clock that reports were taken in by.
    """

    run_id: str
    target: str
    elapsed_s: float
    publishing_s: float
    fleet: Fleet
    events: Sequence[str]
    objectives: list[slo.Objective]
    asked: Mapping[str, float]
    alive: Collection[str]
    now_s: float


def idle() -> dict[str, Any]:
    """No run was started yet."""
    return _empty(IDLE)


def preparing() -> dict[str, Any]:
    """A run is prepared: its data is made, the backend is asked what it can do."""
    return _empty(PREPARING)


def failed(why: str) -> dict[str, Any]:
    """A run could not be begun."""
    return _empty(FAILED) | {"why": why}


def of_course(course: Course) -> dict[str, Any]:
    """A run that goes on: its losses are those of the last count, see `measure.interim`."""
    fleet = course.fleet
    workers = fleet.workers.values()
    counted = interim.merge([worker.interim for worker in workers if worker.interim is not None])
    deliveries = add_up(counted.counts.values())
    crowded = add_up(counts for (one, _), counts in counted.counts.items() if one >= FIRST_CROWDED)
    lost = [worker for key, worker in fleet.workers.items() if key not in course.alive and worker.last_report]
    verdict, reasons = _verdict(fleet, deliveries, counted.failures, lost)
    times = all_deliveries(fleet, course.events)
    known = {
        **measured(fleet, course.events),
        "figures": figures_of(fleet, deliveries, crowded, times, course.publishing_s),
        "deliveries": _deliveries(fleet, deliveries),
    }
    now = {"connected": fleet.gauge("connected"), "members": fleet.gauge("members")}
    objectives = slo.judge(course.objectives, known, course.asked, valid=verdict == "valid")
    return {
        **known,
        "connections": {**now, **known["connections"]},
        "state": RUNNING,
        "run_id": course.run_id,
        "target": course.target,
        "elapsed_s": round(course.elapsed_s, 1),
        "counted_until_s": counted.until_ns / 1e9,
        "verdict": verdict,
        "reasons": reasons,
        "objectives": objectives,
        "rooms": fleet.by_class.rows(counted.counts, counted.members, fleet.latencies),
        "workers": worker_rows(fleet, course.alive, course.now_s),
        "failures": dict(list(counted.failures.items())[:_MOST_FAILURES]),
    }


def of_summary(summary: Mapping[str, Any], workers: list[dict[str, Any]], code: str) -> dict[str, Any]:
    """A run that is over.

    :param workers: as they were at last.
    :param code: the name of the run's exit code.
    """
    return {
        **{name: summary[name] for name in _OF_SUMMARY},
        "connections": {"connected": 0, "members": 0, **summary["connections"]},
        "state": ENDED,
        "outcome": code,
        "run_id": summary["run_id"],
        "target": summary["target"],
        "elapsed_s": summary["duration_s"],
        "verdict": summary["validity"]["verdict"],
        "reasons": summary["validity"]["reasons"],
        "objectives": summary["slo"],
        "rooms": summary["room_classes"],
        "workers": workers,
        "failures": dict(list(summary["failures"].items())[:_MOST_FAILURES]),
    }


def worker_rows(fleet: Fleet, alive: Collection[str], now_s: float) -> list[dict[str, Any]]:
    """One row for each worker; of very many, those that keep what they receive waiting longest."""
    rows = [
        {
            "worker": worker.number,
            "id": worker_id,
            "state": "there" if worker_id in alive else "lost",
            "heard_s": None if worker.heard_s is None else round(now_s - worker.heard_s, 1),
            "connected": worker.gauges.get("connected", 0),
            "members": worker.gauges.get("members", 0),
            "generator_delay_ms": round(worker.health.get("generator_delay_p99_ms", 0.0), 3),
            "loop_lag_ms": round(worker.health.get("loop_lag_p99_ms", 0.0), 3),
            "cpu_percent": round(worker.health.get("cpu_percent", 0.0), 1),
            "rss_mb": round(worker.health.get("rss_bytes", 0.0) / 1e6, 1),
            **clock_row(worker),
        }
        for worker_id, worker in fleet.workers.items()
    ]
    worst = sorted(rows, key=itemgetter("generator_delay_ms"), reverse=True)[:_MOST_WORKERS]
    return sorted(worst, key=itemgetter("worker"))


def _empty(state: str) -> dict[str, Any]:
    return {"state": state, "verdict": "", "reasons": [], "objectives": [], "rooms": [], "workers": []}


def _verdict(
    fleet: Fleet, deliveries: Counts, failures: Mapping[str, int], lost: list[Any]
) -> tuple[str, list[str]]:
    """The verdict so far, and its reasons. That nothing was owed yet is none."""
    evidence = evidence_of(fleet, deliveries, failures, lost)
    nothing = not evidence.expected
    evidence.expected = evidence.expected or 1
    verdict, reasons = validity.judge(evidence)
    if nothing and verdict is validity.Verdict.VALID:
        return "", [_NOTHING_YET]
    return verdict.name.lower(), reasons


def _deliveries(fleet: Fleet, counts: Counts) -> dict[str, int]:
    names = ("expected", "delivered", "lost", "missed_offline", "duplicate", "reordered", "leaked", "edge")
    return {
        **{name: getattr(counts, name) for name in names},
        **{name: fleet.counter(name) for name in ("corrupt", "foreign", "coalesced")},
        "timed": fleet.timed(),
    }
