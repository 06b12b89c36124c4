"""The tables of a record where something is missing, late or not round."""

from __future__ import annotations

from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement import tables
from loadtest.measurement.clock import Estimate
from loadtest.measurement.clocks import Clock
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.presence import Counts
from loadtest.measurement.report import Totals

from .reports import report


def test_of_a_worker_that_never_reported_nothing_is_known() -> None:
    fleet = Fleet()
    fleet.enlist("w")
    assert tables.worker_rows(fleet) == [
        {
            "worker": 0,
            "id": "w",
            "reports": 0,
            "gaps": 0,
            "repeats": 0,
            "away_s": 0.0,
            "totals": False,
            "machine": "",
            "offset_ms": "",
            "offset_bound_ms": "",
            "drift_ppm": "",
            "cpu_percent": 0.0,
            "rss_mb": 0.0,
            "connects": 0,
            "received": 0,
            "due": 0,
            "sent": 0,
            "timed": 0,
        }
    ]


def test_what_a_worker_s_row_rounds() -> None:
    fleet = Fleet()
    made = report(1)
    made.health = {"cpu_percent": 33.36, "rss_bytes": 50_004_060_000.0}
    fleet.take("w", made, 0.0)
    fleet.take("w", report(2), 5.123)
    fleet.workers["w"].health = made.health
    fleet.workers["w"].clock = Clock(0, "m", Estimate(0, 1_234_567, 12.3456e-6, 6_000_123_456.0, 0.0))
    (row,) = tables.worker_rows(fleet)
    assert (row["away_s"], row["cpu_percent"], row["rss_mb"]) == (5.1, 21.7, 50004.1)
    assert (row["offset_ms"], row["offset_bound_ms"], row["drift_ppm"]) == (1.235, 6000.123, 12.3)
    fleet.workers["w"].clock = Clock(0, "m", Estimate(0, 0, 60_000.04e-6, 0.0, 0.0))
    assert tables.worker_rows(fleet)[0]["drift_ppm"] == 60_000.0
    fleet.workers["w"].clock = Clock(0, "m")
    (row,) = tables.worker_rows(fleet)
    assert (row["machine"], row["offset_ms"], row["offset_bound_ms"], row["drift_ppm"]) == ("m", "", "", "")


def test_what_was_owed_of_a_second_that_nobody_reported_has_a_row_of_its_own() -> None:
    fleet = Fleet()
    for number, at_s in enumerate((2, 5), 1):
        fleet.take("w", report(number, at_s), 0.0)
    seconds = [(1, 10, 1), (2, 20, 2), (4, 40, 4)]
    fleet.finish("w", Totals(1, {}, {}, {}, {}, {}, [], seconds=seconds))
    fleet.close()
    found = [
        (row["at_s"], row.get("owed"), row.get("lost"), row.get("received")) for row in tables.timeline_rows(fleet)
    ]
    assert found == [(1, 10, 1, None), (2, 20, 2, 0), (4, 40, 4, None), (5, None, None, 0)]


def test_a_second_that_was_opened_twice_is_owed_its_deliveries_once() -> None:
    fleet = Fleet()
    for number, at_s in enumerate((1, 30, 1), 1):
        fleet.take("w", report(number, at_s), 0.0)
    fleet.finish("w", Totals(1, {}, {}, {}, {}, {}, [], seconds=[(1, 10, 1)]))
    fleet.close()
    assert [row.get("owed") for row in tables.timeline_rows(fleet) if row["at_s"] == 1] == [10, None]


def test_streams_are_in_order_and_instances_only_where_they_say_their_names() -> None:
    fleet = Fleet()
    streams = {(room, publisher, 0): Counts() for room, publisher in ((1, 5), (0, 4097), (0, 2))}
    fleet.finish("w", Totals(1, {}, streams, {}, {}, {}, []))
    found = [(row["room"], row["publisher"], row["worker"]) for row in tables.stream_rows(fleet, Reader())]
    assert found == [(0, 2, 0), (0, 4097, 1), (1, 5, 0)]
    assert list(tables.all_of(fleet, Reader())) == ["timeline", "rooms", "streams", "workers"]
