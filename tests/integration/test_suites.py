"""The suites as they are shipped, against both profiles: what a backend can do is checked, and passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo.processes import free_port
from exit_codes import ExitCode
from scenarios.catalogue import ALL
from scenarios.scenario import SUITES

from ..scenarios.abilities import LACKING, able
from ..support import ROOT, csv_rows, run_locust, start_backend, summary_of

if TYPE_CHECKING:
    from pathlib import Path

    from ..support import Backend

pytestmark = [pytest.mark.slow, pytest.mark.calm]

NOT_ABOUT_TIME = (ExitCode.PASSED, ExitCode.SLO_VIOLATED, ExitCode.RUN_SUSPECT)
SECONDS = {"core": 45, "stress": 30, "integration": 25, "production": 30, "security": 25}


def play(backend: Backend, results: Path, suite: str, *more: str) -> tuple[int, dict[tuple[str, str], str], str]:
    """The exit code, the outcome of each check, and the terminal."""
    ended = run_locust(
        backend.url,
        *("--config", str(ROOT / "suites" / f"{suite}.conf"), "--run-time", f"{SECONDS[suite]}s"),
        *("--think-time", "0.2:0.6", "--results-dir", str(results), *more),
        environment=backend.by_sql,
        timeout_s=110,
    )
    rows = {(row["scenario"], row["check"]): row["outcome"] for row in summary_of(results)["conformance"]}
    assert len(csv_rows(results, "conformance")) == len(rows)
    return ended.returncode, rows, ended.stdout


@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_passes(backend: Backend, tmp_path: Path, suite: str) -> None:
    code, rows, said = play(backend, tmp_path, suite)
    deliveries = summary_of(tmp_path)["deliveries"]
    assert deliveries["lost"] == deliveries["leaked"] == deliveries["duplicate"] == 0
    capabilities = able(*LACKING[backend.profile])
    expected = {
        (scenario.name, check): "not supported" if capabilities.lacking(needs) else "passed"
        for scenario in ALL
        if suite in scenario.suites
        for check, needs in scenario.checks.items()
    }
    # How fast this machine is today is no matter for a test.
    rows = {check: outcome for check, outcome in rows.items() if "events a second" not in check[1]}
    expected = {check: outcome for check, outcome in expected.items() if "events a second" not in check[1]}
    assert rows == expected, said[-3000:]
    assert code in NOT_ABOUT_TIME or suite == "stress", said[-3000:]


def test_several_workers_share_a_suite(documented: Backend, tmp_path: Path) -> None:
    port = str(free_port())
    more = ["--processes", "2", "--master-bind-port", port, "--master-port", port, "--exclude-tags", "production"]
    _, rows, said = play(documented, tmp_path, "integration", *more)
    summary = summary_of(tmp_path)
    assert summary["workers"] == 2
    deliveries = summary["deliveries"]
    assert deliveries["delivered"] == deliveries["expected"] > 0
    assert deliveries["lost"] == deliveries["leaked"] == deliveries["duplicate"] == 0
    assert set(rows.values()) == {"passed"}, said[-3000:]
    assert {scenario for scenario, _ in rows} == {
        one.name for one in ALL if "integration" in one.suites and "production" not in one.suites
    }


def test_a_backend_that_is_wrong_fails_a_suite(tmp_path: Path) -> None:
    """Switched on after the probe: what it answered is what it is held to."""
    backend = start_backend("documented", "--breakable")
    try:
        backend.breaks_once_loaded("leaving is answered and nothing else")
        code, rows, said = play(backend, tmp_path, "core")
    finally:
        backend.stop()
    assert code == ExitCode.CHECK_FAILED
    failed = {check for check, outcome in rows.items() if outcome == "failed"}
    assert ("joining and leaving", "nothing is heard after leaving") in failed
    assert "FAILED: joining and leaving: nothing is heard after leaving" in said


def test_a_finding_fails_a_run_where_that_is_asked_for(as_built: Backend, tmp_path: Path) -> None:
    code, _, said = play(as_built, tmp_path, "security", "--fail-on-finding", "high")
    assert code == ExitCode.CHECK_FAILED
    assert "critical: anybody may read any project's room" in said
