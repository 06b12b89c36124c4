"""The figures that objectives speak of, where something was not measured or just was."""

from __future__ import annotations

from typing import Any

import pytest

from measure.figures import crowded, figures_of
from measure.fleet import Fleet
from measure.latency import new_histogram
from measure.presence import Counts
from measure.report import Totals

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
    return figures_of(fleet, everything or Counts(), Counts(), new_histogram(), publishing_s)


def test_failures_count_where_fifty_were_connected() -> None:
    both = {"connect_failures": 2, "join_failures": 3}
    assert figures(fleet_of(50, **both))["failures_at_50_connections"] == 5.0
    assert figures(fleet_of(49, **both))["failures_at_50_connections"] is None


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
