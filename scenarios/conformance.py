"""The outcome of a run's scenarios: what was checked, passed, failed, and what this backend cannot do. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from measure.checks import CheckId, Tally

    from .capabilities import Capabilities
    from .scenario import Scenario


class Outcome(StrEnum):
    """Of one check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_SUPPORTED = "not supported"
    """The backend cannot do what the check is about, as it said before the run."""
    SKIPPED = "skipped"
    """Something that it needs was not there, as a second user or the backend's key; the evidence says what."""
    NOT_CHECKED = "not checked"
    """The run did not get to it."""


def rows(
    scenarios: Iterable[Scenario], capabilities: Capabilities, tallies: Mapping[CheckId, Tally]
) -> list[dict[str, Any]]:
    """One row for each check: {scenario, suites, check, outcome, passed, failed, skipped, evidence}."""
    found = []
    for scenario in scenarios:
        for check, needs in scenario.checks.items():
            tally = tallies.get((scenario.name, check))
            lacking = capabilities.lacking(needs)
            outcome, evidence = _outcome(tally, lacking)
            found.append(
                {
                    "scenario": scenario.name,
                    "suites": list(scenario.suites),
                    "check": check,
                    "outcome": outcome.value,
                    "passed": tally.passed if tally else 0,
                    "failed": tally.failed if tally else 0,
                    "skipped": tally.skipped if tally else 0,
                    "evidence": evidence,
                }
            )
    return found


def _outcome(tally: Tally | None, lacking: str) -> tuple[Outcome, str]:
    if lacking:
        return Outcome.NOT_SUPPORTED, lacking
    if tally is not None and tally.failed:
        return Outcome.FAILED, tally.of_failure
    if tally is not None and tally.passed:
        return Outcome.PASSED, tally.of_pass
    if tally is not None and tally.skipped:
        return Outcome.SKIPPED, tally.of_skip
    return Outcome.NOT_CHECKED, "the run ended before its turn came"


def holds(found: Iterable[Mapping[str, Any]]) -> bool:
    """Whether everything that this backend is held to was tried, and nothing failed."""
    return not any(row["outcome"] in (Outcome.FAILED, Outcome.NOT_CHECKED) for row in found)
