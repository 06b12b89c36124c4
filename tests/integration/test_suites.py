"""The suites as they are shipped, against both profiles: what a backend can do is checked, and passes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from loadtest.exit_codes import ExitCode
from loadtest.measurement.overload import OVERLOAD
from loadtest.processes import locust_environment
from loadtest.scenarios.catalogue import ALL
from loadtest.scenarios.scenario import SUITES

from ..scenarios.abilities import LACKING, able
from ..scenarios.overloading import OVERLOADING
from ..support import ROOT, csv_rows, run_locust, start_backend, summary_of

if TYPE_CHECKING:
    from pathlib import Path

    from ..support import Backend

pytestmark = [pytest.mark.slow, pytest.mark.calm]

NOT_ABOUT_TIME = (ExitCode.PASSED, ExitCode.OBJECTIVE_FAILED, ExitCode.RUN_SUSPECT)
SECONDS = {"core": 45, "stress": 30, "integration": 25, "production": 30, "security": 25}


def play(backend: Backend, results: Path, suite: str, *more: str) -> tuple[int, dict[tuple[str, str], str], str]:
    """The exit code, the outcome of each check, and the terminal."""
    ended = run_locust(
        backend.url,
        *("--config", str(ROOT / "loadtest" / "suites" / f"{suite}.conf"), "--run-time", f"{SECONDS[suite]}s"),
        *("--think-time", "0.2:0.6", "--session-length", "12", "--results-dir", str(results), *more),
        environment=backend.by_sql,
        timeout_s=110,
    )
    rows = {(row["scenario"], row["check"]): row["outcome"] for row in summary_of(results)["conformance"]}
    assert len(csv_rows(results, "conformance")) == len(rows)
    return ended.returncode, rows, ended.stdout


@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_passes(backend: Backend, tmp_path: Path, suite: str) -> None:
    code, rows, said = play(backend, tmp_path, suite, "--expect", backend.profile)
    summary = summary_of(tmp_path)
    deliveries = summary["deliveries"]
    assert deliveries["lost"] == deliveries["leaked"] == deliveries["duplicate"] == 0
    assert deliveries["reordered"] == 0, "tasks that are made at once have no order"
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
    overloads = {scenario.name for scenario in ALL if suite in scenario.suites} & OVERLOADING
    assert set((summary["overload"] or {"scenarios": {}})["scenarios"]) == overloads
    assert (OVERLOAD in summary["phases"]) == bool(overloads)


def test_a_backend_that_is_slow_fails_a_suite_beside_its_flood(tmp_path: Path) -> None:
    """What comes during the flood is counted and timed apart; all other deliveries are judged by the guide."""
    backend = start_backend("documented", "--faults", "delay=80")
    flood = "a flood of connections"
    try:
        ended = run_locust(
            backend.url,
            *(
                "--config",
                str(ROOT / "loadtest" / "suites" / "security.conf"),
                "--scenario",
                flood,
                "--run-time",
                "14s",
            ),
            *("--mix", "Viewer=11,Intruder", "--think-time", "8:8", "--results-dir", str(tmp_path)),
            environment=backend.by_sql,
            timeout_s=100,
        )
    finally:
        backend.stop()
    assert ended.returncode not in (ExitCode.PASSED, ExitCode.CHECK_FAILED), ended.stdout[-3000:]
    summary = summary_of(tmp_path)
    failed = {row["name"] for row in summary["slo"] if row["passed"] is False and not row["phase"]}
    assert "mean latency" in failed
    assert summary["figures"]["latency_mean_ms"] > 80
    assert set(summary["overload"]["scenarios"]) == {flood}
    assert summary["overload"]["deliveries"] > 0
    counted = {name: phase["deliveries"]["expected"] for name, phase in summary["phases"].items()}
    assert counted[OVERLOAD] > 0
    assert sum(counted.values()) == summary["deliveries"]["expected"] == summary["deliveries"]["delivered"]


def test_suites_side_by_side_by_one_command(documented: Backend, tmp_path: Path) -> None:
    """Each of them has workers of its own, at a port of its own."""
    suites = ("integration", "security")
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "loadtest.suites", "--suites", ",".join(suites), "--side-by-side", "2"),
            *("--results-dir", str(tmp_path), "--host", documented.url, "--processes", "2"),
            *("--run-time", "25s", "--think-time", "0.2:0.6", "--exclude-tags", "production"),
        ],
        cwd=ROOT,
        env=locust_environment() | documented.by_sql,
        capture_output=True,
        text=True,
    )
    results = json.loads((tmp_path / "suites.json").read_text(encoding="utf-8"))
    lines = ended.stdout.splitlines()
    assert lines[-1] == results["line"]
    assert [one["suite"] for one in results["suites"]] == list(suites)
    for one in results["suites"]:
        assert sum(line.startswith(f"{one['suite']:<14}{one['word']}: {one['why']}  [") for line in lines) == 1
        summary = json.loads((tmp_path / one["record"] / "summary.json").read_text(encoding="utf-8"))
        assert summary["outcome"]["exit_code"] == one["exit_code"]
        assert summary["workers"] == 2
        deliveries = summary["deliveries"]
        assert deliveries["delivered"] == deliveries["expected"] > 0
        assert deliveries["lost"] == deliveries["leaked"] == deliveries["duplicate"] == 0
        assert {row["outcome"] for row in summary["conformance"]} <= {"passed", "not supported"}, one
        assert {row["scenario"] for row in summary["conformance"]} == {
            scenario.name
            for scenario in ALL
            if one["suite"] in scenario.suites and "production" not in scenario.suites
        }
    assert ended.returncode in {one["exit_code"] for one in results["suites"]}
    links = re.findall('href="(.*?)"', (tmp_path / "suites.html").read_text(encoding="utf-8"))
    assert len(links) == 6
    assert all((tmp_path / link).exists() for link in links)


def test_what_is_expected_and_missing_fails_a_run(tmp_path: Path) -> None:
    """Wrong before the probe: without an expectation, the checks of it are not supported, and the run passes."""
    backend = start_backend("documented", "--breakable")
    small = ["-u", "14", "-r", "100", "--rooms", "2", "-t", "5s", "--expect", "documented"]
    try:
        backend.breaks("any token is believed")
        ended = run_locust(
            backend.url, *small, "--results-dir", str(tmp_path), environment=backend.by_sql, timeout_s=100
        )
    finally:
        backend.stop()
    assert ended.returncode == ExitCode.CHECK_FAILED
    missing = {"token check", "expired tokens are refused"}
    summary = summary_of(tmp_path)
    found = {row["capability"]: row["outcome"] for row in summary["expectations"]["capabilities"]}
    assert {name for name, outcome in found.items() if outcome == "failed"} == missing
    assert set(summary["outcome"]["why"]) == {f"expected capability missing: {name}" for name in missing}
    assert "FAILED: token check (connects with a token that is: garbage" in ended.stdout
    assert (
        f"capabilities expected by documented: {len(found) - 2} of {len(found)} passed, 2 failed" in ended.stdout
    )


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
