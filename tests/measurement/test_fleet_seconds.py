"""A fleet's seconds: each is closed once, in order, with the gauges of all."""

from __future__ import annotations

from typing import Any

from loadtest.measurement.fleet import Fleet

from .reports import connected, report


def test_a_second_has_the_gauges_of_workers_that_did_not_report_in_it() -> None:
    fleet = Fleet()
    fleet.take("a", report(1, at_s=1, received=5), 0.0)
    fleet.take("b", report(1, at_s=1, received=1), 0.0)
    fleet.take("a", report(2, at_s=2, received=7), 0.0)
    fleet.close()
    assert [(row["at_s"], row["connected"], row["received"]) for row in fleet.timeline] == [(1, 2, 6), (2, 2, 2)]


def test_old_seconds_are_closed_while_the_run_goes_on() -> None:
    fleet = Fleet()
    for number in range(1, 31):
        fleet.take("a", report(number, at_s=number), 0.0)
    assert [row["at_s"] for row in fleet.timeline] == list(range(1, 20))


def test_the_seconds_that_all_have_reported() -> None:
    fleet = Fleet()
    for at_s in (1, 2, 3):
        fleet.take("a", report(at_s, at_s), 0.0)
    for at_s in (1, 2):
        fleet.take("b", report(at_s, at_s), 0.0)
    fleet.take("c", report(1, 1), 0.0)
    assert [second.at_s for second in fleet.whole_seconds(0, ["a", "b"])] == [1, 2]
    assert [second.at_s for second in fleet.whole_seconds(1, ["a", "b"])] == [2]
    assert [second.at_s for second in fleet.whole_seconds(0, ["a"])] == [1, 2, 3]
    assert fleet.whole_seconds(-1, []) == []
    assert fleet.whole_seconds(-1, ["nobody"]) == []


def test_rows_come_from_what_is_closed_and_from_what_need_not_be_waited_for() -> None:
    fleet = Fleet(phase_of=lambda at_s: None if at_s == 1 else "steady")
    for at_s in range(1, 15):
        fleet.take("a", connected(at_s, at_s, at_s), 0.0)
        fleet.take("b", connected(at_s, 100, at_s), 0.0)
    fleet.take("a", connected(15, 15, 15), 0.0)
    closed = [row["at_s"] for row in fleet.timeline]
    assert closed == [1, 2, 3, 4]
    assert [row["phase"] for row in fleet.timeline] == ["", "steady", "steady", "steady"]
    found = fleet.rows_after(2, ["a", "b"], 100)
    assert [at_s for at_s, _ in found] == list(range(3, 15)), "of the last, b has said nothing"
    assert [row["connected"] for _, row in found] == [100 + at_s for at_s in range(3, 15)]
    assert [at_s for at_s, _ in fleet.rows_after(14, ["a"], 100)] == [15]
    fleet.close()
    assert [at_s for at_s, _ in fleet.rows_after(0, [], 100)] == list(range(1, 16))
    assert [at_s for at_s, _ in fleet.rows_after(0, [], 2)] == [14, 15]


def test_each_closed_second_is_told_once_and_in_order() -> None:
    told: list[Any] = []
    fleet = Fleet(on_second=told.append)
    for number, at_s in enumerate((2, 1, 3), 1):
        fleet.take("a", report(number, at_s), 0.0)
    fleet.close()
    assert [second.at_s for second in told] == [1, 2, 3]
