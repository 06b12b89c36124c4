"""What everybody asks first, in words and three numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement.names import shown
from loadtest.measurement.outcome import OutcomeWord
from loadtest.reports.numbers import number, share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtest.measurement.outcome import Outcome

_VERDICTS: Final = {
    "valid": "The run's own checks found nothing that would make its numbers doubtful.",
    "suspect": "Read the numbers with care: the run has reasons to doubt them, and those may explain what failed.",
    "invalid": "Do not use these numbers: the run did not measure what it set out to measure.",
}


def verdict_text(summary: Mapping[str, Any], outcome: Outcome) -> str:
    """Return what the verdict on the run itself means."""
    if outcome.word is OutcomeWord.INVALID and summary["validity"]["verdict"] != "invalid":
        return "Do not use these numbers: the record cannot be believed, or the search was not brought to its end."
    if summary["capacity"] is not None:
        return "The search overloads the backend on purpose: figures of the whole run have that in them."
    return _VERDICTS[summary["validity"]["verdict"]]


def headline(summary: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The three numbers that matter: (number, unit, what)."""
    deliveries = summary["deliveries"]
    timed = {event: times for event, times in summary["latency_ms"].items() if times["count"]}
    worst = max(timed, key=lambda event: timed[event]["p99"], default=None)
    return [
        (
            share(deliveries["delivered"], deliveries["expected"]),
            "%" if deliveries["expected"] else "",
            f"of {deliveries['expected']:,} expected deliveries arrived",
        ),
        (
            number(None if worst is None else timed[worst]["p99"]),
            "" if worst is None else "ms",
            "latency p99" if worst is None else f"latency p99 of {shown(worst)}, the slowest event",
        ),
        (f"{summary['connections']['most']:,}", "", "clients connected at once"),
    ]
