"""What a run says on the terminal: a line of progress now and then, and at most a screen at the end."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement import canaries, expectations, names, not_supported, overload
from loadtest.measurement.objective_results import results_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from loadtest.measurement.fleet import Fleet
    from loadtest.measurement.outcome import Outcome

_MOST_CHECKS = 10
_MOST_FAILURES = 3
_LONGEST_REASON = 120
_NAME_CHARACTERS: Final = 60
"""Of an event, at most."""


class _Streams:
    stdout_is_locusts = False


def leave_stdout() -> None:
    """Say everything on stderr from now on: with --json, stdout is for the JSON that Locust prints."""
    _Streams.stdout_is_locusts = True


def say(text: str) -> None:
    """Print at once; what a server has named or worded reaches the terminal as plain text."""
    stream = sys.stderr if _Streams.stdout_is_locusts else sys.stdout
    stream.write(names.visible(text, keep="\n\t") + "\n")
    stream.flush()


def progress(elapsed_s: float, fleet: Fleet, latency: Mapping[str, Any]) -> str:
    """One line on a run under way.

    :param latency: a summary of latencies in milliseconds.
    """
    times = "no delivery yet"
    if latency["count"]:
        times = f"latency p50 {latency['p50']:.1f} p99 {latency['p99']:.1f} max {latency['max']:.1f} ms"
    trouble = "".join(
        f", {count} {what}"
        for name, what in (
            ("missed", "sends missed"),
            ("refused", "triggers refused"),
            ("failed", "triggers failed"),
            ("connect_failures", "connects failed"),
            ("reconnect_failures", "reconnects failed"),
            ("connections_lost", "connections lost"),
            ("request_failures", "requests of other users failed"),
            ("user_errors", "user errors"),
        )
        if (count := fleet.counter(name))
    )
    return (
        f"{elapsed_s:4.0f} s  {fleet.gauge('connected')} connected, {fleet.gauge('members')} members, "
        f"{fleet.counter('sent')} triggers, {fleet.counter('received')} events; {times}{trouble}"
    )


def summary_text(
    summary: Mapping[str, Any], outcome: Outcome, where: Path, report: Path | None, nightly: str
) -> str:
    """Return a run's outcome in less than a screen: its word first, and what it follows from.

    :param report: None if there is none.
    :param nightly: the comparison with the baseline in one line; empty if there was none.
    """
    deliveries = summary["deliveries"]
    triggers = summary["triggers"]
    lines = [
        "",
        outcome.line,
        "",
        (
            f"Run {summary['run_id']} against {summary['target']} ({summary['profile']}): "
            f"{summary['users']} users, {summary['workers']} workers, {summary['duration_s']:.0f} s"
        ),
        f"Validity  {summary['validity']['verdict'].upper()}",
        *(f"          {reason}" for reason in summary["validity"]["reasons"]),
        (
            f"Delivered {deliveries['delivered']} of {deliveries['expected']} expected; {deliveries['lost']} lost "
            f"({deliveries['missed_offline']} while offline)"
        ),
        (
            f"          {deliveries['duplicate']} duplicate, {deliveries['reordered']} reordered, "
            f"{deliveries['replayed']} replayed, {deliveries['leaked']} leaked, {deliveries['corrupt']} corrupt"
        ),
        (
            f"Triggers  {triggers['due']} due, {triggers['sent']} sent, {triggers['missed']} missed, "
            f"{triggers['refused']} refused, {triggers['failed']} failed"
            + (f", {unfinished} unfinished at the end" if (unfinished := summary["unfinished_triggers"]) else "")
        ),
        "",
        *_times(summary),
        *([overloaded] if (overloaded := overload.line(summary)) else []),
        "",
        *_objectives(summary, outcome),
        *_capacity(summary),
        *_conformance(summary),
        *(f"Requests  {row['failures']} of {row['requests']} failed: {_named(row)}" for row in _failed(summary)),
        *_failures(summary),
        "",
        f"Record    {where}",
        *([] if report is None else [f"Report    {report}"]),
        *([nightly] if nightly else []),
    ]
    return "\n".join(lines)


def _times(summary: Mapping[str, Any]) -> list[str]:
    lines = [f"{'milliseconds':26}{'count':>8}{'mean':>9}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}"]
    across = summary["latency_across_clocks_ms"].items()
    rows = [
        *((_name(event), figures) for event, figures in summary["latency_ms"].items()),
        *((f"{_name(event)}, other clock", figures) for event, figures in across if figures["count"]),
        ("fan-out", summary["fan_out_ms"]),
        *([("completion", summary["completion_ms"])] if summary["completion_ms"]["count"] else []),
        ("connect", summary["connect_ms"]),
        ("join", summary["join_ms"]),
    ]
    for name, figures in rows:
        cells = "".join(_cell(figures[figure]) for figure in ("mean", "p50", "p90", "p99", "max"))
        lines.append(f"{name:26}{figures['count']:>8}{cells}")
    return lines + _bounds(summary)


def _bounds(summary: Mapping[str, Any]) -> list[str]:
    """Return how much too high latencies may be, where deliveries were read together with later ones."""
    pairs = [(times, summary["latency_earliest_ms"][event]) for event, times in summary["latency_ms"].items()]
    bounds_ms = {
        quantile: max(
            (latest[quantile] - earliest[quantile] for latest, earliest in pairs if latest["count"]), default=0.0
        )
        for quantile in ("p50", "p99")
    }
    if not any(bounds_ms.values()):
        return []
    said = " and ".join(f"{quantile} by up to {bound_ms:.1f} ms" for quantile, bound_ms in bounds_ms.items())
    fan_out = f"fan-out ± {summary['fan_out_bound_ms']['p99'] or 0.0:.1f} ms (p99)"
    return [f"Deliveries were read together: latencies may be too high, {said}; {fan_out}"]


def _objectives(summary: Mapping[str, Any], outcome: Outcome) -> list[str]:
    """Return the objectives; of the default ones, those that did not pass."""
    results = results_in(summary)
    lines = [f"Objectives: {outcome.counts}"]
    for result in results:
        if result.built_in and result.passed:
            continue
        value, limit = ("–" if it is None else f"{it:.6g}" for it in (result.value, result.limit))
        lines.append(f"{names.visible(result.title):48}{value:>10} {result.comparison} {limit:<8} {result.word}")
    if hidden := sum(bool(result.built_in and result.passed) for result in results):
        lines.append(f"{hidden} default objectives passed (not listed)")
    return lines


def _failures(summary: Mapping[str, Any]) -> list[str]:
    most = list(summary["failures"].items())[:_MOST_FAILURES]
    return [f"Failure   {count} × {names.visible(why)}" for why, count in most]


def _failed(summary: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row for row in summary["requests"] if row["failures"]][:_MOST_FAILURES]


def _named(row: Mapping[str, Any]) -> str:
    return names.visible(f"{row['method']} {row['name']} ({row['failure'][:_LONGEST_REASON]})")


def _capacity(summary: Mapping[str, Any]) -> list[str]:
    """What the search for the capacity has found."""
    found = summary["capacity"]
    if found is None:
        return []
    allowed = (
        f"{100 * found['allowed_late_share']:g}% of the deliveries later than {found['limit_ms']:g} ms or lost"
    )
    tried = f"{len(found['trials'])} trials of {len(found['levels'])} levels"
    lines = ["", f"Capacity  {found['statement']}", f"          with no more than {allowed}; {tried}"]
    if found["limited_by_generator"]:
        lines.append(
            f"          The load generator gave in first ({found['why_limited']}): the backend may serve more. "
            "Add workers."
        )
    if not found["finished"]:
        lines.append(
            "          The search was cut off: the backend may serve more. Leave out --run-time, or raise it."
        )
    return lines


def _conformance(summary: Mapping[str, Any]) -> list[str]:
    """How the checks came out, with those that did not pass; and what was found of the backend's security."""
    rows = summary["conformance"]
    lines = []
    if rows:
        counts = Counter(row["outcome"] for row in rows)
        lines += ["", f"Checks    {', '.join(f'{count} {outcome}' for outcome, count in counts.most_common())}"]
        lines += [f"          {told}" for told in (not_supported.line(summary),) if told]
        bad = [row for row in rows if row["outcome"] in ("failed", "not checked", "skipped")]
        bad.sort(key=lambda row: row["outcome"])
        lines += [
            f"          {row['outcome'].upper()}: {row['scenario']}: {row['check']} "
            f"({row['evidence'][:_LONGEST_REASON]}){f' {hint}' if (hint := row.get('hint')) else ''}"
            for row in bad[:_MOST_CHECKS]
        ]
        if len(bad) > _MOST_CHECKS:
            lines.append(f"          and {len(bad) - _MOST_CHECKS} more; see conformance.csv")
    first, *others = expectations.lines(summary) or [""]
    lines += ["", first, *(f"          {line}" for line in others)] if first else []
    lines += [f"Finding   {one['severity']}: {one['title']}" for one in summary["findings"]]
    return lines + [
        f"Canary    {canaries.title_of(one)} {one['outcome']}: {one['evidence'][:120]}"
        for one in summary["canaries"]
    ]


def _name(event: str) -> str:
    return names.short(names.label(event), _NAME_CHARACTERS)


def _cell(value: float | None) -> str:
    return f"{'–':>9}" if value is None else f"{value:>9.1f}"
