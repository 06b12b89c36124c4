"""The summary's arithmetic, from a fleet made by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.objectives import Objective
from loadtest.measurement.tables import room_rows, stream_rows, worker_rows
from loadtest.transport.dial import _EXHAUSTED as EXHAUSTED

from .reports import report
from .runs import COUNTERS, FACTS, fleet_of, summary_of


def test_deliveries_add_up_over_slots() -> None:
    summary = summary_of(fleet_of())
    assert summary["deliveries"] == {
        "expected": 1800,
        "delivered": 1790,
        "lost": 10,
        "missed_offline": 4,
        "replayed": 0,
        "edge": 0,
        "arrived": 1790,
        "unowed": 0,
        "duplicate": 0,
        "reordered": 0,
        "reorder_extent": 0,
        "leaked": 3,
        "missed_dropped": 0,
        "uncounted": 0,
        "corrupt": 0,
        "foreign": 0,
        "coalesced": 0,
    }
    assert summary["users"] == 64
    assert summary["triggers"] == {"due": 10, "sent": 10, "missed": 0, "refused": 0, "failed": 0}
    assert summary["untraced"]["agentLog status IN_PROGRESS"] == {  # type: ignore[index]
        "expected": 600,
        "edge": 0,
        "received": 600,
        "leaked": 0,
    }
    json.dumps(summary)


def test_the_figures_of_the_objectives() -> None:
    names = (
        "connect_20_ms",
        "failures_at_50_connections",
        "latency_mean_ms",
        "latency_max_ms",
        "delivery_percent",
    )
    objectives = [Objective(name, name, "at_most", 0.0) for name in (*names, "events_per_s_per_client")]
    summary = summary_of(fleet_of({"join_failures": 1}), objectives=objectives)
    values = {row["figure"]: row["value"] for row in summary["slo"]}  # type: ignore[attr-defined]
    assert values["connect_20_ms"] == 5.0
    assert values["failures_at_50_connections"] == 1.0
    assert 3.99 < values["latency_mean_ms"] < 4.01
    assert values["delivery_percent"] == 100.0 * 1790 / 1800
    assert values["events_per_s_per_client"] == 600 / 5 / 60


def test_a_sound_fleet_is_valid() -> None:
    assert summary_of(fleet_of())["validity"] == {
        "verdict": "valid",
        "reasons": [],
        "doubts": [],
        "by_overload": True,
    }


def test_totals_that_do_not_match_the_reports_make_the_run_invalid() -> None:
    validity = summary_of(fleet_of(reported=COUNTERS | {"received": 599}))["validity"]
    assert validity["verdict"] == "invalid"  # type: ignore[index]
    assert "differ" in validity["reasons"][0]  # type: ignore[index]


def test_a_worker_without_totals_makes_the_run_invalid() -> None:
    fleet = fleet_of()
    fleet.enlist("died")
    assert summary_of(fleet)["validity"]["verdict"] == "invalid"  # type: ignore[index]


def test_locust_s_cpu_warning_is_evidence() -> None:
    assert summary_of(fleet_of(), replace(FACTS, cpu_warning=True))["validity"]["verdict"] == "suspect"  # type: ignore[index]


@pytest.mark.parametrize("reason", EXHAUSTED.values())
def test_what_the_transport_calls_exhausted_makes_the_run_invalid(reason: str) -> None:
    fleet = fleet_of()
    (totals,) = fleet.totals()
    totals.failures[f"connect: tcp: {reason}"] = 3
    validity = summary_of(fleet)["validity"]
    assert validity["verdict"] == "invalid"  # type: ignore[index]
    assert "3 connections failed for want of" in validity["reasons"][0]  # type: ignore[index]


def test_tables() -> None:
    fleet = fleet_of()
    rooms = room_rows(fleet, Reader())
    assert [row["label"] for row in rooms] == ["accepted", "IN_PROGRESS", "final"]
    assert (rooms[0]["lost"], rooms[0]["members"], rooms[0]["leaked"]) == (10, 60, 3)
    assert sum(row["leaked"] for row in rooms) == 3
    streams = stream_rows(fleet, Reader())
    assert [(row["publisher"], row["worker"], row["lost"]) for row in streams] == [
        (4097, 1, 10),
        (4097, 1, 0),
        (4097, 1, 0),
    ]
    (worker,) = worker_rows(fleet)
    assert (worker["received"], worker["rss_mb"], worker["totals"]) == (600, 2.0, True)


def test_the_steps_of_a_burst_are_owed_as_the_first_broadcast_is() -> None:
    fleet = fleet_of()
    (totals,) = fleet.totals()
    totals.streams[0, 4097, 0].edge = 7
    totals.streams[0, 4097, 0].expected = 599
    assert summary_of(fleet)["untraced"]["agentLog status IN_PROGRESS"] == {  # type: ignore[index]
        "expected": 599,
        "edge": 7,
        "received": 600,
        "leaked": 0,
    }


def test_twenty_reasons_are_enough() -> None:
    fleet = fleet_of({"clock_steps": 3, "away": 4, "connections_dropped": 5, "reconnect_failures": 6})
    (totals,) = fleet.totals()
    totals.failures.clear()
    totals.failures.update({str(number): number for number in range(1, 31)})
    summary = summary_of(fleet, replace(FACTS, interrupted=True))
    assert list(summary["failures"].values()) == list(range(30, 10, -1))  # type: ignore[attr-defined]
    assert summary["clocks"]["steps"] == 3  # type: ignore[index]
    connections = summary["connections"]
    assert (connections["away"], connections["dropped"], connections["reconnect_failures"]) == (4, 5, 6)
    assert any("was ended before its --run-time" in why for why in summary["validity"]["reasons"])  # type: ignore[index]


def test_a_memory_that_was_seen_while_nobody_was_there_says_nothing() -> None:
    samples = [{"at_s": at_s, "instance": "health", "rss_mb": 10.0} for at_s in range(30)]
    fleet = Fleet()
    assert summary_of(fleet, replace(FACTS, backend=samples))["memory"] == {
        "backend": None,
        "instances": {},
        "generator": None,
    }


def test_of_several_instances_the_one_that_grew_most_is_judged() -> None:
    fleet = Fleet()
    for at_s in range(60):
        made = report(at_s + 1, at_s)
        made.gauges = {"connected": 10 + at_s * 17 % 51}
        fleet.take("w", made, 0.0)
    fleet.close()
    samples = [
        {"at_s": at_s, "instance": name, "rss_mb": 80 + at_s * mb_per_s}
        for at_s in range(60)
        for name, mb_per_s in (("calm", 0.0), ("leaks", 7.5), ("warms up", 0.5))
    ]
    summary = summary_of(fleet, replace(FACTS, backend=samples))
    percents = {name: one["growth_percent"] for name, one in summary["memory"]["instances"].items()}
    assert percents == {"calm": 0.0, "leaks": pytest.approx(300, rel=0.1), "warms up": 0.0}
    assert summary["memory"]["backend"] == summary["memory"]["instances"]["leaks"]
    assert summary["figures"]["backend_memory_growth_percent"] == percents["leaks"]
    assert summary["figures"]["worker_memory_growth_percent"] == 0.0
