"""From measurements to figures: ratios within a round, medians and extremes, and the page's table. Pure."""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass
from typing import Final

Figures = dict[str, dict[str, float]]

_TOLD: Final = {
    "floor": "C, `epoll_wait` and `recv`, no parsing: the floor",
    "measured": "**ours**, in Locust, everything measured",
    "audience": "ours, an audience: one Locust user for all, everything measured",
    "measured_wss": "ours over TLS",
    "node": "socket.io-client on node, measures nothing",
    "artillery": "Artillery, Socket.IO v3 engine, measures nothing",
    "k6": "k6, frames by hand, counts",
    "contrib": "`locust.contrib.socketio`, logs 0 ms",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One client in one round. delivery_us and connect_ms: CPU. connection_kb: memory added by connecting. None
    where the client does not tell when it starts.
    """

    delivery_us: float
    connect_ms: float | None
    connection_kb: float | None
    complete: bool


def spread(values: list[float]) -> dict[str, float]:
    """Median and extremes."""
    return {
        "median": round(statistics.median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
    }


def summarise(rounds: list[dict[str, Measured]]) -> Figures:
    """The figures by name, each over all rounds; ratios are taken within a round."""
    found: dict[str, list[float]] = {}

    def note(name: str, value: float | None) -> None:
        if value is not None:
            found.setdefault(name, []).append(value)

    for one in rounds:
        ours = one["measured"]
        for name, peer in one.items():
            note(f"{name}_us_per_delivery", peer.delivery_us)
            if name == "floor":
                note("measured_over_floor", ours.delivery_us / peer.delivery_us)
            elif name == "measured_wss":
                note("wss_over_measured", peer.delivery_us / ours.delivery_us)
                note("wss_connect_cpu_ms", peer.connect_ms)
                note("measured_wss_kb_per_connection", peer.connection_kb)
            elif name == "measured":
                note("connect_cpu_ms", peer.connect_ms)
                note("kb_per_user", peer.connection_kb)
            else:
                note(f"{name}_over_measured", peer.delivery_us / ours.delivery_us)
                note(f"{name}_kb_per_connection", peer.connection_kb)
    return {name: spread(values) for name, values in found.items()}


def table(figures: Figures, when: str) -> str:
    """The page's table, in Markdown."""
    rows = ["| client | CPU for each delivery | × ours | KB for each connection |", "|---|---|---|---|"]
    for name, told in _TOLD.items():
        cpu = figures.get(f"{name}_us_per_delivery")
        if cpu is None:
            continue
        if name == "floor":
            ratio = _of({edge: 1 / value for edge, value in figures["measured_over_floor"].items()})
        else:
            ratio = _of(figures.get("wss_over_measured" if name == "measured_wss" else f"{name}_over_measured"))
        memory = figures.get("kb_per_user" if name == "measured" else f"{name}_kb_per_connection")
        kilobytes = f"{memory['median']:.1f}" if memory else "–"
        rows.append(f"| {told} | {cpu['median']:.1f} µs | {ratio} | {kilobytes} |")
    return "\n".join(
        [
            *rows,
            "",
            f"Medians of one run of `make bench`, {when}; [with their spread](../lab/bench/results.json).\n",
        ]
    )


def put_into(page: str, name: str, new: str) -> str:
    """A page with this table, between the marks of its name.

    :raises ValueError: if the page has no place for it.
    """
    place = re.compile(rf"(<!-- {name}: [^\n]* -->\n).*(<!-- /{name} -->\n)", re.DOTALL)
    if not place.search(page):
        raise ValueError(f"the page has no place for {name}")
    return place.sub(lambda marks: marks[1] + new + marks[2], page)


def _of(ratio: dict[str, float] | None) -> str:
    return f"{ratio['median']:.2f}" if ratio else "1"
