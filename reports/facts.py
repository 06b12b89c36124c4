"""What all forms of a report say of a record."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from .headline import headline, verdict_text
from .instances import matrix_of
from .numbers import number, share

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
        "returns": _returns(record),
        "instances": matrix_of(summary),
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


def _returns(record: Record) -> list[tuple[str, str]]:
    """What became of lost connections: (what, how many or how long); nothing if none was lost."""
    summary = record.summary
    connections, deliveries = summary["connections"], summary["deliveries"]
    if not connections["lost"]:
        return []
    found = [("connections lost", number(connections["lost"])), ("made again", number(connections["reconnects"]))]
    found.append(
        ("of those, recovered by the backend", f"{share(connections['recovered'], connections['reconnects'])} %")
    )
    found.append(("users that did not come back", number(connections["away"])))
    times = summary["answers_ms"].get("return")
    if times and times["count"]:
        found += [
            (f"{name} back after", f"{number(times[figure])} ms")
            for name, figure in (("half of them", "p50"), ("95 %", "p95"), ("all that did", "max"))
        ]
    found.append(("missed meanwhile, and lost", number(deliveries["missed_offline"])))
    found.append(("missed, and sent again", number(deliveries["replayed"])))
    if summary["replay_ms"]["count"]:
        replay = summary["replay_ms"]
        found.append(("that came after", f"{number(replay['p50'])} ms (p50), {number(replay['max'])} ms at most"))
    samples = record.tables["backend"]
    busiest = None if samples.empty or "cpu_percent" not in samples else samples["cpu_percent"].max()
    seen = busiest is not None and busiest == busiest
    return [*found, ("the backend's CPU, at most", f"{number(busiest)} %")] if seen else found


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
