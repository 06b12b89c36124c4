"""How a run is going, as plain data: the same fields while it goes on and when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement import interim, objective_results, validity
from loadtest.measurement.evidence import evidence_of
from loadtest.measurement.figures import add_up, all_counts, figures_of
from loadtest.measurement.room_classes import FIRST_CROWDED
from loadtest.measurement.summary import all_deliveries, measured
from loadtest.measurement.tables import clock_row

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from loadtest.measurement.fleet import Fleet
    from loadtest.measurement.objective_results import ObjectiveResult
    from loadtest.measurement.objectives import Objective
    from loadtest.measurement.outcome import Outcome
    from loadtest.measurement.presence import Counts

IDLE: Final = "idle"
PREPARING: Final = "preparing"
RUNNING: Final = "running"
ENDED: Final = "ended"
FAILED: Final = "failed"
_NOTHING_YET: Final = "no broadcast was expected so far"
_MOST_WORKERS: Final = 200
_MOST_FAILURES: Final = 5
_OF_SUMMARY: Final = (
    *("figures", "deliveries", "triggers", "latency_ms", "fan_out_ms", "connect_ms", "join_ms", "trigger_ms"),
    "unfinished_triggers",
)


@dataclass(frozen=True, slots=True)
class Course:
    """A run under way.

    events: those that are timed. alive: the workers that are there. publishing_s: for how long publishers have
    published. asked: figure -> limit, of the objectives that are judged only when asked for. now_s: when it is, by
    the clock that reports were taken in by. unfinished_triggers: those whose work is not done, as far as is known.
    """

    run_id: str
    target: str
    elapsed_s: float
    publishing_s: float
    fleet: Fleet
    events: Sequence[str]
    objectives: list[Objective]
    asked: Mapping[str, float]
    alive: Collection[str]
    now_s: float
    unfinished_triggers: int = 0


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
    """Return a run under way: its losses are those of the last count, see `measurement.interim`."""
    fleet = course.fleet
    counted = _counted(fleet)
    deliveries = all_counts(fleet, counted.counts.values())
    lost = [worker for key, worker in fleet.workers.items() if key not in course.alive and worker.last_report]
    verdict, reasons = _verdict(fleet, deliveries, counted.failures, lost)
    known = _known(course, counted)
    now = {"connected": fleet.gauge("connected"), "members": fleet.gauge("members")}
    results = objective_results.judge(course.objectives, known, course.asked, whole=False)
    return {
        **known,
        "connections": {**now, **known["connections"]},
        "state": RUNNING,
        "run_id": course.run_id,
        "target": course.target,
        "elapsed_s": round(course.elapsed_s, 1),
        "counted_until_s": counted.until_ns / 1e9,
        "unfinished_triggers": course.unfinished_triggers,
        "verdict": verdict,
        "reasons": reasons,
        "objectives": _objective_rows(results),
        "rooms": fleet.by_class.rows(counted.counts, counted.members, fleet.latencies),
        "workers": worker_rows(fleet, course.alive, course.now_s),
        "failures": dict(list(counted.failures.items())[:_MOST_FAILURES]),
    }


def judged(course: Course, wanted: Sequence[Objective]) -> list[ObjectiveResult]:
    """Judge a run under way by some objectives."""
    return objective_results.judge(wanted, _known(course, _counted(course.fleet)), course.asked, whole=False)


def _counted(fleet: Fleet) -> interim.Interim:
    return interim.merge([worker.interim for worker in fleet.workers.values() if worker.interim is not None])


def _known(course: Course, counted: interim.Interim) -> dict[str, Any]:
    """Return the part of a summary that is known while the run goes on."""
    fleet = course.fleet
    deliveries = all_counts(fleet, counted.counts.values())
    crowded = add_up(counts for (one, _), counts in counted.counts.items() if one >= FIRST_CROWDED)
    times = all_deliveries(fleet, course.events)
    figures, not_measured = figures_of(fleet, deliveries, crowded, times, course.publishing_s)
    return {
        **measured(fleet, course.events),
        "figures": figures,
        "not_measured": not_measured,
        "deliveries": _deliveries(fleet, deliveries),
    }


def _objective_rows(results: Iterable[ObjectiveResult]) -> list[dict[str, Any]]:
    return [{**result.to_json(), "title": result.title, "word": result.word} for result in results]


def of_summary(summary: Mapping[str, Any], outcome: Outcome, workers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a run that is over.

    :param workers: as they were at last.
    """
    return {
        **{name: summary[name] for name in _OF_SUMMARY},
        "connections": {"connected": 0, "members": 0, **summary["connections"]},
        "state": ENDED,
        "outcome": outcome.word.value,
        "outcome_line": outcome.line,
        "exit_code": int(outcome.code),
        "run_id": summary["run_id"],
        "target": summary["target"],
        "elapsed_s": summary["duration_s"],
        "verdict": summary["validity"]["verdict"],
        "reasons": summary["validity"]["reasons"],
        "objectives": _objective_rows(objective_results.results_in(summary)),
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
    judgment = validity.judge(evidence)
    if nothing and judgment.verdict is validity.Verdict.VALID:
        return "", [_NOTHING_YET]
    return judgment.verdict.label, list(judgment.reasons)


def _deliveries(fleet: Fleet, counts: Counts) -> dict[str, int]:
    names = ("expected", "delivered", "lost", "missed_offline", "duplicate", "reordered", "leaked", "edge")
    return {
        **{name: getattr(counts, name) for name in names},
        **{name: fleet.counter(name) for name in ("corrupt", "foreign", "coalesced")},
        "timed": fleet.timed(),
    }
