"""A second of the time line as a row."""

from __future__ import annotations

from loadtest.measurement.latency import fold
from loadtest.measurement.second import Second, Spread

MS = 1_000_000


def test_a_row_has_sums_means_and_maxima_over_all_workers() -> None:
    second = Second(7, received=12)
    fold(second.latencies["x"], [1000, 3000])
    gauges = {
        "a": {"connected": 3, "members": 2, "cpu_percent": 10.16, "rss_bytes": 50_004_000_000.0},
        "b": {"connected": 4, "cpu_percent": 20.36, "rss_bytes": 1_234_567.0},
        "silent": {},
    }
    assert second.row(gauges) == {
        "received": 12,
        "connected": 7,
        "members": 2,
        "workers_cpu_percent": 15.3,
        "workers_cpu_percent_max": 20.4,
        "workers_rss_mb": 50005.23,
        "workers_rss_mb_max": 50004.0,
        "x_count": 2,
        "x_mean": 2.001,
        "x_p50": 1.0,
        "x_p90": 3.001,
        "x_p99": 3.001,
        "x_p999": 3.001,
        "x_max": 3.001,
    }
    assert second.row({"b": gauges["b"]})["workers_rss_mb_max"] == 1.23


def test_where_nobody_said_anything_there_is_nothing() -> None:
    assert Second(7).row({}) == {
        "received": 0,
        "connected": 0,
        "members": 0,
        "workers_cpu_percent": 0.0,
        "workers_cpu_percent_max": 0.0,
        "workers_rss_mb": 0,
        "workers_rss_mb_max": 0.0,
    }
    assert Second(7).row({"a": {"cpu_percent": 50.0}})["workers_cpu_percent"] == 50.0


def test_how_far_the_deliveries_of_a_broadcast_are_apart() -> None:
    second = Second(7)
    for seq, (first_ns, last_ns, count) in enumerate(((MS, 3 * MS + 999, 2), (5, 5, 1), (0, 7000, 9))):
        second.fan_outs[1, 4, seq, 0] = Spread(0, first_ns, last_ns, count)
    second.fan_outs[1, 5, 0, 2] = Spread(0, 0, 1500, 2)
    second.fan_outs[1, 5, 0, 2].add(100, 1400, 1, 3000)
    second.fan_outs[1, 5, 0, 2].add(100, 1400, 1, 2000)
    found = second.fan_outs_us()
    assert found == {(4, 0): [2000, 7], (5, 2): [1]}
    assert second.fan_out_bounds_us() == [0, 0, 3]
    assert all(isinstance(value_us, int) for values_us in found.values() for value_us in values_us)
