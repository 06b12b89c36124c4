"""Runs side by side on one machine: no worker takes part in a run that is not its own, or outlives its master."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from loadtest.exit_codes import ExitCode
from loadtest.processes import free_port

from ..support import children_of, run_locust, summary_of, until
from .fleets import LOCUSTFILE, running, until_publishing
from .runs import is_whole

if TYPE_CHECKING:
    from pathlib import Path

    from ..support import Backend

pytestmark = pytest.mark.slow
SIZE = ("-u", "24", "-r", "100", "--rooms", "2", "--no-report", "--processes", "2")


def forking_master(backend: Backend, results: Path, *more: str) -> list[str]:
    locust = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary"]
    return [*locust, "--host", backend.url, "--results-dir", str(results), *SIZE, *more]


def test_two_runs_that_were_given_one_port_share_no_worker(documented: Backend, tmp_path: Path) -> None:
    port = ("--master-bind-port", str(free_port()))
    first = forking_master(documented, tmp_path / "first", *port, "-t", "12s")
    with running((first, documented.by_sql)) as (master,):
        until_publishing(master)
        second = run_locust(
            documented.url,
            *(*SIZE, *port, "-t", "5s", "--results-dir", str(tmp_path / "second")),
            environment=documented.by_sql,
        )
        said, _ = master.communicate(timeout=60)
    assert second.returncode != 0
    assert "the master's port is busy" in second.stderr
    assert "This worker takes no part: expected a worker forked by process" in second.stderr
    assert "was not let into this run" in said
    summary = summary_of(tmp_path / "first")
    assert summary["workers"] == 2
    assert summary["outcome"]["exit_code"] != ExitCode.LOST_WORKERS
    is_whole(summary)


def test_the_workers_of_a_master_that_was_killed_go(documented: Backend, tmp_path: Path) -> None:
    command = forking_master(documented, tmp_path, "-t", "1m", "--logfile", str(tmp_path / "log"))
    with running((command, documented.by_sql)) as (master,):
        until_publishing(master)
        workers = list(children_of(master.pid))
        assert len(workers) == 2
        master.kill()
        master.wait()
        until(lambda: not any(map(psutil.pid_exists, workers)), 30)
    assert f"its master, process {master.pid}, is gone" in (tmp_path / "log").read_text(encoding="utf-8")
    documented.sql("DELETE FROM users WHERE email LIKE 'lt-%%'")
