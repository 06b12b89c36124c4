"""Tests of the fleet's numbers that the capacity search uses."""

from __future__ import annotations

from argparse import Namespace

import numpy as np
import pytest

from loadtest.measurement.fleet import Fleet
from loadtest.measurement.interim import Interim
from loadtest.measurement.presence import Counts
from loadtest.measurement.report import WorkerReport
from loadtest.measurement.shards import pack
from loadtest.run.master.shaping import CapacityShape
from loadtest.shapes.choice import Choice

S = 1_000_000_000
OPTIONS = Namespace(
    num_users=204,
    publishers=4,
    rate=2.0,
    rooms=1,
    spawn_rate=None,
    backend="prometheus",
    run_time=None,
)


def report(number: int, lag_ms: float) -> WorkerReport:
    return WorkerReport(
        number=number,
        at_s=number,
        complete_ns=0,
        triggers=[],
        latencies={"agentLog": pack(np.array([4_000] * 9 + [250_000]))},
        fan_outs=[],
        timed={},
        counters={"due": 4 * number, "refused": 1},
        gauges={"connected": 5, "members": 5},
        health={"cpu_percent": lag_ms / 10, "rss_bytes": 2e6, "loop_lag_p99_ms": lag_ms},
    )


def interim(until_s: int, expected: int, lost: int) -> Interim:
    found = Interim(until_s * S)
    found.counts[0, 0].add(Counts(expected=expected, delivered=expected - lost, lost=lost))
    return found


@pytest.fixture
def fleet() -> Fleet:
    fleet = Fleet()
    for worker, lag_ms in (("a", 2.0), ("b", 700.0)):
        fleet.take(worker, report(1, lag_ms), 0.0)
    return fleet


def shape_of(fleet: Fleet) -> CapacityShape:
    return CapacityShape(Choice.parse("capacity"), OPTIONS, lambda: (fleet, ["a", "b"]), lambda _: None)


def test_a_second_has_the_worst_worker_s_lag_and_what_was_late(fleet: Fleet) -> None:
    (moment,) = shape_of(fleet)._moments(fleet, ["a", "b"])
    assert (moment.at_s, moment.count, moment.late, moment.members) == (1, 20, 2, 10)
    assert (moment.generator_ms, moment.cpu_percent) == (700.0, 70.0)
    assert (moment.due, moment.missed, moment.trouble) == (8, 0, 2)


def test_it_is_counted_until_when_all_workers_have_counted(fleet: Fleet) -> None:
    shape = shape_of(fleet)
    fleet.take_interim("a", interim(20, 300, 3))
    (moment,) = shape._moments(fleet, ["a", "b"])
    assert (moment.counted_until_s, moment.expected, moment.lost) == (0, 300, 3)
    fleet.take_interim("b", interim(18, 200, 1))
    for worker in ("a", "b"):
        fleet.take(worker, report(2, 1.0), 1.0)
    (moment,) = shape._moments(fleet, ["a", "b"])
    assert (moment.counted_until_s, moment.expected, moment.lost) == (18, 500, 4)
    # A lost worker stops counting; its counts stay.
    fleet.take("b", report(3, 1.0), 2.0)
    (moment,) = shape._moments(fleet, ["b"])
    assert (moment.counted_until_s, moment.expected) == (18, 500)
    fleet.take_interim("b", interim(30, 400, 1))
    fleet.take("b", report(4, 1.0), 3.0)
    (moment,) = shape._moments(fleet, ["b"])
    assert (moment.counted_until_s, moment.expected) == (30, 700)


def test_the_result_has_the_losses_of_the_record(fleet: Fleet) -> None:
    found = shape_of(fleet).result({})
    assert found["by"] == "users"
    assert found["statement"] == "no level passes or fails surely"
