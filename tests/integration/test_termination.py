"""SIGTERM, as a cluster sends it, at each moment of a run."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from exit_codes import ExitCode

from ..support import SECRET, run_locust, summary_of, until_said
from .fleets import fleet, until_publishing

if TYPE_CHECKING:
    from pathlib import Path

    from ..support import Backend

pytestmark = pytest.mark.slow

TERMINATED = 128 + signal.SIGTERM


def test_while_it_waits_for_workers_the_others_are_let_go_and_nothing_has_passed(
    documented: Backend, tmp_path: Path
) -> None:
    with fleet(documented, tmp_path, "-u", "4", "-t", "60s", workers=1, expected=2) as (master, worker):
        until_said(master, "Waiting for workers to be ready, 1 of 2 connected")
        master.send_signal(signal.SIGTERM)
        assert master.wait(20) == TERMINATED
        assert worker.wait(20) == 0
    assert not (tmp_path / "latest").exists()


def test_while_a_shape_goes_on_the_record_is_written(documented: Backend, tmp_path: Path) -> None:
    """Locust listens for it only when a shape is over."""
    with fleet(documented, tmp_path, "-u", "14", "--shape", "ramp", "-t", "60s", "--no-report") as (
        master,
        *workers,
    ):
        until_publishing(master)
        master.send_signal(signal.SIGTERM)
        code = master.wait(60)
        assert [worker.wait(20) for worker in workers] == [0, 0]
    summary = summary_of(tmp_path)
    assert summary["interrupted"]
    assert summary["deliveries"]["delivered"] == summary["deliveries"]["expected"] > 0
    assert code == ExitCode.RUN_SUSPECT
    assert any("before its --run-time was over" in reason for reason in summary["validity"]["reasons"])


def test_while_the_report_is_made_it_is_waited_for(documented: Backend, tmp_path: Path) -> None:
    with fleet(documented, tmp_path, "-u", "14", "-r", "100", "-t", "12s") as (master, *_):
        until_publishing(master)
        deadline_s = time.monotonic() + 60
        while not list(tmp_path.glob("2*/summary.json")) and time.monotonic() < deadline_s:
            time.sleep(0.01)
        master.send_signal(signal.SIGTERM)
        master.wait(60)
    assert (tmp_path / "latest" / "report.html").exists()
    assert not summary_of(tmp_path)["interrupted"]


def test_secrets_in_files(documented: Backend, tmp_path: Path) -> None:
    """As they are mounted in a cluster: nothing is in the environment."""
    files = {"LOCUST_JWT_SECRET_FILE": SECRET, "LOCUST_DATABASE_URL_FILE": documented.database_url}
    environment = {}
    for name, secret in files.items():
        (tmp_path / name).write_text(f"{secret}\n")
        environment[name] = str(tmp_path / name)
    results = tmp_path / "results"
    size = ["-u", "14", "-r", "100", "-t", "4s", "--rooms", "1", "--no-report", "--results-dir", str(results)]
    run_locust(documented.url, *size, environment=environment)
    assert summary_of(results)["deliveries"]["delivered"] > 0


def test_a_secret_s_file_that_is_not_there(documented: Backend, tmp_path: Path) -> None:
    environment = {"LOCUST_JWT_SECRET_FILE": str(tmp_path / os.devnull.strip("/"))}
    ended = run_locust(documented.url, "-u", "1", "-t", "1s", environment=environment)
    assert ended.returncode == ExitCode.USAGE
    assert "LOCUST_JWT_SECRET_FILE" in ended.stderr
    assert "Traceback" not in ended.stderr
