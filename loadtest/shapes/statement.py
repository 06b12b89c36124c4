"""The result of a capacity search, in one statement. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtest.shapes.level import Decision
from loadtest.shapes.trial import TrialOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping


def statement(found: Mapping[str, Any], unit: str) -> str:
    """Return the result in words: the passing level, the failing one with its figure and limit, and their trials.

    :param found: the dict that `Search.result` returns.
    :param unit: the unit of a level.
    """
    low, high = found["max_passing"], found["min_failing"]
    sure = f"{found['confidence']:.0%} sure" if found["confidence"] else ""
    fails = f"{high:g} fail ({_trials(found, high, TrialOutcome.FAILED)}): {found['why_failing']}" if high else ""
    undecided = ", ".join(f"{level:g}" for level in found["undecided"])
    between = f"undecided: {undecided}" if undecided else ""
    if low is None:
        none = f"no level passes ({sure}); {fails}" if high else "no level passes or fails surely"
        return "; ".join(filter(None, (none, between)))
    passed = _trials(found, low, TrialOutcome.PASSED)
    if high is None:
        parts = (f"at least {low:g} {unit} pass ({sure}; {passed})", "no level failed surely", between)
    else:
        parts = (f"{low:g} {unit} pass ({sure}; {passed})", fails, between)
    return "; ".join(filter(None, parts))


def _trials(found: Mapping[str, Any], level: float, wanted: TrialOutcome) -> str:
    """Return how many of a level's trials agree, in words, or that all of them were judged together."""
    row = next(row for row in found["levels"] if row["level"] == level)
    made = sum(row[outcome.value] for outcome in TrialOutcome if outcome is not TrialOutcome.VOID)
    agreed = row[wanted.value]
    if not agreed and row["decision"] in (Decision.PASSES, Decision.FAILS):
        return f"{made} trials together"
    return f"{agreed} of {made} {'trial' if made == 1 else 'trials'}"
