"""A run's `report.html`: one file that opens offline."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from . import plots

if TYPE_CHECKING:
    from .load import Record

_ALWAYS = frozenset(("expected", "delivered", "lost", "duplicate", "reordered", "leaked", "corrupt"))
_VERDICTS = {
    "valid": "The run's own checks found nothing that would make its numbers doubtful.",
    "suspect": "Read the numbers with care: no objective passes on a suspect run.",
    "invalid": "Do not use these numbers: the run did not measure what it set out to measure.",
}


def render(record: Record) -> str:
    """The page of a run, also of one that delivered nothing."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["number"] = _number
    summary = record.summary
    return environment.get_template("report.html.j2").render(
        summary=summary,
        verdict_text=_VERDICTS[summary["validity"]["verdict"]],
        headline=_headline(summary),
        deliveries=_deliveries(summary),
        pictures=_pictures(record),
        outcomes=Counter(row["outcome"] for row in summary["conformance"]).most_common(),
        workers=record.workers.to_dict("records"),
    )


def _headline(summary: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The three numbers that matter: (number, unit, what)."""
    deliveries = summary["deliveries"]
    expected = deliveries["expected"]
    share = f"{100 * deliveries['delivered'] / expected:.6g}" if expected else "–"
    timed = [row for row in summary["latency_ms"].values() if row["count"]]
    worst = max((row["p99"] for row in timed), default=None)
    return [
        (share, "%", f"of {expected:,} broadcasts owed to members arrived"),
        (_number(worst), "ms", "latency p99 of the slowest event"),
        (f"{summary['connections']['most']:,}", "", "clients connected at once"),
    ]


def _deliveries(summary: dict[str, Any]) -> list[tuple[str, int]]:
    """(name, count): what everybody asks for, and whatever else there was."""
    return [(name, count) for name, count in summary["deliveries"].items() if name in _ALWAYS or count]


def _pictures(record: Record) -> list[dict[str, Any]]:
    found: list[tuple[str, str, str | None]] = [
        (
            f"Latency of {event} over time",
            "Each point is one second; the time is from when the trigger was due to when the frame was received.",
            plots.latency_over_time(record, event),
        )
        for event in record.summary["latency_ms"]
    ]
    found.append(
        (
            "Clients and events over time",
            "How many clients were connected and in a room, and how many events they received each second.",
            plots.load_over_time(record),
        )
    )
    found.append(
        (
            "Deliveries by room",
            "What members of each room were owed, and what did not arrive; the rooms with most losses first.",
            plots.deliveries_by_room(record),
        )
    )
    return [
        # The picture is our own; matplotlib escapes the texts in it.
        {"title": title, "text": text, "svg": Markup(svg) if svg else None}  # noqa: S704
        for title, text, svg in found
    ]


def _number(value: float | None) -> str:
    """Three to four digits, or a dash for what was not measured."""
    if value is None:
        return "–"
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"
