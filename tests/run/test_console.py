"""The terminal's text of a run that is over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loadtest.exit_codes import ExitCode
from loadtest.measurement.objectives import DEFAULTS, parse
from loadtest.measurement.recorded_outcome import read_outcome
from loadtest.run.master.console import summary_text

from ..measurement.runs import fleet_of, whole_summary

SLOW = parse('[[slo]]\nname = "latency"\nfigure = "latency_p99_ms"\nbelow = 1\n', "")


def lines_of(summary: dict[str, Any], report: Path | None = None, nightly: str = "") -> list[str]:
    text = summary_text(summary, read_outcome(summary), Path("results/r"), report, nightly)
    return text.splitlines()


def test_the_outcome_comes_first_and_the_text_fits_a_screen() -> None:
    summary = whole_summary(fleet_of({"internal_errors": 1}), objectives=SLOW)
    lines = lines_of(summary, Path("results/r/report.html"))
    assert lines[1] == read_outcome(summary).line
    assert lines[1].startswith("INVALID: ")
    assert len(lines) <= 30
    assert "Report    results/r/report.html" in lines
    assert "Validity  INVALID" in lines


def test_objectives_are_passed_or_failed_whatever_the_verdict() -> None:
    lines = lines_of(whole_summary(fleet_of({"internal_errors": 1}), objectives=SLOW))
    assert "Objectives: 9 of 12 passed, 3 failed" in lines
    assert any(line.startswith("latency ") and line.endswith("FAILED") for line in lines)
    assert any(line.startswith("no leaked delivery ") and line.endswith("FAILED") for line in lines)
    assert "9 default objectives passed (not listed)" in lines


def test_a_calm_run_passes() -> None:
    summary = whole_summary(fleet_of(calm=True))
    lines = lines_of(summary, nightly="Nightly   no baseline yet")
    assert lines[1] == f"PASSED: objectives: {len(DEFAULTS)} of {len(DEFAULTS)} passed"
    assert read_outcome(summary).code is ExitCode.PASSED
    assert lines[-1] == "Nightly   no baseline yet"


def test_failed_requests_of_other_users_are_named() -> None:
    fleet = fleet_of({"request_failures": 2}, calm=True)
    fleet.workers["w"].totals.requests = [["GET", "/health", 3, 2, "HTTPError: 404"]]  # type: ignore[union-attr]
    summary = whole_summary(fleet)
    lines = lines_of(summary)
    assert lines[1].startswith("FAILED: no request of other users failed: 2, limit ≤ 0")
    assert "Requests  2 of 3 failed: GET /health (HTTPError: 404)" in lines


def test_the_terminal_names_what_did_not_pass() -> None:
    row = {"scenario": "s", "check": "c", "evidence": "seen", "hint": ""}
    rows = [{**row, "outcome": outcome} for outcome in ("passed", "not supported", "failed", "skipped")]
    rows[2]["hint"] = "Update it."
    found = [{"severity": "high", "title": "a hole"}]
    summary = whole_summary(fleet_of(calm=True)) | {"conformance": rows, "findings": found}
    text = "\n".join(lines_of(summary))
    assert "1 passed, 1 not supported, 1 failed, 1 skipped" in text
    assert "FAILED: s: c (seen) Update it.\n" in text
    assert "SKIPPED: s: c (seen)" in text
    assert "high: a hole" in text
