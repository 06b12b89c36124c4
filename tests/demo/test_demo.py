"""`make demo`, as its own process: whole, interrupted, with the backend gone, and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.adapter import BACKEND
from loadtest.backends.rest import RestClient
from loadtest.exit_codes import ExitCode

from ..support import ROOT, children_of, code_of, locust_environment, summary_of, until, until_said

pytestmark = pytest.mark.slow


def start(results: Path, temporary: Path, *more: str) -> subprocess.Popen[str]:
    environment = locust_environment()
    command = [
        sys.executable,
        "-m",
        "lab.demo",
        "--users",
        "40",
        "--rooms",
        "2",
        "--results-dir",
        str(results),
        *more,
    ]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def nothing_runs(pids: list[int]) -> None:
    """None of the processes is there any more."""

    def left() -> list[list[str]]:
        there = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
        return [process.cmdline() for process in there if process.status() != "zombie"]

    until(lambda: not left(), 30, not_yet=psutil.NoSuchProcess, told=left)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where the demo puts what shall be gone afterwards; PostgreSQL has to reach it."""
    folder = tmp_path / "t"
    folder.mkdir()
    for parent in (folder, *folder.parents):
        if parent.owner() == Path("~").expanduser().owner() and str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    return folder


@pytest.mark.parametrize("profile", ["documented", "as-built"])
def test_a_demo(results: Path, temporary: Path, profile: str) -> None:
    demo = start(results, temporary, "--profile", profile, "--duration", "14")
    until_said(demo, "latency p50")
    pids = list(children_of(demo.pid))
    assert len(pids) >= 4  # target, PostgreSQL, master, workers
    output, _ = demo.communicate(timeout=100)
    summary = summary_of(results)
    assert demo.returncode == code_of(summary)
    assert summary["validity"]["verdict"] in ("valid", "suspect")
    assert summary["profile"] == profile
    assert summary["workers"] == 2
    deliveries = summary["deliveries"]
    assert deliveries["delivered"] == deliveries["expected"] > 0
    assert (results / "latest" / "report.html").exists()
    assert len(output[output.index("Run 20") :].splitlines()) <= 45
    nothing_runs(pids)
    if demo.returncode == 0:
        assert list(temporary.iterdir()) == []


def test_a_demo_of_agents_at_work(results: Path, temporary: Path) -> None:
    """Whatever the outcome of the run, the backend has the profile `deployed` and does not throttle."""
    demo = start(results, temporary, "--profile", "deployed", "--duration", "60")
    url = until_said(demo, "Backend at").split()[2].rstrip(";")
    pids = list(children_of(demo.pid))
    client = RestClient(url)
    assert BACKEND.check(client) == "deployed"
    assert {client.send("GET", contract.PROJECTS).status for _ in range(8)} == {401}
    demo.send_signal(signal.SIGINT)
    output, _ = demo.communicate(timeout=100)
    assert "Traceback" not in output
    nothing_runs(pids)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_writes_its_record_and_leaves_nothing(
    results: Path, temporary: Path, number: int
) -> None:
    demo = start(results, temporary, "--duration", "60")
    until_said(demo, "latency p50")
    pids = list(children_of(demo.pid))
    demo.send_signal(number)
    output, _ = demo.communicate(timeout=100)
    assert demo.returncode == 130
    assert "Traceback" not in output
    assert summary_of(results)["interrupted"]
    nothing_runs(pids)
    assert list(temporary.iterdir()) == []


def test_a_backend_that_ends_in_mid_run(results: Path, temporary: Path) -> None:
    demo = start(results, temporary, "--duration", "14")
    until_said(demo, "latency p50")
    (target,) = [pid for pid in children_of(demo.pid) if "lab.reference_backend" in psutil.Process(pid).cmdline()]
    pids = list(children_of(demo.pid))
    os.kill(target, signal.SIGTERM)
    demo.communicate(timeout=100)
    summary = summary_of(results)
    assert demo.returncode not in (0, ExitCode.SETUP_FAILED)
    assert summary["connections"]["lost"] == 40
    assert summary["triggers"]["failed"] > 0
    deliveries = summary["deliveries"]
    assert deliveries["missed_offline"] > 0
    assert deliveries["expected"] == deliveries["delivered"] + deliveries["lost"]
    assert deliveries["delivered"] > 0
    nothing_runs(pids)


def test_a_demo_that_is_killed_takes_its_children_along(results: Path, temporary: Path) -> None:
    demo = start(results, temporary, "--duration", "60")
    until_said(demo, "latency p50")
    pids = list(children_of(demo.pid))
    demo.kill()
    demo.communicate()
    nothing_runs(pids)
