"""What a worker says: reports and totals."""

from __future__ import annotations

import numpy as np

from loadtest.measurement.presence import Counts
from loadtest.measurement.report import Totals, WorkerReport
from loadtest.measurement.shards import pack_all

HEALTH = {"cpu_percent": 10.0, "rss_bytes": 1e6}


def report(number: int, at_s: int = 0, samples_us: tuple[int, ...] = (), received: int = 0) -> WorkerReport:
    gauges = {"connected": 1, "members": 1}
    latencies = pack_all({"x": np.array(samples_us)})
    return WorkerReport(number, at_s, 0, [], latencies, [], {}, {"received": received}, gauges, HEALTH)


def connected(number: int, count: int, at_s: int = 0) -> WorkerReport:
    made = report(number, at_s)
    made.gauges = {"connected": count}
    return made


def totals(**counts: int) -> Totals:
    return Totals(1, {"received": 1}, {(0, 7, 0): Counts(**counts, leaked=2)}, {0: 1}, {}, {}, [(1, 2)])
