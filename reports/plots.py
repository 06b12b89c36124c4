"""Pictures of a run, as SVG that takes the page's text colour, so that they suit light and dark."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib import ticker
from matplotlib.figure import Figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from .load import Record

_TEXT = "#010203"
"""Stands for the page's own colour; no line is drawn in it."""
# Okabe and Ito's colours, told apart by the colour-blind, and by their line styles in grey.
_BLUE, _ORANGE, _GREEN, _RED = "#0072b2", "#e69f00", "#009e73", "#d55e00"
_STYLE: Any = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _TEXT,
    "axes.labelcolor": _TEXT,
    "axes.edgecolor": _TEXT,
    "xtick.color": _TEXT,
    "ytick.color": _TEXT,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "svg.hashsalt": "prometheus-loadtest",
}
_QUANTILES = (("p50", _BLUE, "-"), ("p90", _GREEN, "--"), ("p99", _ORANGE, "-."), ("max", _RED, ":"))


def latency_over_time(record: Record, event: str) -> str | None:
    """Quantiles of one event's delivery latency, second by second; None if none was delivered."""
    timeline = record.timeline
    if f"{event}_p50" not in timeline or timeline[f"{event}_p50"].isna().all():
        return None
    seconds = _seconds(timeline)
    with mpl.rc_context(_STYLE):
        figure, axes = _figure()
        for quantile, colour, line in _QUANTILES:
            column = f"{event}_{quantile}"
            axes.plot(seconds, timeline[column], line, color=colour, label=quantile, marker=".", markersize=3)
        for row in record.summary["slo"]:
            if row["figure"] == "latency_max_ms":
                axes.axhline(row["limit"], color=_RED, linewidth=0.8, alpha=0.7)
                text = f"objective: max {row['comparison']} {row['limit']:g} ms"
                axes.text(0.99, row["limit"], text, transform=axes.get_yaxis_transform(), ha="right", va="bottom")
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(ticker.LogLocator(base=10, subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(ticker.NullFormatter())
        axes.set_xlabel("seconds since the first report")
        axes.set_ylabel("latency in ms, from due to received")
        _legend(axes)
        return _svg(figure, f"Delivery latency of {event} over time")


def load_over_time(record: Record) -> str | None:
    """Members, connections and events received, second by second."""
    timeline = record.timeline
    if timeline.empty:
        return None
    seconds = _seconds(timeline)
    with mpl.rc_context(_STYLE):
        figure, axes = _figure()
        axes.plot(seconds, timeline["connected"], "-", color=_BLUE, label="connected")
        axes.plot(seconds, timeline["members"], "--", color=_GREEN, label="in a room")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("seconds since the first report")
        axes.set_ylabel("clients")
        events = axes.twinx()
        events.grid(visible=False)
        events.plot(seconds, timeline["received"], ":", color=_ORANGE, label="events received")
        events.set_ylim(bottom=0)
        events.set_ylabel("events a second")
        lines = [*axes.get_lines(), *events.get_lines()]
        axes.legend(
            lines, [str(line.get_label()) for line in lines], ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1)
        )
        return _svg(figure, "Clients and events over time")


def deliveries_by_room(record: Record) -> str | None:
    """Delivered and lost of expected, for each room, the worst first; at most 30 rooms."""
    rooms = record.rooms
    if rooms.empty or not rooms["expected"].sum():
        return None
    table = rooms.groupby("room")[["expected", "delivered", "lost"]].sum()
    table = table.sort_values("lost", ascending=False, kind="stable").head(30)
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(height=1.2 + 0.28 * len(table))
        names = [f"room {room}" for room in table.index]
        axes.barh(names, table["delivered"], color=_BLUE, label="delivered")
        axes.barh(names, table["lost"], left=table["delivered"], color=_RED, hatch="///", label="lost")
        for position, (_, row) in enumerate(table.iterrows()):
            share = 100 * row["lost"] / row["expected"] if row["expected"] else 0.0
            axes.annotate(
                f" {row['lost']:.0f} lost ({share:.4g}%)",
                (row["expected"], position),
                va="center",
                fontsize=8,
            )
        axes.margins(x=0.18)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("traced deliveries")
        _legend(axes)
        return _svg(figure, "Deliveries by room")


def _seconds(timeline: pd.DataFrame) -> pd.Series[int]:
    return timeline["at_s"] - timeline["at_s"].iloc[0]


def _figure(height: float = 3.2) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(8.6, height), layout="constrained")
    return figure, figure.subplots()


def _legend(axes: Axes) -> None:
    axes.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1))


def _svg(figure: Figure, title: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(_TEXT, "currentColor")
    # The page gives the size; the picture keeps its proportions.
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    return svg.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)
