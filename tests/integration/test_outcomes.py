"""Runs that are not well end FAILED, with a code that is not 0; a calm one PASSED, with 0."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from loadtest.exit_codes import ExitCode

from ..support import ROOT, run_locust, start_backend, summary_of, until
from .runs import is_whole

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from ..support import Backend

pytestmark = pytest.mark.slow

FAILED = (ExitCode.OBJECTIVE_FAILED,)
OWN_USERS = """
from locust import HttpUser, constant, task

from loadtest import install
from loadtest.users import Publisher
from loadtest.users import Viewer


class Shopper(HttpUser):
    wait_time = constant(0.5)

    @task
    def look(self):
        {act}


install()
"""


def run(backend: Backend, results: Path, *more: str, **options: Any) -> subprocess.CompletedProcess[str]:
    size = ["-u", "24", "-r", "100", "-t", "6s", "--rooms", "2", "--no-report", "--results-dir", str(results)]
    return run_locust(
        backend.url, *size, *more, environment={**backend.by_sql, "PYTHONPATH": str(ROOT)}, **options
    )


def judged(ended: subprocess.CompletedProcess[str], results: Path) -> dict[str, float]:
    """Return the figures of the objectives that failed; the terminal and the code say so."""
    summary = summary_of(results)
    outcome = summary["outcome"]
    assert ended.returncode == outcome["exit_code"], ended.stderr[-2000:]
    assert ended.stdout.rstrip().splitlines()[-1].startswith(f"{outcome['word']}: ")
    assert (outcome["word"] == "PASSED") == (ended.returncode == 0)
    return {row["figure"]: row["value"] for row in summary["slo"] if row["passed"] is False}


def without_times(results: Path) -> str:
    """Return a file of objectives that says nothing of times, which are not this machine's to promise."""
    path = results.with_suffix(".toml")
    path.write_text('[[slo]]\nname = "some latency"\nfigure = "latency_p50_ms"\nbelow = 100000\n')
    return str(path)


@pytest.fixture
def breaking(request: pytest.FixtureRequest) -> Iterator[Backend]:
    backend = start_backend("documented", "--faults", request.param)
    yield backend
    backend.stop()


def test_a_calm_run_passes(documented: Backend, tmp_path: Path) -> None:
    ended = run(documented, tmp_path / "r", "--slo-file", without_times(tmp_path / "r"))
    failed = judged(ended, tmp_path / "r")
    is_whole(summary_of(tmp_path / "r"))
    assert not failed
    if not summary_of(tmp_path / "r")["validity"]["reasons"]:
        assert ended.returncode == ExitCode.PASSED


@pytest.mark.parametrize(
    ("breaking", "figure"),
    [
        ("drop=1", "lost_while_connected"),
        ("drop=0.05", "lost_while_connected"),
        ("mute_member=3", "lost_while_connected"),
        ("duplicate=0.05", "duplicate_deliveries"),
        ("leak=0.05", "leaked_deliveries"),
        ("corrupt=0.05", "corrupt_deliveries"),
        ("cut=1:2", "connections_lost_unexpectedly"),
    ],
    indirect=["breaking"],
)
def test_what_the_backend_does_wrong_fails_the_run(breaking: Backend, tmp_path: Path, figure: str) -> None:
    ended = run(breaking, tmp_path / "r", "--slo-file", without_times(tmp_path / "r"))
    failed = judged(ended, tmp_path / "r")
    assert ended.returncode == ExitCode.OBJECTIVE_FAILED, ended.stdout[-3000:]
    assert failed[figure] > 0
    assert f": {failed[figure]:.6g}, limit ≤ 0" in ended.stdout.splitlines()[-1]


def test_a_backend_that_dies_fails_the_run(tmp_path: Path) -> None:
    backend = start_backend("documented")

    def kill() -> None:
        until(lambda: backend.sql("SELECT count(*) FROM tasks")[0][0] > 10)
        time.sleep(1)
        backend.process.send_signal(signal.SIGSTOP)
        backend.process.send_signal(signal.SIGTERM)
        backend.process.send_signal(signal.SIGCONT)

    threading.Thread(target=kill, daemon=True).start()
    ended = run(backend, tmp_path / "r", "-t", "10s", "--slo-file", without_times(tmp_path / "r"))
    failed = judged(ended, tmp_path / "r")
    assert ended.returncode in {ExitCode.OBJECTIVE_FAILED, ExitCode.RUN_INVALID}, ended.stdout[-3000:]
    assert failed["failed_triggers"] > 0
    assert failed["connections_lost_unexpectedly"] >= 20
    assert failed["users_not_back"] == 20
    assert backend.process.wait(20) == 0


def test_a_locustfile_s_own_exit_code_cannot_make_a_run_pass(documented: Backend, tmp_path: Path) -> None:
    own = """
from locust import events


@events.quitting.add_listener
def decide(environment, **_kwargs):
    environment.process_exit_code = 0
"""
    locustfile = tmp_path / "own.py"
    locustfile.write_text(OWN_USERS.format(act="self.nothing()") + own)
    more = ("-u", "14", "--slo-file", without_times(tmp_path / "r"))
    ended = run(documented, tmp_path / "r", *more, locustfile=locustfile)
    assert judged(ended, tmp_path / "r")["user_errors"] > 0


