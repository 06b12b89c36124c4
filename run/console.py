"""What a run says on the terminal: a line of progress now and then, and at most a screen at the end."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from measure.fleet import Fleet

_MOST_CHECKS = 10


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


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
            ("connections_lost", "connections lost"),
        )
        if (count := fleet.counter(name))
    )
    return (
        f"{elapsed_s:4.0f} s  {fleet.gauge('connected')} connected, {fleet.gauge('members')} members, "
        f"{fleet.counter('sent')} triggers, {fleet.counter('received')} events; {times}{trouble}"
    )


def summary_text(summary: Mapping[str, Any], where: Path, report: Path | None) -> str:
    """A run's outcome in less than a screen."""
    deliveries = summary["deliveries"]
    triggers = summary["triggers"]
    lines = [
        "",
        (
            f"Run {summary['run_id']} against {summary['target']} ({summary['profile']}): "
            f"{summary['users']} users, {summary['workers']} workers, {summary['duration_s']:.0f} s"
        ),
        f"Verdict   {summary['validity']['verdict'].upper()}",
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
        ),
        "",
        f"{'milliseconds':26}{'count':>8}{'mean':>9}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}",
    ]
    across = summary["latency_across_clocks_ms"].items()
    rows = {
        **summary["latency_ms"],
        **{f"{name}, other clock": figures for name, figures in across if figures["count"]},
        "fan-out": summary["fan_out_ms"],
        "connect": summary["connect_ms"],
        "join": summary["join_ms"],
    }
    for name, figures in rows.items():
        cells = "".join(_cell(figures[figure]) for figure in ("mean", "p50", "p90", "p99", "max"))
        lines.append(f"{name:26}{figures['count']:>8}{cells}")
    lines.append("")
    for row in summary["slo"]:
        word = {True: "holds", False: "VIOLATED", None: "not measured"}[row["passed"]]
        if row["passed"] is False and summary["validity"]["verdict"] != "valid":
            word = f"not passed: the run is {summary['validity']['verdict']}"
        if row["limit"] is None:
            word = "needs a baseline: python -m reports gate"
        value, limit = ("–" if row[it] is None else f"{row[it]:.6g}" for it in ("value", "limit"))
        name = f"{row['name']} ({row['phase']})" if row["phase"] else row["name"]
        lines.append(f"{name:44}{value:>10} {row['comparison']} {limit:<8} {word}")
    lines += _capacity(summary)
    lines += _conformance(summary)
    worst = list(summary["failures"].items())[:3]
    lines += [f"Failure   {count} × {why}" for why, count in worst]
    lines += ["", f"Record    {where}"]
    if report is not None:
        lines.append(f"Report    {report}")
    return "\n".join(lines)


def _capacity(summary: Mapping[str, Any]) -> list[str]:
    """What the search for the capacity has found."""
    found = summary["capacity"]
    if found is None:
        return []
    unit = "viewers" if found["by"] == "users" else "triggers a second"
    late = f"{found['allowed_late_share']:.3g} of the deliveries later than {found['limit_ms']:g} ms"
    sure = f"{found['confidence']:.0%} sure" if found["confidence"] else "not sure"
    if found["holds"] is None:
        line = (
            f"none: {found['breaks']:g} {unit} are too many already"
            if found["breaks"]
            else "nothing was found out"
        )
    elif found["at_least"]:
        line = f"at least {found['holds']:g} {unit}, which is as far as was looked ({sure})"
    else:
        line = f"{found['holds']:g} {unit} hold ({sure}), {found['breaks']:g} do not: {found['why_it_breaks']}"
    lines = [
        "",
        f"Capacity  {line}",
        f"          with no more than {late}; {len(found['trials'])} levels were tried",
    ]
    if found["limited_by_generator"]:
        lines.append(
            "          It is the load generator that gave in first: the backend may hold more. Add workers."
        )
    if not found["finished"]:
        lines.append("          The search was cut off: it may hold more. Leave out --run-time, or give more.")
    return lines


def _conformance(summary: Mapping[str, Any]) -> list[str]:
    """How the checks came out, with those that did not pass; and what was found of the backend's security."""
    rows = summary["conformance"]
    lines = []
    if rows:
        counts = Counter(row["outcome"] for row in rows)
        lines += ["", f"Checks    {', '.join(f'{count} {outcome}' for outcome, count in counts.most_common())}"]
        bad = [row for row in rows if row["outcome"] in ("failed", "not checked", "skipped")]
        bad.sort(key=lambda row: row["outcome"])
        lines += [
            f"          {row['outcome'].upper()}: {row['scenario']}: {row['check']} ({row['evidence'][:120]})"
            for row in bad[:_MOST_CHECKS]
        ]
        if len(bad) > _MOST_CHECKS:
            lines.append(f"          and {len(bad) - _MOST_CHECKS} more; see conformance.csv")
    lines += [f"Finding   {one['severity']}: {one['title']}" for one in summary["findings"]]
    return lines + [
        f"Canary    {one['name']} {one['outcome']}: {one['evidence'][:120]}" for one in summary["canaries"]
    ]


def _cell(value: float | None) -> str:
    return f"{'–':>9}" if value is None else f"{value:>9.1f}"
