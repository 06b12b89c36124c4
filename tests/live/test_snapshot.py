"""How a run is going, from a fleet made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from loadtest.live import snapshot, tables
from loadtest.live.curves import Curves
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.objectives import Objective

from .courses import EVENTS, course, fleet_of, report


def test_a_run_under_way_is_valid_and_judged() -> None:
    objectives = (
        Objective("delivery", "delivery_percent", "at_least", 100.0),
        Objective("p99", "latency_ms.agentLog.p99", "below", 50.0),
        Objective("connects", "connect_20_ms", "below", 50.0),
    )
    found = snapshot.of_course(course(fleet_of(), objectives=objectives))
    assert (found["state"], found["verdict"], found["reasons"]) == ("running", "valid", [])
    assert [row["passed"] for row in found["objectives"]] == [False, True, None]
    assert found["deliveries"]["lost"] == 2
    assert found["connections"]["connected"] == 60
    assert found["counted_until_s"] == 102
    assert found["failures"] == {"why": 2}
    (log, status) = found["rooms"]
    assert (log["event"], log["room_class"], log["lost"], log["duplicate"], log["members"]) == (
        *("agentLog", "20–99", 2, 4, 56),
    )
    assert (log["latency_ms"]["count"], status["latency_ms"]["count"]) == (12, 0)
    json.dumps(found)


def test_triggers_whose_completion_nobody_received_yet_are_told() -> None:
    found = snapshot.of_course(replace(course(fleet_of()), unfinished_triggers=3))
    assert found["unfinished_triggers"] == 3


def test_before_anything_is_owed_there_is_no_verdict() -> None:
    found = snapshot.of_course(course(Fleet()))
    assert found["verdict"] == ""
    assert "so far" in found["reasons"][0]


def test_a_lost_worker_and_missed_sends_show_at_once() -> None:
    found = snapshot.of_course(course(fleet_of(missed=5), alive=("w0",)))
    assert found["verdict"] == "invalid"
    assert any("worker 1" in reason for reason in found["reasons"])
    assert any("triggers could not be sent" in reason for reason in found["reasons"])
    assert [row["state"] for row in found["workers"]] == ["there", "lost"]


def test_workers_tell_of_themselves() -> None:
    (row, _) = snapshot.of_course(course(fleet_of()))["workers"]
    assert (row["connected"], row["members"], row["generator_delay_ms"], row["loop_lag_ms"]) == (30, 28, 1.5, 0.5)
    assert (row["offset_ms"], row["offset_bound_ms"], row["heard_s"]) == (2.0, 0.3, 1.0)


def test_what_is_shown_is_bounded_whatever_the_fleet() -> None:
    fleet = fleet_of(workers=1000)
    found = snapshot.of_course(course(fleet, alive=tuple(fleet.workers)))
    assert len(found["workers"]) == 200
    assert len(tables.rows_of(found)["broadcast"]) == 2
    assert len(json.dumps(found)) < 100_000


def test_the_tables_are_plain_rows_of_their_columns() -> None:
    rows = tables.rows_of(snapshot.of_course(course(fleet_of())))
    for table in tables.TABLES:
        for row in rows[table.key]:
            assert set(row) == set(table.columns)
    (worker, _) = rows["broadcast-workers"]
    assert worker["offset"] == "+2.000 ± 0.300"
    assert rows["broadcast"][1]["p50"] == "–"


def test_every_state_has_what_the_page_and_the_tables_need() -> None:
    for state in (snapshot.idle(), snapshot.preparing(), snapshot.failed("why")):
        assert tables.rows_of(state) == {"broadcast": [], "broadcast-workers": []}
        json.dumps(state)


def test_curves_have_each_second_once_and_open_ones_when_all_have_reported() -> None:
    fleet, curves = fleet_of(), Curves(EVENTS)
    curves.update(fleet, ("w0", "w1"))
    assert [row[0] for row in curves.after(0)["rows"]] == [101, 102, 103]
    fleet.take("w0", report(4, 104), 4.0)
    curves.update(fleet, ("w0", "w1"))
    assert curves.last_s == 103  # the other has not reported it
    fleet.take("w1", report(4, 104), 4.0)
    for number in range(5, 30):  # by now the first ones are closed
        for worker in ("w0", "w1"):
            fleet.take(worker, report(number, 100 + number), float(number))
    curves.update(fleet, ("w0", "w1"))
    seconds = [row[0] for row in curves.after(0)["rows"]]
    assert seconds == list(range(101, 130))
    found: dict[str, Any] = curves.after(127)
    assert [row[0] for row in found["rows"]] == [128, 129]
    row = dict(zip(found["columns"], found["rows"][0], strict=True))
    assert (row["received"], row["connected"]) == (40, 60)
    assert row["taskStatusUpdate_p50"] is None
    assert row["agentLog_p99"] > row["agentLog_p50"] > 3.9


def test_curves_of_events_that_are_named_like_ours_are_the_events() -> None:
    events = ("loop_lag", "a\nb", "agentLog")
    curves = Curves(events)
    curves.update(fleet_of(), ("w0", "w1"))
    found = curves.after(0)
    shown = dict(zip(found["labels"], zip(*found["rows"], strict=True), strict=True))
    assert shown["loop_lag p99"] == (None, None, None)
    assert shown["loop lag p99"][0] == pytest.approx(0.5, rel=1e-3)
    assert shown["agentLog p99"][0] == pytest.approx(6, rel=1e-3)
    assert r"a\nb p50" in shown
