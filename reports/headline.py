"""What everybody asks first, in words and three numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .numbers import number, share

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERDICTS: Final = {
    "valid": "The run's own checks found nothing that would make its numbers doubtful.",
    "suspect": "Read the numbers with care: no objective passes on a suspect run.",
    "invalid": "Do not use these numbers: the run did not measure what it set out to measure.",
}


def verdict_text(summary: Mapping[str, Any]) -> str:
    """What the verdict means."""
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
            f"of {deliveries['expected']:,} broadcasts owed to members arrived",
        ),
        (
            number(None if worst is None else timed[worst]["p99"]),
            "" if worst is None else "ms",
            f"latency p99{f' of {worst}, the slowest event' if worst else ''}",
        ),
        (f"{summary['connections']['most']:,}", "", "clients connected at once"),
    ]


def slo_outcome(row: Mapping[str, Any], verdict: str) -> str:
    """How an objective came out, in words."""
    if row["passed"] is None:
        return "not measured" if row["value"] is None or row["limit"] is not None else "needs a baseline"
    if row["passed"]:
        return "holds"
    return "violated" if verdict == "valid" else f"not passed: {verdict} run"
