"""Deliberate overload: what comes meanwhile counts, and how long it took is told apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loadtest.measurement.by_class import ByClass
from loadtest.measurement.doings import ANSWER
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.latency import summarise
from loadtest.measurement.objectives import parse
from loadtest.measurement.overload import OVERLOAD, RECOVERY_S, OverloadedSeconds, Overloads, line
from loadtest.measurement.phases import Phases
from loadtest.measurement.report import WorkerReport
from loadtest.measurement.shards import pack_all

from .reports import HEALTH, report
from .runs import FACTS, summary_of

FLOOD = "a flood of connections"
BEGAN_S = 100


def test_an_overload_is_told_of_in_each_report_until_it_ends() -> None:
    overloads = Overloads()
    assert overloads.take() == []
    overloads.begin("b")
    overloads.begin("a")
    overloads.begin("a")
    assert overloads.take() == ["a", "b"]
    overloads.end("a")
    overloads.end("b")
    assert overloads.take() == ["a", "b"], "they went on until a moment ago"
    assert overloads.take() == ["a"], "one of the two goes on"
    overloads.end("a")
    assert overloads.take() == ["a"]
    assert overloads.take() == []


def test_a_short_overload_between_two_reports_is_not_missed() -> None:
    overloads = Overloads()
    overloads.begin("a")
    overloads.end("a")
    assert overloads.take() == ["a"]
    assert overloads.take() == []


def test_the_seconds_after_an_overload_belong_to_it() -> None:
    seconds = OverloadedSeconds()
    assert not seconds
    seconds.note(10, [])
    assert not seconds
    seconds.note(10, ["a"])
    assert seconds
    assert [at_s for at_s in range(8, 16) if at_s in seconds] == [10, 11]
    assert RECOVERY_S == 1


def test_an_overload_is_a_phase_of_the_load_and_of_nothing_else() -> None:
    phases = Phases(ramp_s=2.0, unmeasured_s=2.0, ended_s=110.0, overloaded={99, 101, 103, 105, 110})
    found = [phases.of(at_s, 100.0) for at_s in (99, 100, 101, 102, 103, 104, 105, 110)]
    assert found == ["starting", "warm-up", "warm-up", "steady", OVERLOAD, "steady", OVERLOAD, "drain"]
    assert not phases.counts(105, 100.0)
    assert phases.counts(104, 100.0)
    assert not Phases(overloaded={5}).counts(5, 1.0), "also without a warm-up"
    shaped = Phases(marks=((0.0, "before"),), shape_began_s=100.0, overloaded={105})
    assert [shaped.of(at_s, 100.0) for at_s in (104, 105)] == ["before", OVERLOAD]


def fleet_of(*seconds: tuple[int, str, list[str]]) -> Fleet:
    """Return a fleet whose workers reported.

    :param seconds: (latency in ms, worker, what overloads the backend), one second after the other by worker.
    """
    phases = Phases()
    fleet = Fleet(
        lambda at_s: phases.of(at_s, BEGAN_S),
        by_class=ByClass((0,), ["agentLog"]),
        counts=lambda at_s: phases.counts(at_s, BEGAN_S),
    )
    phases.overloaded = fleet.overloaded
    numbers: dict[str, int] = {}
    for latency_ms, worker, overloads in seconds:
        numbers[worker] = number = numbers.get(worker, 0) + 1
        samples_us = {name: np.full(10, 1000 * latency_ms) for name in ("agentLog", f"{ANSWER}ping", f"{ANSWER}x")}
        sent = WorkerReport(number, BEGAN_S + number, 0, [], pack_all(samples_us), [], {}, {}, {}, HEALTH)
        sent.overloads = overloads
        fleet.take(worker, WorkerReport.from_message(sent.to_message()), 0.0)
    fleet.close()
    return fleet


def test_how_long_it_took_is_in_the_phase_and_in_no_figure_of_the_run() -> None:
    calm, flood = (5, "w", []), (900, "w", [FLOOD])
    fleet = fleet_of(calm, calm, flood, (400, "w", []), calm)
    assert summarise(fleet.latencies["agentLog"])["max"] == pytest.approx(5, rel=0.01)
    assert summarise(fleet.latencies["agentLog"])["count"] == 30
    assert summarise(fleet.latencies[f"{ANSWER}ping"])["count"] == 30
    assert summarise(fleet.latencies[f"{ANSWER}x"])["count"] == 50, "what no objective of the guide speaks of"
    summary: dict[str, Any] = summary_of(fleet)
    assert summary["figures"]["latency_max_ms"] == pytest.approx(5, rel=0.01)
    assert summary["figures"]["round_trip_max_ms"] == pytest.approx(5, rel=0.01)
    apart = summary["phases"][OVERLOAD]
    assert apart["figures"]["latency_max_ms"] == pytest.approx(900, rel=0.01)
    assert (apart["latency_ms"]["agentLog"]["count"], apart["seconds"]) == (20, 2)
    assert summary["phases"]["steady"]["seconds"] == 3
    assert summary["overload"] == {"seconds": 2, "deliveries": 20, "scenarios": {FLOOD: 1}}
    assert line(summary) == (
        "Overloaded on purpose for 2 s, with 1 s after each time to recover: a flood of connections 1 s. The "
        "latencies of 20 deliveries of that time are in the phase overload, and in no figure of the whole run"
    )
    assert line(summary_of(fleet_of(calm))) == ""


def test_what_other_workers_deliver_meanwhile_is_told_apart_as_well() -> None:
    """The worker of the flood reports as it begins: the others' reports of that second come later."""
    fleet = fleet_of((5, "a", []), (5, "b", []), (5, "a", [FLOOD]), (800, "b", []))
    assert summarise(fleet.latencies["agentLog"])["count"] == 20
    assert summarise(fleet.latencies["agentLog"])["max"] == pytest.approx(5, rel=0.01)


