"""The outcome of a run's scenarios: what was checked, passed, failed, and what this backend cannot do. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from loadtest.scenarios import capabilities as can
from loadtest.scenarios import hints

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from loadtest.measurement.checks import CheckId, Tally
    from loadtest.scenarios.capabilities import Capabilities
    from loadtest.scenarios.scenario import Scenario


class Outcome(StrEnum):
    """Of one check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_SUPPORTED = "not supported"
    """The backend cannot do what the check is about, as it said before the run."""
    SKIPPED = "skipped"
    """Something that it needs was not there, as a second user or the backend's key, or the probe could not find
    out whether the backend can do it; the evidence says what.
    """
    NOT_CHECKED = "not checked"
    """The run did not get to it."""


def rows(
    scenarios: Iterable[Scenario], capabilities: Capabilities, tallies: Mapping[CheckId, Tally]
) -> list[dict[str, Any]]:
    """Return a row for each check: {scenario, suites, check, outcome, passed, failed, skipped, evidence, hint}."""
    found = []
    for scenario in scenarios:
        for check, needs in scenario.checks.items():
            tally = tallies.get((scenario.name, check))
            outcome, evidence = _outcome(tally, capabilities, needs)
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
                    "hint": _hint(outcome, tally),
                }
            )
    return found


def not_supported(scenarios: Iterable[Scenario], capabilities: Capabilities) -> list[dict[str, Any]]:
    """Return a row for each capability that a backend lacks: {capability, known, meaning, evidence, checks}.

    `known` is false if the probe could not determine it. `checks` are the checks that are skipped because of it. A
    capability that no check needs has a row if clients rely on it.
    """
    checks: dict[str, list[str]] = {name: [] for name in can.QUESTIONS}
    for scenario in scenarios:
        for check, needs in scenario.checks.items():
            for name in needs:
                checks[name].append(f"{scenario.name}: {check}")
    rows = []
    for name, skipped in checks.items():
        answer = capabilities.answers[name]
        if not capabilities.can(name) and (skipped or (answer.yes is False and name in can.RELIED_ON)):
            row = {"capability": name, "known": answer.yes is not None, "meaning": can.MEANINGS[name]}
            rows.append({**row, "evidence": answer.evidence, "checks": skipped})
    return rows


def _outcome(tally: Tally | None, capabilities: Capabilities, needs: Iterable[str]) -> tuple[Outcome, str]:
    if lacking := capabilities.lacking(needs):
        # What could not be found out is no statement on the backend.
        return Outcome.NOT_SUPPORTED if capabilities.unsupported(needs) else Outcome.SKIPPED, lacking
    if tally is not None and tally.failed:
        return Outcome.FAILED, tally.of_failure
    if tally is not None and tally.passed:
        return Outcome.PASSED, tally.of_pass
    if tally is not None and tally.skipped:
        return Outcome.SKIPPED, tally.of_skip
    return Outcome.NOT_CHECKED, "the run ended before its turn came"


def _hint(outcome: Outcome, tally: Tally | None) -> str:
    """Return the remedy for a check that makes the run fail; empty for all other checks."""
    if outcome is Outcome.NOT_CHECKED:
        return hints.NOT_CHECKED
    return tally.hint if tally is not None and outcome is Outcome.FAILED else ""


def holds(found: Iterable[Mapping[str, Any]]) -> bool:
    """Whether everything that this backend is held to was tried, and nothing failed."""
    return not any(row["outcome"] in (Outcome.FAILED, Outcome.NOT_CHECKED) for row in found)
