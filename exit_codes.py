"""What exit codes say, of runs and of reports. A small number for each outcome, named once."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class ExitCode(IntEnum):
    """Exit codes of `locust` with this package, of `make demo`, of `make nightly` and of `python -m reports`."""

    @property
    def label(self) -> str:
        """Its name in words."""
        return self.name.lower().replace("_", " ").replace("slo", "SLO")

    PASSED = 0
    """The run is valid and every objective that was measured holds."""
    USAGE = 2
    """An option is unknown or wrong."""
    SETUP_FAILED = 3
    """The run could not begin: backend, database or token are not right. Nothing was left behind."""
    SLO_VIOLATED = 4
    """The run is valid, and an objective does not hold."""
    RUN_INVALID = 5
    """The run's own numbers cannot be believed."""
    RUN_SUSPECT = 6
    """The run's numbers are doubtful, so no objective passes."""
    CHECK_FAILED = 7
    """A check of a scenario failed or was never made, a canary saw something else than the other members, or a
    finding is as severe as `--fail-on-finding` says.
    """
    WORSE = 8
    """Of `python -m reports compare`, and of nightly runs: a figure is worse, by more than is tolerated."""
    LOST_WORKERS = 9
    """The run is invalid, and workers were lost while it went on."""


def of_summary(summary: Mapping[str, Any]) -> ExitCode:
    """The exit code of a run's summary."""
    validity = summary["validity"]
    if summary["capacity"] is not None:
        # The search breaks objectives on purpose, and judges each of its levels by itself.
        found = summary["capacity"]
        trusted = found["finished"] and not found["limited_by_generator"]
        return ExitCode.PASSED if trusted else ExitCode.RUN_INVALID
    if validity["verdict"] == "invalid":
        return ExitCode.LOST_WORKERS if summary.get("lost_workers") else ExitCode.RUN_INVALID
    if not summary["conformance_holds"]:
        return ExitCode.CHECK_FAILED
    if validity["verdict"] == "suspect":
        return ExitCode.RUN_SUSPECT
    if any(row["passed"] is False for row in summary["slo"]):
        return ExitCode.SLO_VIOLATED
    return ExitCode.PASSED
