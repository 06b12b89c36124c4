from __future__ import annotations

import pytest

from loadtest.backends.metrics import Vitals, of_health, of_prometheus

NODE = """# HELP process_cpu_user_seconds_total Total user CPU time spent in seconds.
# TYPE process_cpu_user_seconds_total counter
process_cpu_user_seconds_total 2.5
# TYPE process_cpu_system_seconds_total counter
process_cpu_system_seconds_total 0.5
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 3.0
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1000
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 50000000
# TYPE nodejs_heap_size_used_bytes gauge
nodejs_heap_size_used_bytes{app="x"} 20000000
# TYPE nodejs_eventloop_lag_p99_seconds gauge
nodejs_eventloop_lag_p99_seconds 0.012
# TYPE process_open_fds gauge
process_open_fds 31
"""


def test_node_s_metrics() -> None:
    assert of_prometheus(NODE, 1060.0) == Vitals(50.0, 20.0, 3.0, 12.0, 31.0, 60.0)


def test_user_and_system_time_alone_add_up() -> None:
    text = "\n".join(line for line in NODE.splitlines() if "process_cpu_seconds_total" not in line) + "\n"
    assert of_prometheus(text, 0.0).cpu_s == 3.0


def test_several_processes_of_one_page_add_up_and_the_longest_lag_counts() -> None:
    text = (
        'process_resident_memory_bytes{i="1"} 1e6\nprocess_resident_memory_bytes{i="2"} 2e6\n'
        'nodejs_eventloop_lag_seconds{i="1"} 0.5\nnodejs_eventloop_lag_seconds{i="2"} 0.1\n'
    )
    found = of_prometheus(text, 0.0)
    assert (found.rss_mb, found.loop_lag_ms) == (3.0, 500.0)


def test_what_was_not_measured_yet_is_not_there() -> None:
    text = "process_resident_memory_bytes 1e6\nnodejs_eventloop_lag_p99_seconds Nan\n"
    assert of_prometheus(text, 0.0) == Vitals(rss_mb=1.0)


@pytest.mark.parametrize("text", ["<html>404</html>", "", "process_open_fds many\n"])
def test_what_is_no_page_of_metrics(text: str) -> None:
    with pytest.raises(ValueError):
        of_prometheus(text, 0.0)


def test_odd_metrics_are_not_measured_and_say_why() -> None:
    text = (
        "process_resident_memory_bytes +Inf\nnodejs_heap_size_used_bytes 12\nprocess_open_fds -1\n"
        "process_start_time_seconds +Inf\nprocess_cpu_seconds_total 1\n"
    )
    found = of_prometheus(text, 60.0)
    assert dict.fromkeys(found.unreadable) == dict.fromkeys(("rss_mb", "heap_mb", "open_files", "up_s"))
    assert found == Vitals(cpu_s=1.0, unreadable=found.unreadable)
    assert found.why_not("rss_mb").startswith("process_resident_memory_bytes: expected bytes")


AS_BUILT = {
    "status": "ok",
    "uptime": {"seconds": 9, "human": "< 1m"},
    "memory": {"rss": "157.09 MB", "heapTotal": "95.76 MB", "heapUsed": "61.95 MB", "external": "19.44 MB"},
}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"memory": {"rss": 5e7, "heapUsed": 2e7}, "uptime": 4.5}, Vitals(rss_mb=50.0, heap_mb=20.0, up_s=4.5)),
        ({"data": {"memory": {"rss": 1e6}}}, Vitals(rss_mb=1.0)),
        ({"memoryUsage": {"rss": 1e6}, "cpu": {"user": 2e6, "system": 5e5}}, Vitals(rss_mb=1.0, cpu_s=2.5)),
        ({"memory": {"rss": 1e6}, "cpu": {"user": 0, "system": 0}}, Vitals(rss_mb=1.0, cpu_s=0.0)),
        (AS_BUILT, Vitals(rss_mb=157.09 * 1.048576, heap_mb=61.95 * 1.048576, up_s=9.0)),
        ({"data": AS_BUILT}, Vitals(rss_mb=157.09 * 1.048576, heap_mb=61.95 * 1.048576, up_s=9.0)),
        ({"uptime": {"human": "< 1m"}}, Vitals()),
        ("ok", Vitals()),
    ],
)
def test_the_health_call(body: object, found: Vitals) -> None:
    read = of_health(body)
    assert (read.rss_mb, read.heap_mb) == (pytest.approx(found.rss_mb), pytest.approx(found.heap_mb))
    assert (read.cpu_s, read.up_s, read.unreadable) == (found.cpu_s, found.up_s, {})
    assert read.is_empty == (found.rss_mb is None)


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("1572864 Bytes", 1_572_864),
        ("2048 KB", 2_097_152),
        ("2048KB", 2_097_152),
        ("1.5 MB", 1_572_864),
        ("0.25 GB", 268_435_456),
    ],
)
def test_units_are_of_1024(text: str, size_bytes: int) -> None:
    assert of_health({"memory": {"rss": text}}).rss_mb == pytest.approx(size_bytes / 1e6)


ODD_SIZES = (
    *("", "MB", "157.09", "157,09 MB", "157.09 mb", "157.09 Mb", "1.5 TB", "1.5 undefined", "NaN undefined"),
    *("-157.09 MB", "1e2 MB", "157.09 MB of 512 MB", "١٥٧ MB", "0 Bytes", "12 KB", "9999999 GB", "Infinity MB"),
    *(157.09, 160_000, 0, -1, 10**400, float("inf"), float("nan"), True, [157], {"value": 157, "unit": "MB"}),
)


@pytest.mark.parametrize("odd", ODD_SIZES, ids=lambda odd: repr(odd)[:20])
def test_an_odd_size_is_not_measured_and_says_why(odd: object) -> None:
    found = of_health({"memory": {"rss": odd}})
    assert found.rss_mb is None
    assert found.is_empty
    assert found.why_not("rss_mb").startswith("memory.rss: expected bytes")
    assert repr(odd)[:30] in found.why_empty


@pytest.mark.parametrize("odd", ["9", True, -1, [], {"seconds": "9"}, {"seconds": -1}, {"seconds": float("inf")}])
def test_an_odd_uptime_is_not_measured_and_says_why(odd: object) -> None:
    found = of_health({"memory": {"rss": 5e7}, "uptime": odd})
    assert found.up_s is None
    assert "expected a number of 0 or more, got" in found.why_not("up_s")
    assert found.rss_mb == 50.0


@pytest.mark.parametrize("odd", [5, "5 s", {"user": 1}, {"user": "1", "system": 2}, {"user": -1, "system": 2}])
def test_an_odd_cpu_time_is_not_measured_and_says_why(odd: object) -> None:
    found = of_health({"cpu": odd})
    assert found.is_empty
    assert "expected user and system in microseconds" in found.why_empty


def test_a_memory_that_is_no_object_says_why() -> None:
    assert of_health({"memory": "90 MB"}).why_not("rss_mb") == "memory: expected an object with rss, got '90 MB'"
    assert of_health({}).why_not("rss_mb") == "it tells no resident memory"
    assert of_health({}).why_empty == "it tells nothing of memory or CPU"