@pytest.mark.parametrize(
    ("act", "figure", "reason"),
    [
        ('self.client.get("/nowhere")', "failed_requests", "GET /nowhere"),
        ("self.nothing()", "user_errors", "error in user Shopper: AttributeError"),
    ],
)
def test_other_users_that_fail_fail_the_run(
    documented: Backend, tmp_path: Path, act: str, figure: str, reason: str
) -> None:
    locustfile = tmp_path / "shop.py"
    locustfile.write_text(OWN_USERS.format(act=act))
    more = ("-u", "14", "--slo-file", without_times(tmp_path / "r"))
    ended = run(documented, tmp_path / "r", *more, locustfile=locustfile)
    failed = judged(ended, tmp_path / "r")
    assert set(failed) == {figure}
    assert ended.returncode == ExitCode.OBJECTIVE_FAILED, ended.stdout[-3000:]
    summary = summary_of(tmp_path / "r")
    assert any(why.startswith(reason) for why in summary["failures"])
    if figure == "failed_requests":
        (row,) = summary["requests"]
        assert (row["method"], row["name"]) == ("GET", "/nowhere")
        assert row["requests"] == row["failures"] == failed[figure]
        assert "404" in row["failure"]


@pytest.mark.parametrize(
    ("code", "expected"), [(None, ExitCode.PASSED), ("1", 1), ("77", 77)], ids=["not given", "1", "77"]
)
def test_locusts_own_exit_code_is_respected_where_it_is_given(
    documented: Backend, tmp_path: Path, code: str | None, expected: int
) -> None:
    """The run passes, since requests may fail here; Locust itself would end with 1."""
    locustfile = tmp_path / "shop.py"
    locustfile.write_text(OWN_USERS.format(act='self.client.get("/nowhere")'))
    relaxed = tmp_path / "relaxed.toml"
    relaxed.write_text('[[slo]]\nname = "no request of other users failed"\noff = true\n')
    more = ("-u", "14", "--slo-file", str(relaxed), *(("--exit-code-on-error", code) if code else ()))
    ended = run(documented, tmp_path / "r", *more, locustfile=locustfile)
    outcome = summary_of(tmp_path / "r")["outcome"]
    assert "failed_requests" not in {row["figure"] for row in summary_of(tmp_path / "r")["slo"]}
    assert ended.returncode == (expected if outcome["word"] == "PASSED" else outcome["exit_code"])
    assert outcome["word"] in {"PASSED", "SUSPECT"}


@pytest.mark.parametrize("workers", [(), ("--processes", "2")], ids=["one process", "two workers"])
def test_an_objective_ends_the_run_early_with_its_record(tmp_path: Path, workers: tuple[str, ...]) -> None:
    backend = start_backend("documented", "--faults", "drop=0.5")
    objectives = tmp_path / "slo.toml"
    objectives.write_text('[[slo]]\nname = "no delivery lost while connected"\nat_most = 3\nabort_after_s = 2\n')
    try:
        began_s = time.monotonic()
        ended = run(backend, tmp_path / "r", "-t", "90s", "--slo-file", str(objectives), *workers)
        assert time.monotonic() - began_s < 80
    finally:
        backend.stop()
    summary = summary_of(tmp_path / "r")
    assert ended.returncode == ExitCode.OBJECTIVE_FAILED, ended.stdout[-3000:]
    assert summary["aborted"].startswith("no delivery lost while connected: ")
    assert not summary["interrupted"]
    assert f"ended early: {summary['aborted']}" in ended.stdout.splitlines()[-1]
    assert "The run is ended early: " in ended.stdout


@pytest.mark.parametrize(
    ("breakages", "figures"),
    [
        (("every third connect is refused",), {"failed_connects"}),
        (("no more than 15 connects are taken",), {"failed_connects"}),
        (("joins are refused",), {"failed_joins"}),
        (("joins are refused", "everybody hears everything"), {"failed_joins", "leaked_deliveries"}),
        (("every seventh join is not answered",), {"failed_joins"}),
        (("the first member of a room hears nothing",), {"lost_while_connected"}),
        (("everybody hears everything",), {"leaked_deliveries"}),
        (("everybody hears each Docker log",), {"leaked_deliveries"}),
        (("logs name another agent",), {"leaked_deliveries"}),
        (("everything is sent twice",), {"duplicate_deliveries"}),
    ],
    ids=lambda given: "+".join(sorted(given)) if isinstance(given, tuple | set) else None,
)
def test_what_a_broken_backend_does_fails_the_run(
    tmp_path: Path, breakages: tuple[str, ...], figures: set[str]
) -> None:
    backend = start_backend("documented", "--breakable")
    try:
        backend.breaks(*breakages)
        more = ("--no-probe", "--patience", "1", "--slo-file", without_times(tmp_path / "r"))
        ended = run(backend, tmp_path / "r", *more)
    finally:
        backend.stop()
    failed = judged(ended, tmp_path / "r")
    assert figures <= set(failed), failed
    assert ended.returncode in {ExitCode.OBJECTIVE_FAILED, ExitCode.RUN_INVALID}, ended.stdout[-3000:]
    if "joins are refused" in breakages:
        reason = summary_of(tmp_path / "r")["validity"]["reasons"][0]
        assert "join" in reason, "the cause of nothing expected is named"
