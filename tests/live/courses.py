"""The course of a run, as workers have reported it."""

from __future__ import annotations

import numpy as np

from loadtest.live.snapshot import Course
from loadtest.measurement.by_class import ByClass
from loadtest.measurement.clock import Estimate
from loadtest.measurement.clocks import Clock
from loadtest.measurement.evidence import GENERATOR_DELAY, LOOP_LAG
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.interim import Interim
from loadtest.measurement.objectives import Objective
from loadtest.measurement.presence import Counts
from loadtest.measurement.report import WorkerReport
from loadtest.measurement.shards import pack_all

EVENTS = ("agentLog", "taskStatusUpdate")
HEALTH = {"cpu_percent": 20.0, "rss_bytes": 5e7, "generator_delay_p99_ms": 1.5, "loop_lag_p99_ms": 0.5}


def report(number: int, at_s: int, **counters: int) -> WorkerReport:
    samples = {"agentLog": [4000, 6000], GENERATOR_DELAY: [1500], LOOP_LAG: [500]}
    latencies = pack_all({name: np.array(values) for name, values in samples.items()})
    counters = {"due": 5, "sent": 5, "received": 20 * number, **counters}
    return WorkerReport(
        number, at_s, 0, [], latencies, [], {(0, 0): 2}, counters, {"connected": 30, "members": 28}, HEALTH
    )


def fleet_of(workers: int = 2, **counters: int) -> Fleet:
    fleet = Fleet(by_class=ByClass((2, 2), (EVENTS[0], EVENTS[1], EVENTS[1])))
    for number in range(workers):
        name = f"w{number}"
        fleet.enlist(name).clock = Clock(number, "m", Estimate(0, 2_000_000, 0.0, 300_000, 0.0))
        for second in range(1, 4):
            fleet.take(name, report(second, 100 + second, **counters), float(second))
        interim = Interim(until_ns=102 * 10**9)
        interim.counts[2, 0].add(Counts(expected=100, delivered=99, lost=1, duplicate=2))
        interim.members[2] = 28
        interim.failures = {"why": 1}
        fleet.take_interim(name, interim)
    return fleet


def course(fleet: Fleet, alive: tuple[str, ...] = ("w0", "w1"), objectives: tuple[Objective, ...] = ()) -> Course:
    return Course("run-1", "http://x", 10.0, 5.0, fleet, EVENTS, list(objectives), {}, alive, 4.0)
