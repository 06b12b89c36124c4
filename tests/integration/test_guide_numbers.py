"""The guide's figures in a run: exactly the objectives fail that the backend misses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lab.reference_backend.breakages import Breakage
from loadtest.exit_codes import ExitCode

from ..support import run_locust, summary_of

if TYPE_CHECKING:
    from pathlib import Path

    from ..support import Backend

pytestmark = [pytest.mark.slow, pytest.mark.calm]

OBJECTIVES = {
    "mean round trip",
    "maximum round trip",
    "mean time to an acknowledgement",
    "maximum time to an acknowledgement",
    "stable memory of the backend",
    "stable memory of the workers",
}


BY_THE_MACHINE = {"maximum round trip", "maximum time to an acknowledgement"}
"""A busy machine may fail these too."""


def play(backend: Backend, results: Path, *more: str) -> tuple[int, dict[str, bool | None], dict[str, Any]]:
    """Play round trips for half a minute; the exit code, how the guide's objectives came out, and the summary."""
    mix = ("--mix", "Viewer=4,LatencyProber", "--users", "6", "--publishers", "1", "--rooms", "1", "--rate", "2")
    short = ("--run-time", "30s", "--think-time", "0.1:0.2", "--results-dir", str(results), "--no-report")
    ended = run_locust(
        backend.url,
        *("--headless", "--spawn-rate", "20", "--tags", "core", *mix, *short, *more),
        environment=backend.by_sql,
        timeout_s=90,
    )
    summary = summary_of(results)
    return ended.returncode, {row["name"]: row["passed"] for row in summary["slo"]}, summary


def failed_of(passed: dict[str, bool | None]) -> set[str]:
    assert set(passed) >= OBJECTIVES
    return {name for name in OBJECTIVES if passed[name] is not True}


@pytest.mark.parametrize(
    ("breakages", "failed"),
    [
        ([], set()),
        # Every pong takes less than the 200 ms that one may take.
        (
            [Breakage.PONGS_TAKE_61_MS, Breakage.LEAKS_MEMORY_BY_TIME],
            {"mean round trip", "mean time to an acknowledgement", "stable memory of the backend"},
        ),
        (
            [Breakage.ACKS_TAKE_61_MS, Breakage.ONE_SLOW_PONG],
            {"maximum round trip", "mean time to an acknowledgement", "maximum time to an acknowledgement"},
        ),
    ],
    ids=["right", "mean and memory", "acks and maximum"],
)
def test_exactly_the_objectives_fail_that_are_missed(
    breakable: Backend, tmp_path: Path, breakages: list[Breakage], failed: set[str]
) -> None:
    breakable.breaks(*breakages)
    try:
        code, passed, summary = play(breakable, tmp_path)
    finally:
        breakable.breaks()
    found = failed_of(passed)
    assert failed <= found <= failed | BY_THE_MACHINE, {row["name"]: row["value"] for row in summary["slo"]}
    if failed:
        assert code in (ExitCode.OBJECTIVE_FAILED, ExitCode.RUN_SUSPECT)
    if "stable memory of the backend" in failed:
        assert summary["memory"]["backend"]["verdict"] == "grows"
    assert {row["outcome"] for row in summary["conformance"]} == {"passed"}