def test_an_objective_of_the_phase_fails_on_a_backend_that_does_not_keep_up() -> None:
    wanted = parse(
        """
        [[slo]]
        name = "maximum latency"
        figure = "latency_max_ms"
        below = 200
        [[slo]]
        name = "maximum latency"
        figure = "latency_max_ms"
        phase = "overload"
        below = 5000
        """,
        "x.toml",
    )
    rows = {}
    for flood_ms in (900, 6000):
        summary = summary_of(fleet_of((5, "w", []), (flood_ms, "w", [FLOOD])), FACTS, wanted)
        rows[flood_ms] = {
            (row["name"], row["phase"]): row["passed"] for row in summary["slo"] if not row["built_in"]
        }
    named = ("maximum latency", ""), ("maximum latency", OVERLOAD)
    assert [rows[900][one] for one in named] == [True, True]
    assert [rows[6000][one] for one in named] == [True, False]


def test_a_run_that_was_overloaded_all_the_time_measured_no_latency() -> None:
    """It passes nothing: what is not measured is said."""
    summary = summary_of(fleet_of((900, "w", [FLOOD]), (900, "w", [FLOOD])))
    assert summary["figures"]["latency_max_ms"] is None
    said = " outside of the time in which a scenario overloaded the backend on purpose"
    assert summary["not_measured"]["latency_max_ms"] == f"no delivery was timed{said}"
    assert summary["not_measured"]["round_trip_mean_ms"].endswith(said)
    assert summary["not_measured"]["lost_percent"] == "no delivery was expected"
    (reason,) = [one for one in summary["validity"]["reasons"] if "on purpose" in one]
    assert reason.startswith("suspect: scenarios overloaded the backend on purpose while 20 of 20 deliveries came")


def test_a_tenth_of_the_deliveries_is_enough_to_judge_by() -> None:
    calm, flood = (5, "w", []), (900, "w", [FLOOD])
    found = [summary_of(fleet_of(*[flood] * 18, *[calm] * count))["validity"]["reasons"] for count in (3, 4)]
    assert [any("on purpose" in reason for reason in reasons) for reasons in found] == [True, False]


def test_reports_without_an_overload_are_as_before() -> None:
    assert WorkerReport.from_message(report(1).to_message()).overloads == []
