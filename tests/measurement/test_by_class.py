from __future__ import annotations

import numpy as np
import pytest

from loadtest.measurement.by_class import ByClass
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.latency import fold, new_histogram
from loadtest.measurement.presence import Counts
from loadtest.measurement.report import WorkerReport
from loadtest.measurement.room_classes import CLASS
from loadtest.measurement.shards import pack_all
from loadtest.measurement.taken import ACROSS, FanOut

EVENTS = ("log", "status", "status")


def report(samples_us: dict[str, list[int]], fan_outs: list[FanOut], at_s: int = 0) -> WorkerReport:
    latencies = pack_all({name: np.array(values) for name, values in samples_us.items()})
    health = {"cpu_percent": 1.0, "rss_bytes": 1.0}
    return WorkerReport(1, at_s, 0, [], latencies, fan_outs, {}, {}, {}, health)


def fleet_of(classes: tuple[int, ...], samples_us: dict[str, list[int]], fan_outs: list[FanOut]) -> Fleet:
    fleet = Fleet(by_class=ByClass(classes, EVENTS))
    fleet.take("w", report(samples_us, fan_outs), 0.0)
    fleet.close()
    return fleet


def test_classes_are_kept_apart_and_make_up_the_event() -> None:
    samples_us = {f"log{CLASS}1": [1000], f"log{CLASS}3": [3000], f"log{CLASS}3{ACROSS}": [5000]}
    fan_outs = [FanOut(1, 0, 0, 0, 0, 0, 2_000_000, 9), FanOut(1, 1, 0, 2, 0, 0, 7_000_000, 9)]
    fleet = fleet_of((1, 3), samples_us, fan_outs)
    assert fleet.latencies["log"].get_total_count() == 3
    assert fleet.latencies["log" + ACROSS].get_total_count() == 1
    assert not [name for name in fleet.latencies if CLASS in name]
    counts = {(1, 0): Counts(expected=1), (3, 1): Counts(lost=2), (3, 2): Counts(lost=3)}
    rows = fleet.by_class.rows(counts, {1: 4, 3: 200}, fleet.latencies)
    assert [(row["event"], row["room_class"], row["rooms"], row["members"]) for row in rows] == [
        ("log", "2–19", 1, 4),
        ("log", "100–999", 1, 200),
        ("status", "2–19", 1, 4),
        ("status", "100–999", 1, 200),
    ]
    assert [row["latency_ms"]["count"] for row in rows] == [1, 2, 0, 0]
    assert [row["fan_out_ms"]["count"] for row in rows] == [1, 0, 0, 1]
    assert rows[3]["fan_out_ms"]["max"] == pytest.approx(7, rel=0.001)
    assert [row["lost"] for row in rows] == [0, 0, 0, 5]
    assert rows[0]["expected"] == 1


def test_rooms_of_one_class_need_no_mark() -> None:
    fleet = fleet_of((1, 1), {"log": [1000, 2000]}, [])
    (log, status) = fleet.by_class.rows({}, {}, fleet.latencies)
    assert (log["rooms"], log["latency_ms"]["count"], status["latency_ms"]["count"]) == (2, 2, 0)
    other = new_histogram()
    fold(other, [1])
    assert fleet.by_class.rows({}, {}, {"log": other})[0]["latency_ms"]["count"] == 1


def test_a_warm_up_is_in_its_seconds_and_in_no_total() -> None:
    fleet = Fleet(by_class=ByClass((1, 1), EVENTS), counts=lambda at_s: at_s >= 5, phase_of=str)
    fan_outs = [FanOut(1, 0, 0, 0, 0, 0, 2_000_000, 9)]
    fleet.take("w", report({"log": [1000], "connect": [9000]}, fan_outs, at_s=4), 0.0)
    fleet.take("v", report({"log": [2000, 2000], "connect": [9000]}, fan_outs, at_s=5), 0.0)
    fleet.close()
    assert fleet.latencies["log"].get_total_count() == 2
    assert fleet.latencies["fan_out"].get_total_count() == 0
    assert fleet.latencies["connect"].get_total_count() == 2  # connections are made before
    assert {phase: found["log"].get_total_count() for phase, found in fleet.phases.items()} == {"4": 1, "5": 2}


def test_slots_of_one_event_and_rooms_of_one_class_add_up() -> None:
    by_class = ByClass((2, 2, 0), ("a", "b", "a"))
    by_class.add_fan_outs({(0, 0): [1000], (0, 2): [3000], (1, 0): [5000, 7000], (2, 1): [9000]})
    found = {(row["event"], row["room_class"]): row for row in by_class.rows({}, {0: 4}, {})}
    assert {key: row["fan_out_ms"]["count"] for key, row in found.items()} == {
        ("a", "up to 1"): 0,
        ("a", "20–99"): 4,
        ("b", "up to 1"): 1,
        ("b", "20–99"): 0,
    }
    assert [row["members"] for row in found.values()] == [4, 0, 4, 0]
