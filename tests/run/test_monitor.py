"""Against real processes and real HTTP."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import gevent
import pytest

from loadtest.backends.metrics import Vitals
from loadtest.backends.rest import RestClient
from loadtest.errors import Fault
from loadtest.run.master.monitor import Monitor, NoAnswerError, sources_of

from ..web_server import web_server

PAGES = {
    "/metrics": "process_resident_memory_bytes 7e6\nprocess_cpu_seconds_total 1\n",
    "/empty": "http_requests_total 5\n",
    "/v1/health/info": '{"memory": {"rss": 9000000}, "uptime": 3}',
}


@pytest.fixture
def url() -> Iterator[str]:
    with web_server(lambda _, path: (200, PAGES[path].encode()) if path in PAGES else (404, b"no")) as url:
        yield url


def test_each_kind_of_source(url: str) -> None:
    sources, why_not = sources_of(f"health, {url}/metrics,pid:{os.getpid()}", RestClient(url), None)
    assert why_not == ""
    health, metrics, own = (source.read() for source in sources)
    assert (health.rss_mb, health.up_s) == (9.0, 3.0)
    assert (metrics.rss_mb, metrics.cpu_s) == (7.0, 1.0)
    assert (own.rss_mb or 0) > 5
    assert (own.cpu_s or 0) > 0
    assert sources[1].name == url.removeprefix("http://")


@pytest.mark.parametrize("text", ["pid:999999999", "{url}/none", "{url}/empty", "http://127.0.0.1:1/metrics"])
def test_a_source_that_was_named_has_to_tell(url: str, text: str) -> None:
    with pytest.raises(Fault, match=r"--monitor .*command line.*Give pid:N"):
        sources_of(text.format(url=url), RestClient(url), None)


def test_the_health_call_need_not(url: str) -> None:
    sources, why_not = sources_of("health", RestClient(f"{url}/nowhere"), None)
    assert sources == []
    assert "404" in why_not
    sources, why_not = sources_of(f"health,pid:{os.getpid()}", RestClient(f"{url}/nowhere"), None)
    assert [source.name for source in sources] == [f"pid:{os.getpid()}"]
    assert "404" in why_not
    assert sources_of("none", RestClient(url), None) == ([], "--monitor none")


def as_built(rss: str, seconds: object) -> bytes:
    """Return an answer of the real build's `/v1/health/info`."""
    sizes = {"rss": rss, "heapTotal": "95.76 MB", "heapUsed": "61.95 MB", "external": "19.44 MB"}
    return json.dumps({"status": "ok", "uptime": {"seconds": seconds, "human": "< 1m"}, "memory": sizes}).encode()


def watch(*answers: bytes) -> Monitor:
    """Monitor a backend until its health call has given all these answers; it then repeats the last one."""
    left = list(answers)
    with web_server(lambda *_: (200, left.pop(0) if len(left) > 1 else left[0])) as url:
        sources, why_not = sources_of("health", RestClient(url), None)
        monitor = Monitor(sources, why_not, 0.01)
        with gevent.Timeout(10):
            while sources and len(monitor.rows) + monitor.summary()["failed"] < len(answers):
                gevent.sleep(0.01)
        monitor.stop()
    return monitor


def test_the_real_build_s_memory_and_restarts_are_seen() -> None:
    monitor = watch(*(as_built("157.09 MB", seconds) for seconds in (9, 9, 10, 0, 1)))
    assert {row["rss_mb"] for row in monitor.rows} == {164.721}
    assert {row["heap_mb"] for row in monitor.rows} == {64.959}
    found = monitor.summary()
    assert (found["restarts"], found["memory_why_not"], found["restarts_why_not"]) == (1, "", "")


def test_odd_answers_are_no_samples_and_say_why() -> None:
    monitor = watch(as_built("157.09 MB", 9), as_built("157.09 MB", 9), as_built("1.5 undefined", "9"))
    odd = {row.get("rss_mb") for row in monitor.rows} - {164.721}
    assert odd == {None}
    found = monitor.summary()
    assert (found["restarts"], found["memory_why_not"], found["restarts_why_not"]) == (0, "", "")


def test_a_memory_that_was_never_read_says_why() -> None:
    answer = b'{"memory": {"rss": "1.5 undefined"}}'
    found = watch(answer).summary()
    assert found["samples"] == 0
    assert found["memory_why_not"].startswith("/v1/health/info: memory.rss: expected bytes")
    assert found["memory_why_not"].endswith("got '1.5 undefined'")
    assert found["restarts"] is None
    assert found["restarts_why_not"] == found["memory_why_not"]


def test_cpu_alone_is_no_memory() -> None:
    found = watch(
        b'{"cpu": {"user": 1, "system": 1}, "uptime": {}}', b'{"cpu": {"user": 1, "system": 1}}'
    ).summary()
    assert found["samples"] >= 1
    assert found["memory_why_not"] == "health: it tells no resident memory"
    assert found["restarts_why_not"] == "health: it tells no uptime"
    assert found["restarts"] is None


class Told:
    name = "told"

    def __init__(self, *vitals: Vitals | None) -> None:
        self._left = list(vitals)

    def read(self) -> Vitals:
        vitals = self._left.pop(0) if self._left else None
        if vitals is None:
            raise NoAnswerError("it is silent")
        return vitals


def test_samples_failures_and_restarts() -> None:
    monitor = Monitor([Told(Vitals(rss_mb=1.0, up_s=5.0), None, Vitals(rss_mb=2.0, up_s=1.0))], "", 0.01)
    with gevent.Timeout(5):
        while len(monitor.rows) < 2:
            gevent.sleep(0.01)
    monitor.stop()
    found = monitor.summary()
    assert (found["samples"], found["restarts"], found["why_not"]) == (2, 1, "told: it is silent")
    assert found["failed"] >= 1
    assert [row["rss_mb"] for row in monitor.rows] == [1.0, 2.0]


def test_cpu_is_what_was_spent_between_two_samples() -> None:
    monitor = Monitor([], "", 1.0)
    monitor.add("x", 100.0, Vitals(cpu_s=5.0, up_s=10.0))
    monitor.add("x", 102.0, Vitals(cpu_s=6.0, up_s=12.0))
    monitor.add("x", 103.0, Vitals(cpu_s=0.5, up_s=0.5))  # restarted: what it has spent is another's
    monitor.add("x", 104.0, Vitals(cpu_s=1.0, up_s=1.5))
    assert [row["cpu_percent"] for row in monitor.rows] == [None, 50.0, None, 50.0]
