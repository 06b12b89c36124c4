"""Shapes of the load, as Locust runs them; and the search for a capacity that is known."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from loadtest.exit_codes import ExitCode

from ..support import csv_rows, run_locust, summary_of
from .fleets import fleet, until_publishing
from .runs import load_as, running_backend

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from ..support import Backend

pytestmark = pytest.mark.slow


def shaped(backend: Backend, results: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return run_locust(
        backend.url,
        *("--rooms", "1", "--no-report", "--no-probe", "--results-dir", str(results), *more),
        environment=backend.by_sql,
        timeout_s=240,
    )


def members(results: Path) -> list[int]:
    return [int(row["members"]) for row in csv_rows(results, "timeline")]


@pytest.mark.parametrize(
    ("shape", "seen"),
    [
        ("ramp", {0, 20}),
        ("steps:number=2", {10, 20}),
        ("spike:base=0.5,at=6,length=5", {10, 20}),
        ("wave:low=0.5,period=8", {10, 20}),
        ("soak:over=4", {20}),
    ],
)
def test_a_shape_is_followed_and_exact(documented: Backend, tmp_path: Path, shape: str, seen: set[int]) -> None:
    started_s = time.monotonic()
    ended = shaped(documented, tmp_path, "-u", "24", "-t", "16s", "--shape", shape, "--rate", "5")
    assert time.monotonic() - started_s >= 16
    found = members(tmp_path)
    # At the ends a second may be cut through; between, nobody is there who should not.
    assert {min(abs(count - one) for count in found) for one in seen} <= {0, 1}, found
    assert max(found) <= 20
    summary = summary_of(tmp_path)
    deliveries = summary["deliveries"]
    assert deliveries["delivered"] == deliveries["expected"] > 0, ended.stdout[-2000:]
    assert deliveries["lost"] == deliveries["leaked"] == 0
    assert summary["interrupted"] is False


def test_after_a_storm_everybody_is_back(documented: Backend, tmp_path: Path) -> None:
    ended = shaped(documented, tmp_path, "-u", "44", "-t", "16s", "--shape", "storm:at=5", "--rate", "5")
    summary = summary_of(tmp_path)
    assert summary["connections"]["lost"] == summary["connections"]["reconnects"] == 40, ended.stdout[-2000:]
    returns = summary["answers_ms"]["return"]
    assert returns["count"] == 40
    assert returns["p50"] <= returns["max"]
    deliveries = summary["deliveries"]
    # What was sent meanwhile was missed, and nothing else.
    assert deliveries["lost"] == deliveries["missed_offline"] > 0
    assert members(tmp_path)[-2] == 40
    assert summary["connections"]["away"] == 0


def test_who_does_not_come_back_from_a_storm_is_counted(tmp_path: Path) -> None:
    """A backend that lets each user in again once: of 40 viewers of 4 users, 36 stay away."""
    with running_backend("documented", "--breakable") as backend:
        backend.breaks_once_loaded("a user who has been here is refused")
        shaped(backend, tmp_path, "-u", "44", "-t", "16s", "--shape", "storm:at=9", "--rooms", "4", "--no-probe")
    summary = summary_of(tmp_path)
    connections, deliveries = summary["connections"], summary["deliveries"]
    assert connections["lost"] == 40
    assert (connections["away"], summary["answers_ms"]["return"]["count"]) == (36, 4)
    # Who is away to the end goes on missing what is sent.
    assert deliveries["lost"] == deliveries["missed_offline"] > 0.2 * deliveries["expected"]


@pytest.mark.alone
def test_the_search_finds_the_number_of_members_that_passes(tmp_path: Path) -> None:
    """A backend that is late in rooms with more than 24 members."""
    with running_backend("documented", "--faults", "crowd=24:300") as backend:
        found_by = "capacity:hold=2,least=16,most=32,resolution=0.2"
        ended = shaped(backend, tmp_path, "-u", "36", "--shape", found_by, "--rate", "10")
    summary = summary_of(tmp_path)
    found = summary["capacity"]
    assert 21 <= found["max_passing"] <= 24, ended.stdout[-2000:]
    assert found["max_passing"] < found["min_failing"] <= 28
    assert found["finished"]
    assert found["confirmed"]
    assert not found["limited_by_generator"]
    assert "100.00% of the deliveries later than 200 ms, limit 1%" in found["why_failing"]
    assert ended.returncode == ExitCode.PASSED
    assert f"{found['max_passing']:g} viewers pass (95% sure; " in ended.stdout
    assert_losses_agree(summary)
    assert summary["interrupted"] is False


def assert_losses_agree(summary: dict[str, Any]) -> None:
    """Check that the trials and the run's record agree: no delivery was lost."""
    assert summary["deliveries"]["lost"] == 0
    trials = summary["capacity"]["trials"]
    assert all(trial["lost"] == 0 and "lost" not in trial["why"] for trial in trials), trials
    assert sum(trial["expected"] for trial in trials) <= summary["deliveries"]["expected"]


