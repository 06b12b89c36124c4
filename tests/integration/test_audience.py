"""An audience: many connections of one Locust user, each with an account of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loadtest.exit_codes import ExitCode

from ..support import run_locust, start_backend, summary_of
from .fleets import fleet
from .runs import is_whole

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from ..support import Backend

pytestmark = pytest.mark.slow

_AUDIENCE = ("--mix", "Audience=1", "--audience-size", "30", "--publishers", "2", "--rate", "5", "--no-report")


def run(backend: Backend, results: Path, *more: str) -> subprocess.CompletedProcess[str]:
    options = [*_AUDIENCE, "-u", "4", "-r", "60", "--rooms", "3", "--results-dir", str(results), *more]
    return run_locust(backend.url, *options, environment=backend.by_sql)


def connections(summary: dict[str, Any]) -> dict[str, int]:
    assert summary["connect_ms"]["failed"] == summary["join_ms"]["failed"] == 0
    return {"most": summary["connections"]["most"], "joined": summary["join_ms"]["count"]}


def test_each_listener_is_accounted_for(documented: Backend, tmp_path: Path) -> None:
    run(documented, tmp_path, "-t", "7s")
    summary = summary_of(tmp_path)
    is_whole(summary)
    assert summary["users_by_class"] == {"Audience": 2, "Publisher": 2}
    assert connections(summary) == {"most": 60, "joined": 60}
    # Publishers begin when everybody has had a turn: 20 of 60 members for each of three events of each trigger.
    edge = summary["deliveries"]["edge"]
    assert summary["deliveries"]["expected"] + edge == summary["triggers"]["sent"] * 60


def test_listeners_in_skewed_rooms_of_two_workers(documented: Backend, tmp_path: Path) -> None:
    more = ("-u", "6", "-r", "200", "-t", "10s", "--room-skew", "1")
    with fleet(documented, tmp_path, *_AUDIENCE, *more) as (master, *_):
        said = master.communicate(timeout=100)[0]
    summary = summary_of(tmp_path)
    is_whole(summary)
    assert connections(summary) == {"most": 120, "joined": 120}, said[-2000:]
    assert summary["users_by_class"] == {"Audience": 4, "Publisher": 2}


def test_a_deaf_listener_is_found(tmp_path: Path) -> None:
    """The fault: the backend leaves some members out, and nobody acts who would notice."""
    backend = start_backend("documented", "--throttle-limit", "0", "--faults", "drop=0.2")
    try:
        run(backend, tmp_path, "-t", "7s")
    finally:
        backend.stop()
    deliveries = summary_of(tmp_path)["deliveries"]
    assert 0.1 < deliveries["lost"] / deliveries["expected"] < 0.3


def test_listeners_come_back_after_a_storm(documented: Backend, tmp_path: Path) -> None:
    run(documented, tmp_path, "-t", "12s", "--shape", "storm:at=6", "--reconnect-delay", "0.5")
    summary = summary_of(tmp_path)
    lost = summary["connections"]
    assert (lost["lost"], lost["reconnects"], lost["away"]) == (60, 60, 0)
    deliveries = summary["deliveries"]
    assert deliveries["lost"] == deliveries["missed_offline"]
    assert deliveries["expected"] > deliveries["lost"]


def test_a_run_that_is_too_short_for_its_audience_is_refused(documented: Backend, tmp_path: Path) -> None:
    ended = run(documented, tmp_path, "-t", "7s", "-r", "5")
    assert ended.returncode == ExitCode.USAGE
    assert "62 connections at --spawn-rate 5 take 12 s, and the run's time is 7 s" in ended.stderr + ended.stdout
