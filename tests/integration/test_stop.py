"""A run that is stopped while it is being prepared never begins, whatever asked for it and whatever stops it."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from loadtest.exit_codes import ExitCode
from loadtest.processes import free_port

from ..support import until, web_page
from .runs import state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..support import Backend

pytestmark = pytest.mark.slow

MANY_ROOMS = "1500"
"""Creating them over REST takes longer than any of these tests."""
LONG_ENOUGH_S = 4.0
GIVEN_UP = "the run's end came while it was still being prepared"


class Page:
    """The page of a Locust process."""

    def __init__(self, url: str, backend: Backend, results: Path) -> None:
        self.url, self.backend, self.results = url, backend, results
        self.pool = urllib3.PoolManager(retries=urllib3.Retry(40, backoff_factor=0.1))

    def post(self, path: str, **form: str) -> dict[str, Any]:
        found: dict[str, Any] = self.pool.request(
            "POST", self.url + path, fields=form, encode_multipart=False
        ).json()
        return found

    def swarm(self, **form: str) -> None:
        answer = self.post("/swarm", **{"user_count": "8", "spawn_rate": "100", "host": self.backend.url, **form})
        assert answer["success"], answer

    def state(self) -> str:
        return state(self.pool, self.url)

    def projects(self) -> int:
        count: int = self.backend.sql("SELECT count(*) FROM projects")[0][0]
        return count

    def prepare(self, **form: str) -> None:
        """Start a run and wait until it is being prepared."""
        self.swarm(**{"rooms": MANY_ROOMS, **form})
        self.until_prepared()

    def until_prepared(self) -> None:
        until(lambda: self.projects() > 20 and self.state() == "spawning")

    def run_once(self) -> None:
        self.swarm(rooms="1")
        until(lambda: self.state() == "running")
        self.post("/stop")
        until(lambda: self.state() == "stopped")

    def stays_stopped(self, records: int) -> None:
        """Make sure that no run begins any more, and that nothing is left of it."""
        until(lambda: self.state() == "stopped", LONG_ENOUGH_S)
        assert self.projects() == 0
        deadline_s = time.monotonic() + LONG_ENOUGH_S
        while time.monotonic() < deadline_s:
            assert self.state() == "stopped"
            time.sleep(0.3)
        assert len(list(self.results.glob("2*"))) == records


@pytest.fixture
def page(as_built: Backend, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    options = ["--results-dir", str(tmp_path / "results"), "--no-report", *getattr(request, "param", ())]
    if "--processes" in options:
        port = str(free_port())
        options += ["--master-bind-port", port, "--master-port", port]
    with web_page(as_built.url, tmp_path / "log", *options) as (_, url):
        page = Page(url, as_built, tmp_path / "results")
        if "--processes" in options:
            until(lambda: len(page.pool.request("GET", f"{url}/stats/requests").json()["workers"]) == 2)
        yield page
    assert "Traceback" not in (tmp_path / "log").read_text()


AUTOSTART = ["--autostart", "-u", "8", "-r", "100", "--rooms", MANY_ROOMS]
FLEET = ["--processes", "2"]
SHAPE = ["--shape", "ramp", "-u", "14", "-t", "60s"]


@pytest.mark.parametrize("page", [[], FLEET], indirect=True, ids=["one process", "workers"])
@pytest.mark.parametrize("runs_before", [0, 1])
def test_stop_ends_the_preparation_of_every_run(page: Page, runs_before: int) -> None:
    for _ in range(runs_before):
        page.run_once()
    page.prepare()
    assert page.post("/stop")["success"]
    page.stays_stopped(records=runs_before)
    page.run_once()


@pytest.mark.parametrize("page", [SHAPE, SHAPE + FLEET], indirect=True, ids=["one process", "workers"])
def test_stop_ends_the_preparation_of_a_shape(page: Page) -> None:
    for _ in range(2):
        page.prepare()
        page.post("/stop")
        page.stays_stopped(records=0)
    page.run_once()


@pytest.mark.parametrize("page", [AUTOSTART, AUTOSTART + FLEET], indirect=True, ids=["one process", "workers"])
def test_stop_ends_the_preparation_of_a_run_that_began_by_itself(page: Page) -> None:
    page.until_prepared()
    page.post("/stop")
    page.stays_stopped(records=0)


@pytest.mark.parametrize(
    "page", [[*AUTOSTART, *FLEET, "--rooms", "1", "-u", "200", "-r", "4"]], indirect=True, ids=["workers"]
)
def test_stop_ends_the_ramp_of_a_run_that_began_by_itself(page: Page) -> None:
    def users() -> int:
        count: int = page.pool.request("GET", f"{page.url}/stats/requests").json()["user_count"]
        return count

    until(lambda: users() > 4)
    page.post("/stop")
    until(lambda: page.state() == "stopped")
    page.stays_stopped(records=1)
    assert users() == 0


@pytest.mark.parametrize("page", [[], FLEET, SHAPE, SHAPE + FLEET], indirect=True)
def test_another_start_takes_the_place_of_the_first(page: Page) -> None:
    page.prepare()
    page.swarm(rooms="1")
    until(lambda: page.state() == "running")
    page.post("/stop")
    until(lambda: page.state() == "stopped")
    page.stays_stopped(records=1)


@pytest.mark.parametrize("page", [[], FLEET], indirect=True, ids=["one process", "workers"])
def test_stop_after_several_starts(page: Page) -> None:
    page.run_once()
    page.prepare()
    for _ in range(3):
        page.swarm(rooms=MANY_ROOMS)
    page.pool.request("POST", f"{page.url}/stats/reset")
    page.post("/stop")
    page.stays_stopped(records=1)


def test_a_form_that_is_refused_leaves_the_preparation_as_it_is(page: Page) -> None:
    page.swarm(rooms="300")
    page.until_prepared()
    refused = page.post("/swarm", user_count="8", spawn_rate="100", host=page.backend.url, rooms="none")
    assert not refused["success"]
    until(lambda: page.state() == "running")


@pytest.mark.parametrize("page", [[], FLEET], indirect=True, ids=["one process", "workers"])
def test_stop_at_any_moment(page: Page) -> None:
    page.run_once()
    for number in range(12):
        page.swarm(rooms="20")
        time.sleep(number * 0.05)
        page.post("/stop")
        until(lambda: page.state() == "stopped")
        assert page.projects() == 0
    page.run_once()


@pytest.mark.parametrize("page", [["--run-time", "3s"]], indirect=True)
def test_the_run_s_time_ends_the_preparation_of_a_second_run(page: Page) -> None:
    page.run_once()
    page.prepare(run_time="3s")
    until(lambda: page.state() == "stopped")
    page.stays_stopped(records=1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_preparation_of_a_second_run(as_built: Backend, tmp_path: Path, number: int) -> None:
    results = tmp_path / "results"
    with web_page(as_built.url, tmp_path / "log", "--results-dir", str(results), "--no-report") as (process, url):
        page = Page(url, as_built, results)
        page.run_once()
        page.prepare()
        process.send_signal(number)
        assert process.wait(30) == ExitCode.SETUP_FAILED
    log = (tmp_path / "log").read_text()
    logged = [line for line in log.splitlines() if not line.startswith("NOT RUN: ")]
    assert "\n".join(logged).count(GIVEN_UP) == 1
    assert "Traceback" not in log
    assert page.projects() == 0
    assert len(list(results.glob("2*"))) == 1
