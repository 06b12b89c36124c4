"""What all forms of a report say of a record."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from .headline import headline, verdict_text
from .numbers import number

if TYPE_CHECKING:
    from .load import Record

_ALWAYS: Final = frozenset(("expected", "delivered", "lost", "duplicate", "reordered", "leaked", "corrupt"))
BAD_OUTCOMES: Final = ("failed", "not checked")
_GROWTH: Final = {
    "stable": "is stable",
    "grows": "grows",
    "shrinks": "shrinks",
    "cannot be told": "cannot be told to grow or not",
    "too short to say": "was seen too shortly to say whether it grows",
}


def facts_of(record: Record) -> dict[str, Any]:
    """By the names that the templates use."""
    summary = record.summary
    memory = summary["memory"]
    return {
        "summary": summary,
        "missing": record.missing,
        "verdict_text": verdict_text(summary),
        "headline": headline(summary),
        "deliveries": [(name, count) for name, count in summary["deliveries"].items() if name in _ALWAYS or count],
        "times": _times(summary),
        "memory": [growth(memory["backend"], "The backend's"), growth(memory["generator"], "The workers'")],
        "outcomes": Counter(row["outcome"] for row in summary["conformance"]).most_common(),
        "bad_checks": [row for row in summary["conformance"] if row["outcome"] in BAD_OUTCOMES],
    }


def growth(found: dict[str, Any] | None, whose: str) -> str:
    """Whether a memory grew, in words; nothing if it was not seen."""
    if found is None:
        return ""
    text = f"{whose} memory ({number(found['mb'])} MB) {_GROWTH[found['verdict']]}"
    if found["mb_per_hour"] is not None:
        text += (
            f": {number(found['mb_per_hour'])} MB an hour (95%: {number(found['low_mb_per_hour'])} to "
            f"{number(found['high_mb_per_hour'])})"
        )
    return text


def _times(summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the table of times has, by name."""
    found = dict(summary["latency_ms"])
    across = summary["latency_across_clocks_ms"].items()
    found |= {f"{event}, from another clock": times for event, times in across if times["count"]}
    found["fan-out: first to last member"] = summary["fan_out_ms"]
    if summary["replay_ms"]["count"]:
        found["replayed after a reconnect"] = summary["replay_ms"]
    found["connect"] = summary["connect_ms"]
    found |= {f"– of that, {phase}": times for phase, times in summary["connect_phases_ms"].items()}
    found["join"] = summary["join_ms"]
    found |= {question.replace("_", " "): times for question, times in summary["answers_ms"].items()}
    found["trigger answered"] = summary["trigger_ms"]
    found["generator's event loop late"] = summary["loop_lag_ms"]
    found["generator's own delay"] = summary["generator_delay_ms"]
    found["garbage collections"] = summary["gc_pause_ms"]
    return found
