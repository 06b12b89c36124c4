"""The figures that objectives speak of, where something was not measured or just was."""

from __future__ import annotations

from typing import Any

import pytest

from loadtest.measurement.doings import ANSWER
from loadtest.measurement.figures import FIGURES, MEMORY_FIGURES, crowded, figures_of
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.latency import new_histogram
from loadtest.measurement.presence import Counts
from loadtest.measurement.report import Totals

from .reports import HEALTH, report


def fleet_of(connected: int = 50, received: int = 70, **counters: int) -> Fleet:
    fleet = Fleet()
    if connected:
        made = report(1, at_s=1)
        made.gauges, made.health = {"connected": connected}, HEALTH
        fleet.take("w", made, 0.0)
    fleet.finish("w", Totals(1, {"received": received, **counters}, {}, {}, {}, {}, [(0, 1_234_567)] * 20))
    fleet.close()
    return fleet


def figures(fleet: Fleet, publishing_s: float = 7.0, everything: Counts | None = None) -> dict[str, Any]:
    found, not_measured = figures_of(fleet, everything or Counts(), Counts(), new_histogram(), publishing_s)
    assert set(not_measured) == {name for name, value in found.items() if value is None}
    assert set(found) == set(FIGURES)
    return found


def test_failures_count_where_fifty_were_connected() -> None:
    both = {"connect_failures": 2, "join_failures": 3}
    assert figures(fleet_of(48, **both))["failures_at_50_connections"] == 5.0
    assert figures(fleet_of(47, **both))["failures_at_50_connections"] is None


def test_refusals_do_not_hide_the_objective_on_fifty_connections() -> None:
    assert figures(fleet_of(46, connect_failures=54))["failures_at_50_connections"] == 54.0


@pytest.mark.parametrize(
    ("figure", "counters"),
    [
        ("corrupt_deliveries", {"corrupt": 3}),
        ("failed_connects", {"connect_failures": 1, "reconnect_failures": 2}),
        ("failed_joins", {"join_failures": 3}),
        ("connections_lost_unexpectedly", {"connections_lost": 5, "connections_dropped": 2}),
        ("users_not_back", {"away": 3}),
        ("failed_triggers", {"refused": 1, "failed": 2}),
        ("failed_requests", {"request_failures": 3}),
        ("user_errors", {"user_errors": 3}),
    ],
)
def test_what_goes_wrong_is_counted(figure: str, counters: dict[str, int]) -> None:
    assert figures(fleet_of())[figure] == 0.0
    assert figures(fleet_of(**counters))[figure] == 3.0


def test_what_is_wrong_with_deliveries_is_counted() -> None:
    wrong = figures(fleet_of(), everything=Counts(lost=10, missed_offline=7, duplicate=2, leaked=1))
    names = ("lost_while_connected", "duplicate_deliveries", "leaked_deliveries")
    assert [wrong[name] for name in names] == [3.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("connected", "publishing_s", "a_second", "each"),
    [(50, 7.0, 10.0, 0.2), (50, 0.9, 77.778, 1.556), (50, 0.0, None, None), (0, 7.0, None, None)],
)
def test_rates_are_those_of_the_time_of_publishing(
    connected: int, publishing_s: float, a_second: float | None, each: float | None
) -> None:
    found = figures(fleet_of(connected), publishing_s)
    assert (found["received_per_s"], found["events_per_s_per_client"]) == (a_second, each)


def test_shares_of_nothing_are_none_and_others_are_rounded() -> None:
    found = figures(fleet_of())
    assert (found["lost_percent"], found["delivery_percent"], found["latency_p99_ms"]) == (None, None, None)
    assert figures(fleet_of(), everything=Counts(expected=7, lost=1))["lost_percent"] == 14.285714
    assert found["connect_20_ms"] == 1.235


def test_a_room_of_twenty_is_crowded() -> None:
    fleet = Fleet()
    fleet.finish("w", Totals(1, {}, {}, {0: 19, 1: 20, 2: 400}, {}, {}, []))
    rooms = {room: [Counts(expected=10**room)] for room in range(4)}
    assert crowded(fleet, rooms) == Counts(expected=110)


def test_round_trips_and_acknowledgements_have_figures_of_their_own() -> None:
    fleet = fleet_of()
    for question, took_us in (("ping", 40_000), ("rejoin", 80_000), ("ack", 7_000), ("recovery", 900_000)):
        fleet.latencies[ANSWER + question].record_value(took_us)
    found = figures(fleet)
    assert (found["round_trip_mean_ms"], found["round_trip_max_ms"]) == pytest.approx((60, 80), rel=1e-3)
    assert (found["ack_mean_ms"], found["ack_max_ms"]) == pytest.approx((7, 7), rel=1e-3)


def test_memory_is_judged_when_the_run_is_over() -> None:
    found, reasons = figures_of(fleet_of(), Counts(), Counts(), new_histogram(), 7.0)
    assert {(found[name], reasons[name]) for name in MEMORY_FIGURES} == {
        (None, "it is judged when the run is over")
    }
    memory = {"backend": {"growth_percent": 3.5}, "generator": None}
    found, reasons = figures_of(fleet_of(), Counts(), Counts(), new_histogram(), 7.0, memory)
    assert found["backend_memory_growth_percent"] == 3.5
    assert reasons["worker_memory_growth_percent"].startswith("too few samples")


def test_what_nobody_asked_is_not_measured_and_no_entry() -> None:
    fleet = fleet_of()
    found = figures(fleet)
    assert [found[f"{what}_{kind}_ms"] for what in ("round_trip", "ack") for kind in ("mean", "max")] == [None] * 4
    assert not [name for name in fleet.latencies if name.startswith(ANSWER)]
