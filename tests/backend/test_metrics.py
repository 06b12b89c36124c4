from __future__ import annotations

import pytest

from backend.metrics import Vitals, of_health, of_prometheus

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


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"memory": {"rss": 5e7, "heapUsed": 2e7}, "uptime": 4.5}, Vitals(rss_mb=50.0, heap_mb=20.0, up_s=4.5)),
        ({"data": {"memory": {"rss": 1e6}}}, Vitals(rss_mb=1.0)),
        ({"memoryUsage": {"rss": 1e6}, "cpu": {"user": 2e6, "system": 5e5}}, Vitals(rss_mb=1.0, cpu_s=2.5)),
        ({"memory": "90 MB", "uptime": True}, Vitals()),
        ("ok", Vitals()),
    ],
)
def test_the_health_call(body: object, found: Vitals) -> None:
    assert of_health(body) == found
    assert found.is_empty == (found.rss_mb is None)
