"""What a fleet's counts say of the run itself."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from loadtest.measurement.by_class import ByClass
from loadtest.measurement.evidence import Evidence, evidence_at_the_end, evidence_of, mean
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.keys import KeyCounts
from loadtest.measurement.latency import fold
from loadtest.measurement.presence import Counts
from loadtest.measurement.report import Totals, WorkerReport
from loadtest.measurement.validity import Verdict, judge

EVERY = (
    *("due", "missed", "refused", "failed", "foreign", "late_triggers", "unknown_triggers"),
    *(
        "negative_latency",
        "unbounded_latency",
        "clock_steps",
        "doubtful_bounds",
        "internal_errors",
        "received",
        "sent_again",
        "coalesced",
    ),
    *("sent", "connect_failures", "join_failures", "unmatched", "unreadable", "adapter_errors"),
    *("unread_answers", "unmade", "throttled", "withheld"),
)


def report(number: int, counters: dict[str, int], cpu_percent: float = 10.0, lag_ms: float = 99.0) -> WorkerReport:
    health = {"cpu_percent": cpu_percent, "rss_bytes": 1e6, "loop_lag_p99_ms": lag_ms}
    return WorkerReport(number, 1, 0, [], {}, [], {(0, 0): 30, (0, 1): 4}, counters, {"connected": 5}, health)


def fleet_of(counters: dict[str, int], reported: dict[str, int] | None = None, reports: int = 1) -> Fleet:
    fleet = Fleet()
    fleet.take("a", report(1, reported or counters, 20.0), 0.0)
    failures = {"tcp: Out of file descriptors": 3, "other": 9}
    keys = KeyCounts(3, 2, 1, 9, "b", "a")
    budgets = [("http://x", "127.0.0.1", 5, 1, 900.0)]
    fleet.finish("a", Totals(reports, counters, {}, {0: 3, 1: 4}, {}, failures, [], keys=keys, budgets=budgets))
    return fleet


def test_each_counter_is_its_own() -> None:
    counters = {name: at for at, name in enumerate(EVERY, 1)} | {"connects": 100, "reconnects": 20}
    fleet = fleet_of(counters)
    fleet.take("b", report(1, {}, 70.0, 8.25), 0.0)
    fleet.take("b", report(4, {}, 50.0, 2.0), 9.0)
    fleet.workers["a"].receive_clock, fleet.workers["b"].receive_clock = "kernel", "user-space"
    for name, value_us in (("clock_bound", 3000), ("loop_lag", 4000), ("generator_delay", 5000), ("replay", 1)):
        fold(fleet.latencies[name], np.full(7, value_us))
    fleet.by_class = ByClass((0,), ["x"])
    fold(fleet.latencies["x"], np.full(4, 1))
    for name in ("x", "connect"):
        fold(fleet.phases["overload"][name], np.full(3, 1))
    failures = {"tcp: out of file descriptors (ulimit -n)": 3, "Out of local ports": 4, "refused": 9}
    found = evidence_of(
        fleet,
        Counts(expected=77, delivered=60, lost=17, missed_offline=10, edge=6),
        failures,
        [fleet.workers["b"]],
        cpu_warning=True,
    )
    assert asdict(found) == {
        **{name: at for at, name in enumerate(EVERY, 1)},
        "bounded_ms": {},
        "connects": 120,
        "expected": 77,
        "lost": 7,
        "lost_workers": ["1 (5 connections, 34 deliveries timed)"],
        "away_workers": ["1 (9 s)"],
        "missing_reports": 2,
        "uncounted_reports": 0,
        "clock_bound_p99_ms": 3.001,
        "loop_lag_p99_ms": 4.001,
        "generator_delay_p99_ms": 5.003,
        "user_space_workers": ["1 (8.2 ms)"],
        "user_space_lag_ms": 8.25,
        "exhausted": 7,
        "timed": 0,
        "arrived": 0,
        "unowed": 0,
        "cpu_percent": 60.0,
        "cpu_warning": True,
        "interrupted": False,
        "edge": 6,
        "adapter": "",
        "keys": (3, 2, 1, 9, "b", "a"),
        "members": 7,
        "users": {},
        "publishers": None,
        "publishers_started": False,
        "publishing": False,
        "publishing_s": 0.0,
        "limit": {"accepted": 5, "quiet_s": 900.0, "addresses": 1},
        "failures": failures,
        "overloaded": 3,
        "judged": 4,
    }


def test_at_the_end_what_was_timed_is_held_against_the_accounts() -> None:
    fleet = fleet_of({"due": 1})
    fold(fleet.latencies["replay"], np.full(7, 5))
    found = evidence_at_the_end(
        fleet, Counts(expected=1, arrived=41, unowed=2), cpu_warning=False, interrupted=True
    )
    assert (found.timed, found.arrived, found.unowed, found.interrupted, found.cpu_warning) == (
        41,
        41,
        2,
        True,
        False,
    )
    assert (found.exhausted, list(found.lost_workers)) == (3, [])
    fleet.take("dead", report(1, {}), 0.0)
    late = evidence_at_the_end(fleet, Counts(), cpu_warning=False, interrupted=False)
    assert list(late.lost_workers) == ["1 (5 connections, 34 deliveries timed)"]


def uncounted(*arguments: object) -> int:
    fleet = fleet_of(*arguments)  # type: ignore[arg-type]
    return evidence_of(fleet, Counts(), {}, []).uncounted_reports


def test_totals_are_those_of_the_last_report() -> None:
    assert uncounted({"due": 1}, {"due": 1, "sent": 0}) == 0
    assert uncounted({"due": 1}, {"due": 2}) == 1
    assert uncounted({"due": 1}, {"due": 1, "sent": 1}) == 1
    assert uncounted({"due": 1}, {"due": 1}, 2) == 1


def test_nobody_there_says_nothing() -> None:
    found = evidence_of(Fleet(), Counts(), {}, [])
    assert found == Evidence(lost_workers=[], away_workers=[], user_space_workers=[])
    assert judge(found).verdict is Verdict.INVALID


def test_the_mean_of_nothing_is_none() -> None:
    assert mean([]) is None
    assert mean([1.0, 4.0]) == 2.5
