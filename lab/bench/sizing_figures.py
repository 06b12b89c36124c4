"""What `lab.bench.sizing` has found, as figures and tables. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from loadtest.measurement.validity import DELAY_SUSPECT_MS

THE_CLIENT: Final = "the client"
THE_SERVER: Final = "the server"
_NAMES: Final = {
    "users": "users",
    "connects_per_s": "connects/s",
    "connect_ms": "CPU ms a connect",
    "kb": "KB each",
    "rss_mb": "MB in all",
    "idle_percent": "CPU %, pings only",
    "cpu_percent": "CPU %",
    "delay_p99_ms": "generator delay p99, ms",
    "deliveries_per_s": "deliveries/s",
    "delivery_us": "CPU µs a delivery",
}
_OF_USERS: Final = {
    "users": "{:,}",
    "connects_per_s": "{:.0f}",
    "connect_ms": "{:.2f}",
    "kb": "{:.1f}",
    "rss_mb": "{:.0f}",
    "idle_percent": "{:.1f}",
    "cpu_percent": "{:.0f}",
    "delay_p99_ms": "{:.1f}",
}
_OF_RATES: Final = {
    "deliveries_per_s": "{:,.0f}",
    "cpu_percent": "{:.0f}",
    "delivery_us": "{:.1f}",
    "delay_p99_ms": "{:.1f}",
}


@dataclass(frozen=True, slots=True)
class Point:
    """One process with so many users.

    connects_per_s: over all of them. connect_ms: CPU for each. kb: for each user. rss_mb: of the process with all.
    idle_percent: CPU of one core when nothing but pings comes. cpu_percent: with the deliveries. delivery_us: CPU
    for each, pings apart. delay_p99_ms: median of the seconds. sent_again: connects whose first packets were.
    whole: whether each user got each broadcast.
    """

    users: int
    deliveries_per_s: float
    connects_per_s: float
    connect_ms: float
    kb: float
    rss_mb: float
    idle_percent: float
    cpu_percent: float
    delivery_us: float
    delay_p99_ms: float
    sent_again: int
    whole: bool


def knee(points: list[Point]) -> Point:
    """The last point at which a run is not suspect."""
    return [point for point in points if point.delay_p99_ms <= DELAY_SUSPECT_MS][-1]


def table(found: dict[str, Any]) -> str:
    """The page's tables, in Markdown."""
    rows = []
    for kind, points in found["over_users"].items():
        rows += [_row([kind, *(form.format(one[name]) for name, form in _OF_USERS.items())]) for one in points]
    rates = [_row([form.format(one[name]) for name, form in _OF_RATES.items()]) for one in found["over_rates"]]
    lines = [
        _row(["one process", *(_NAMES[name] for name in _OF_USERS)]),
        "|---" * (len(_OF_USERS) + 1) + "|",
        *rows,
        f"\nAnd {found['rate_users']:,} viewers with ever more deliveries:\n",
        _row([_NAMES[name] for name in _OF_RATES]),
        "|---" * len(_OF_RATES) + "|",
        *rates,
        f"\n{_limit(found)}",
        f"\n`python -m lab.bench.sizing`, {found['when']}, {found['machine']}.\n",
    ]
    return "\n".join(lines)


def _limit(found: dict[str, Any]) -> str:
    last = found["knee"]
    at = f"{last['deliveries_per_s']:,.0f} deliveries a second, at {last['cpu_percent']:.0f}% of the core"
    if found["ended_by"] == THE_CLIENT:
        return f"The knee: {at}; with more, the process is later than a valid run allows."
    return f"No knee up to {at}: then the server falls behind."


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
