"""SIGTERM, as a cluster sends it, at each moment of a run."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from loadtest.exit_codes import ExitCode

from ..support import SECRET, code_of, run_locust, summary_of, until, until_said
from .fleets import LOCUSTFILE, fleet, running, until_publishing
from .runs import projects_in, users_in

if TYPE_CHECKING:
    from pathlib import Path

    from ..support import Backend

pytestmark = pytest.mark.slow

TERMINATED = 128 + signal.SIGTERM
ONE_PROCESS = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary", "-u", "14"]


def test_while_it_waits_for_workers_the_others_are_let_go_and_nothing_has_passed(
    documented: Backend, tmp_path: Path
) -> None:
    with fleet(documented, tmp_path, "-u", "14", "-t", "60s", workers=1, expected=2) as (master, worker):
        until_said(master, "Waiting for workers to be ready, 1 of 2 connected")
        master.send_signal(signal.SIGTERM)
        assert master.wait(20) == TERMINATED
        assert worker.wait(20) == 0
    assert not (tmp_path / "latest").exists()


@pytest.mark.parametrize("shape", [(), ("--shape", "ramp")], ids=["", "shape"])
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, ExitCode.SETUP_FAILED), (signal.SIGTERM, TERMINATED)], ids=["INT", "TERM"]
)
def test_while_it_is_prepared_nothing_has_passed_and_nothing_stays(
    documented: Backend, tmp_path: Path, number: int, code: int, workers: int, shape: tuple[str, ...]
) -> None:
    # To make so many rooms over REST takes longer than the test.
    load = ["-u", "14", "-t", "60s", "--rooms", "1500", *shape]
    alone = [*ONE_PROCESS, "--host", documented.url, "--results-dir", str(tmp_path), *load]
    with (
        fleet(documented, tmp_path, *load, environment={}) if workers else running((alone, {})) as processes,
    ):
        until(lambda: projects_in(documented) > 20)
        processes[0].send_signal(number)
        said = processes[0].communicate(timeout=30)[0]
    assert processes[0].returncode == code, said
    logged = "\n".join(line for line in said.splitlines() if not line.startswith("NOT RUN: "))
    assert logged.count("the run's end came while it was still being prepared: nothing was measured") == 1
    assert "Traceback" not in said
    assert projects_in(documented) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_process_that_is_interrupted_ends_with_the_code_of_its_record(
    documented: Backend, tmp_path: Path, number: int
) -> None:
    load = ["-r", "100", "-t", "60s", "--host", documented.url, "--no-report", "--results-dir", str(tmp_path)]
    with running(([*ONE_PROCESS, *load], documented.by_sql)) as (process,):
        until_publishing(process)
        process.send_signal(number)
        said = process.communicate(timeout=60)[0]
    assert process.returncode == code_of(summary_of(tmp_path)) != ExitCode.PASSED, said


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
    assert code == code_of(summary) != ExitCode.PASSED
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


@pytest.mark.parametrize("before_end_s", [0.5, 2.0, 3.5, 6.0])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP], ids=["KILL", "TERM", "STOP"])
def test_the_last_worker_is_lost_shortly_before_the_end(
    documented: Backend, tmp_path: Path, number: int, before_end_s: float
) -> None:
    """Locust kills the greenlet that stops the run when the run's time is over: the record is written even so, and
    the process ends with its code.
    """
    with fleet(documented, tmp_path, "-u", "14", "-r", "100", "-t", "9s", "--no-report", workers=1) as (
        master,
        worker,
    ):
        until_said(master, "The run is prepared, and ends in 9 s")
        time.sleep(9 - before_end_s)
        worker.send_signal(number)
        text = master.communicate(timeout=90)[0]
    summary = summary_of(tmp_path)
    assert master.returncode == code_of(summary), text[-3000:]
    assert text.splitlines()[-1].startswith(f"{summary['outcome']['word']}: ")
    if number != signal.SIGTERM:
        # One that is asked to end still counts what it knows, to its last user.
        assert master.returncode == ExitCode.LOST_WORKERS
    assert "Traceback" not in text
    assert users_in(documented) == 0