@pytest.mark.alone
def test_a_stall_of_one_second_does_not_end_the_search(tmp_path: Path) -> None:
    """The whole backend stands still in the first trial, and serves any number of viewers before and after it."""
    with running_backend("documented", "--faults", "stop=8:1") as backend:
        found_by = "capacity:hold=6,least=8,most=16"
        ended = shaped(backend, tmp_path, "-u", "20", "--shape", found_by, "--rate", "10")
    summary = summary_of(tmp_path)
    found = summary["capacity"]
    assert (found["max_passing"], found["min_failing"]) == (16, None), ended.stdout[-2000:]
    assert found["trials"][0]["outcome"] != "passed"
    assert ended.returncode == ExitCode.PASSED
    assert "at least 16 viewers pass (95% sure; 2 of 2 trials); no level failed surely" in ended.stdout
    assert "PASSED: capacity: at least 16 passed" in ended.stdout
    assert_losses_agree(summary)


_SLOWLY = """
import gevent
from loadtest.backends.prometheus.adapter import Prometheus

class Slowly(Prometheus):
    def check(self, client):
        gevent.sleep(2.5)
        return super().check(client)

BACKEND = Slowly()
"""


def test_a_shape_waits_until_the_run_is_prepared(documented: Backend, tmp_path: Path) -> None:
    """In one process Locust begins a run anew with each number of users that comes before the first are there."""
    ended = load_as(_SLOWLY, documented, tmp_path, "-u", "44", "--shape", "ramp", "--rooms", "1")
    # All of its time is for the load: a preparation that counted would have left five seconds, and 25 members.
    found = members(tmp_path / "results")
    assert max(found) >= 30, found
    assert "still being prepared" not in ended.stderr
    deliveries = summary_of(tmp_path / "results")["deliveries"]
    assert deliveries["delivered"] == deliveries["expected"] > 0, ended.stdout[-2000:]


def test_the_search_raises_the_rate(documented: Backend, tmp_path: Path) -> None:
    found_by = "capacity:by=rate,hold=2,least=4,most=16,limit=1000"
    ended = shaped(documented, tmp_path, "-u", "14", "--shape", found_by, "--rate", "4")
    summary = summary_of(tmp_path)
    found = summary["capacity"]
    assert (found["max_passing"], found["lower_bound_only"]) == (16, True), ended.stdout[-2000:]
    assert "at least 16 triggers a second pass" in ended.stdout
    assert_losses_agree(summary)
    # Three levels of about 8 s: 4, 8 and 16 a second, and not 4 all the time.
    assert summary["triggers"]["sent"] > 1.5 * 4 * summary["publishing_s"]


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("zigzag", "there is no shape 'zigzag'"),
        ("spike:hight=3", "has no parameter 'hight=3'"),
        ("wave:low=-1", "no number above 0"),
        ("capacity:by=luck", "not by 'luck'"),
        ("ramp", "without --run-time"),
    ],
)
def test_a_shape_that_is_none(documented: Backend, tmp_path: Path, shape: str, said: str) -> None:
    ended = shaped(documented, tmp_path, "-u", "5", "--shape", shape)
    assert ended.returncode == ExitCode.USAGE
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.alone
def test_a_worker_that_stands_still_makes_a_trial_void(documented: Backend, tmp_path: Path) -> None:
    """The load generator is late, so no level fails."""
    found_by = "capacity:hold=12,least=8,most=16"
    size = ("-u", "20", "--rate", "10", "--shape", found_by, "--no-report", "--no-probe")
    with fleet(documented, tmp_path, *size) as (leading, first, _):
        until_publishing(leading)
        # A trial takes at least 12 s, so it contains one of these.
        for _ in range(3):
            first.send_signal(signal.SIGSTOP)
            time.sleep(1.5)
            first.send_signal(signal.SIGCONT)
            time.sleep(4.0)
        told, _ = leading.communicate(timeout=240)
    found = summary_of(tmp_path)["capacity"]
    assert (found["max_passing"], found["min_failing"]) == (16, None), told[-2000:]
    assert "void" in [trial["outcome"] for trial in found["trials"]], found["trials"]
    assert not found["limited_by_generator"]
