"""Pictures of who was connected, what was delivered and what was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from matplotlib import ticker

from loadtest.reports.numbers import duration, number, share
from loadtest.reports.pictures.style import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    Picture,
    counts_axis,
    draw,
    legend,
    limits,
    log_ms,
    plain,
)
from loadtest.reports.pictures.time_axis import TimeAxis

if TYPE_CHECKING:
    from loadtest.reports.load import Record
    from loadtest.reports.pictures.binned import Binned
    from loadtest.reports.pictures.style import Canvas

_MOST_ROOMS: Final = 24
_SMALLEST_PERCENT: Final = 1e-5
_FAULTS: Final = ("lost", "missed_offline", "duplicate", "reordered", "leaked")


def over_time(binned: Binned) -> Picture:
    """Connections, members, connects and deliveries over time."""
    record = binned.record
    title, slug = "Clients and deliveries over time", "load"
    if record.timeline.empty or "connected" not in record.timeline:
        return Picture(slug, title, "Nothing to draw: no worker has reported.")
    axis = TimeAxis.of(record)
    levels = binned.means(["connected", "members"])
    rates = binned.sums(["received", "connect_count", "owed"])
    summary = record.summary
    text = (
        f"At most {summary['connections']['most']:,} clients were connected at once, and "
        f"{number(rates['received'].max())} events a second reached them; a point is {duration(binned.width_s)}."
    )

    def paint(canvas: Canvas) -> None:
        upper, lower = canvas.axes(2, (3, 2))
        x = axis.at(levels.index)
        upper.plot(x, levels["connected"], "-", color=BLUE, linewidth=4, alpha=0.4, label="connected")
        upper.plot(x, levels["members"], "--", color=GREEN, label="in a room")
        upper.plot(x, rates["connect_count"], ":", color=PURPLE, label="connects a second")
        upper.set_ylim(bottom=0)
        upper.set_ylabel("clients")
        counts_axis(upper.yaxis)
        legend(upper)
        lower.plot(x, rates["received"], "-", color=ORANGE, label="events received")
        if rates["owed"].any():
            lower.plot(x, rates["owed"], "--", color=BLUE, label="traced deliveries owed")
        lower.set_ylim(bottom=0)
        lower.set_ylabel("a second")
        counts_axis(lower.yaxis)
        legend(lower)
        axis.finish(upper)
        axis.finish(lower, names=False)
        upper.set_xlabel("")

    table = axis.table(levels.join(rates).round(3).rename_axis("at_s").reset_index())
    return draw(slug, title, text, paint, table, height=4.2, narrow_height=4.8)


def losses(binned: Binned) -> Picture:
    """When what was lost had been sent."""
    record = binned.record
    title, slug = "Losses over time", "losses"
    timeline = record.timeline
    if "owed" not in timeline or not timeline["owed"].sum():
        why = "nothing was counted against what was owed" if record.missing else "no delivery was owed"
        return Picture(slug, title, f"Nothing to draw: {why}.")
    lost = int(timeline["lost"].sum())
    if not lost:
        return Picture(
            slug, title, f"Nothing to draw: of {int(timeline['owed'].sum()):,} traced deliveries none was lost."
        )
    axis = TimeAxis.of(record)
    table = binned.totals(["owed", "lost"])
    table["lost %"] = (100 * table["lost"] / table["owed"]).where(table["owed"] > 0)
    text = (
        f"{lost:,} of {int(timeline['owed'].sum()):,} traced deliveries were lost; each bar is "
        f"{duration(binned.width_s)}, by when they had been sent, on a logarithmic axis, so that a few show too."
    )

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.axes()
        shown = table[table["lost"] > 0]
        width = binned.width_s / axis.unit_s
        axes.bar(
            axis.at(shown.index), shown["lost"], width=width, align="edge", color=RED, hatch="///", label="lost"
        )
        axes.plot(
            axis.at(table.index) + width / 2, table["owed"].where(table["owed"] > 0), "-", color=BLUE, label="owed"
        )
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.5)
        plain(axes.yaxis)
        axes.set_ylabel("deliveries")
        axis.finish(axes)
        legend(axes)

    return draw(slug, title, text, paint, axis.table(table.rename_axis("at_s").reset_index()), height=2.7)


def accounts(record: Record) -> Picture:
    """What members of each room were owed and what became of it, down to a loss of one in ten million."""
    title, slug = "What became of what was owed, by room", "accounts"
    rooms = record.tables["rooms"]
    if rooms.empty or not rooms["expected"].sum():
        return Picture(slug, title, "Nothing to draw: no delivery was owed to anybody.")
    columns = ["expected", "delivered", *_FAULTS]
    table = rooms.groupby("room")[columns].sum()
    table["members"] = rooms.groupby("room")["members"].max()
    table = table.sort_values(["lost", "leaked", "duplicate"], ascending=False, kind="stable")
    shown = table.head(_MOST_ROOMS)
    total = table[columns].sum()
    lost, expected = int(total["lost"]), int(total["expected"])
    most = f", the {_MOST_ROOMS} with most losses of {len(table)} rooms" if len(table) > _MOST_ROOMS else ""
    wrong = bool(shown[list(_FAULTS)].to_numpy().sum())
    text = f"{share(expected - lost, expected)}% of {expected:,} deliveries arrived, {lost:,} were lost: " + (
        f"on the left what was owed to each room{most}; on the right, on a logarithmic axis, what went wrong."
        if wrong
        else f"what was owed to each room{most}; nothing came twice, late or to others."
    )

    def paint(canvas: Canvas) -> None:
        left, *others = canvas.columns((3, 2) if wrong else (1,))
        names = [f"room {room}" for room in shown.index]
        online = shown["lost"] - shown["missed_offline"]
        left.barh(names, shown["delivered"], color=BLUE, label="delivered")
        left.barh(names, online, left=shown["delivered"], color=RED, hatch="///", label="lost")
        left.barh(
            names,
            shown["missed_offline"],
            left=shown["delivered"] + online,
            color=ORANGE,
            hatch="...",
            label="missed offline",
        )
        left.set_ylim(len(names) - 0.5, -0.5)
        left.grid(visible=False, axis="y")
        left.set_xlabel("traced deliveries")
        counts_axis(left.xaxis)
        left.xaxis.set_major_locator(ticker.MaxNLocator(4, integer=True))
        legend(left)
        for right in others:
            _wrong(right, shown, names, canvas)

    height = 1.3 + 0.22 * len(shown)
    narrow_height = (2.2 if wrong else 1) * height
    shown_table = table.head(200).reset_index()
    return draw(slug, title, text, paint, shown_table, height=height, narrow_height=narrow_height)


def _wrong(axes: Any, shown: pd.DataFrame, names: list[str], canvas: Canvas) -> None:
    """The shares that went wrong, in percent of what was owed; even one in ten million is to be seen."""
    styles = {
        "lost": (RED, "///"),
        "duplicate": (GREEN, "xxx"),
        "reordered": (PURPLE, "\\\\\\"),
        "leaked": (ORANGE, "..."),
    }
    present = [kind for kind in styles if shown[kind].sum()] or ["lost"]
    thick = 0.8 / len(present)
    places = np.arange(len(names))
    for number_, kind in enumerate(present):
        percent = 100 * shown[kind] / shown["expected"].clip(lower=1)
        colour, hatch = styles[kind]
        offset = (number_ - (len(present) - 1) / 2) * thick
        bars = percent.clip(lower=_SMALLEST_PERCENT).where(percent > 0, 0)
        axes.barh(places + offset, bars, height=thick, color=colour, hatch=hatch, label=kind)
        for place, value, count in zip(places + offset, percent, shown[kind], strict=True):
            if len(present) == 1 or count:
                axes.annotate(
                    f" {count:,.0f}" if not count else f" {count:,.0f} ({value:.2g}%)",
                    (max(value, _SMALLEST_PERCENT), place),
                    va="center",
                    fontsize=8,
                )
    axes.set_xlim(_SMALLEST_PERCENT, 1e5)
    axes.set_xscale("log")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.xaxis.set_major_locator(ticker.FixedLocator([1e-4, 1e-2, 1, 100]))
    axes.xaxis.set_major_formatter(ticker.FixedFormatter(["0.0001", "0.01", "1", "100"]))
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.set_yticks(places, names if canvas.narrow else [""] * len(names))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("in % of what was owed")
    legend(axes)


def connects(record: Record) -> Picture:
    """How long the phases of a connect took."""
    title, slug = "Connecting, phase by phase", "connects"
    summary = record.summary
    phases = {name: times for name, times in summary["connect_phases_ms"].items() if times["count"]}
    own = phases.pop("generator", None)
    order = [name for name in ("tcp", "tls", "upgrade", "open", "socketio") if name in phases]
    rows = {name: phases[name] for name in (*order, *(name for name in phases if name not in order))}
    for name in ("connect", "join"):
        if summary[f"{name}_ms"]["count"]:
            rows["whole connect" if name == "connect" else "room joined"] = summary[f"{name}_ms"]
    if own is not None:
        rows["generator's delay"] = own
    if not rows:
        return Picture(slug, title, "Nothing to draw: no client got a connection.")
    failed, again = summary["connect_ms"]["failed"], summary["connections"]["sent_again"]
    text = (
        f"From p50 to p99 of {summary['connect_ms']['count']:,} connects, with the slowest as a cross"
        f"{f'; {failed:,} failed' if failed else ''}"
        f"{f'; the first packets of {again:,} were lost, and sent again by the kernel' if again else ''}: "
        "where the time goes until a dashboard is in its room."
    )
    objectives = [
        row
        for row in record.objectives
        if row.figure.startswith(("connect_ms.", "join_ms.", "connect_phases_ms.")) and row.limit
    ]

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.axes()
        for place, times in enumerate(rows.values()):
            axes.plot([times["p50"], times["p99"]], [place, place], "-", color=BLUE, linewidth=6, alpha=0.5)
            for figure, marker, colour in (
                ("p50", "o", BLUE),
                ("p90", "|", GREEN),
                ("p99", "D", ORANGE),
                ("max", "x", RED),
            ):
                axes.plot(
                    [times[figure]],
                    [place],
                    marker,
                    color=colour,
                    markersize=9 if marker == "|" else 6,
                    markeredgewidth=2,
                    label=figure if not place else None,
                )
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set_ylim(len(rows) - 0.5, -0.5)
        limits(axes, objectives, upright=True)
        log_ms(axes.xaxis)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("ms")
        legend(axes)

    table = pd.DataFrame(rows).T[["count", "mean", "p50", "p90", "p99", "max"]].rename_axis("phase").reset_index()
    return draw(slug, title, text, paint, table, height=1.1 + 0.3 * len(rows))
