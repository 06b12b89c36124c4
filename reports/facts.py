"""What all forms of a report say of a record."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement import expectations, not_supported, overload
from loadtest.measurement.names import label, shown
from loadtest.reports.headline import headline, verdict_text
from loadtest.reports.instances import matrix_of
from loadtest.reports.numbers import number, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtest.reports.load import Record

_ALWAYS: Final = frozenset(("expected", "delivered", "lost", "duplicate", "reordered", "leaked", "corrupt"))
BAD_OUTCOMES: Final = ("failed", "not checked")
_OWNERS: Final = {"backend": "The backend's", "generator": "The workers'"}
_GROWTH: Final = {
    "stable": "is stable",
    "grows": "grows",
    "shrinks": "shrinks",
    "cannot be told": "shows no clear trend",
    "too short to say": "was observed too briefly to tell whether it grows",
}


def facts_of(record: Record) -> dict[str, Any]:
    """By the names that the templates use."""
    summary = record.summary
    return {
        "summary": summary,
        "outcome": record.outcome,
        "objectives": record.objectives,
        "comparison": record.comparison,
        "missing": record.missing,
        "verdict_text": verdict_text(summary, record.outcome),
        "headline": headline(summary),
        "deliveries": [(name, count) for name, count in summary["deliveries"].items() if name in _ALWAYS or count],
        "edge": _edge(summary),
        "times": list(_times(summary)),
        "returns": _returns(record),
        "instances": matrix_of(summary),
        "overload": overload.line(summary),
        "memory": [memory_line(summary, whose) for whose in _OWNERS],
        "outcomes": Counter(row["outcome"] for row in summary["conformance"]).most_common(),
        "not_supported": not_supported.line(summary),
        "expected": expectations.lines(summary),
        "bad_checks": [row for row in summary["conformance"] if row["outcome"] in BAD_OUTCOMES],
    }


def _edge(summary: dict[str, Any]) -> str:
    """Return why so many deliveries are neither expected nor lost; empty if no user left soon after joining."""
    memberships = summary["memberships"]
    if not memberships["brief"]:
        return ""
    return (
        f"{number(summary['deliveries']['edge'])} deliveries may have been in flight while users joined or left, "
        f"and are neither expected nor lost. Of {number(memberships['number'])} memberships, "
        f"{number(memberships['brief'])} were left in less time than a broadcast may be in flight "
        f"({number(summary['in_flight_window_s'])} s): all that was broadcast meanwhile, and as long before and "
        "after, is of this kind"
    )


def memory_line(summary: dict[str, Any], whose: str) -> str:
    """Return whether a memory grew, or why it was not measured, in the words that all forms of a report share.

    :param whose: `backend` or `generator`.
    """
    found = summary["memory"][whose]
    if found is None:
        why_not = summary["not_measured"].get(f"memory.{whose}") or "the record does not say why"
        return f"{_OWNERS[whose]} memory was not measured: {why_not}"
    text = f"{_OWNERS[whose]} memory ({number(found['mb'])} MB) {_GROWTH[found['verdict']]}"
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
    if not (connections["lost"] or connections["reconnect_failures"]):
        return []
    found = [
        ("connections lost", number(connections["lost"])),
        ("of those, dropped by the load test itself", number(connections["dropped"])),
        ("made again", number(connections["reconnects"])),
        (
            "of those, recovered by the backend",
            f"{share(connections['recovered'], connections['reconnects'])} %",
        ),
        ("attempts to make one again that failed", number(connections["reconnect_failures"])),
    ]
    found.append(("users that did not come back", number(connections["away"])))
    times = summary["answers_ms"].get("return")
    if times and times["count"]:
        found += [
            (f"{name} back after", f"{number(times[figure])} ms")
            for name, figure in (("half of them", "p50"), ("95 %", "p95"), ("all that did", "max"))
        ]
    found.append(("missed meanwhile, and lost", number(deliveries["missed_offline"])))
    found.append(("of that, after drops by the load test itself", number(deliveries["missed_dropped"])))
    found.append(("missed, and sent again", number(deliveries["replayed"])))
    if summary["replay_ms"]["count"]:
        replay = summary["replay_ms"]
        found.append(("that came after", f"{number(replay['p50'])} ms (p50), {number(replay['max'])} ms at most"))
    samples = record.tables["backend"]
    busiest = None if samples.empty or "cpu_percent" not in samples else samples["cpu_percent"].max()
    seen = busiest is not None and busiest == busiest
    return [*found, ("the backend's CPU, at most", f"{number(busiest)} %")] if seen else found


def _latencies(summary: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for event, times in summary["latency_ms"].items():
        yield label(event), times
        earliest = summary["latency_earliest_ms"].get(event, times)
        if earliest != times:
            yield f"{label(event)}, at the earliest", earliest
    for event, times in summary["latency_across_clocks_ms"].items():
        if times["count"]:
            yield f"{label(event)}, from another clock", times


def _times(summary: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows of the table of times: (name, times). An event may have the name of another row."""
    yield from _latencies(summary)
    yield "fan-out: first to last member", summary["fan_out_ms"]
    if summary["fan_out_bound_ms"]["max"]:
        yield "– of that, uncertain at most", summary["fan_out_bound_ms"]
    if summary["completion_ms"]["count"]:
        yield "completion: from the trigger to its first receipt", summary["completion_ms"]
    if summary["completion_lag_ms"]["count"]:
        yield "completion: from its first receipt to each receipt", summary["completion_lag_ms"]
    if summary["replay_ms"]["count"]:
        yield "replayed after a reconnect", summary["replay_ms"]
    yield "connect", summary["connect_ms"]
    for phase, times in summary["connect_phases_ms"].items():
        yield "– beside that, the generator's delay" if phase == "generator" else f"– of that, {phase}", times
    yield "join", summary["join_ms"]
    for question, times in summary["answers_ms"].items():
        yield shown(question.replace("_", " ")), times
    yield "trigger answered", summary["trigger_ms"]
    yield "generator's event loop late", summary["loop_lag_ms"]
    if summary["ramp_loop_lag_ms"]["count"]:
        yield "– before publishers began", summary["ramp_loop_lag_ms"]
    yield "generator's own delay", summary["generator_delay_ms"]
    yield "garbage collections", summary["gc_pause_ms"]
