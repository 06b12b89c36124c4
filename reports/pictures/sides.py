"""Pictures of two sides, beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from matplotlib import ticker

from loadtest.measurement.latency import quantiles_of_counts_us
from loadtest.measurement.names import key_of, shown
from loadtest.reports.pictures.binned import Binned
from loadtest.reports.pictures.style import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    Picture,
    draw,
    labelled,
    legend,
    log_ms,
    percentiles_axis,
    slug_of,
)
from loadtest.reports.pictures.time_axis import TimeAxis
from loadtest.reports.significance import ChangeWord

if TYPE_CHECKING:
    from loadtest.reports.compare import Comparison
    from loadtest.reports.load import Record
    from loadtest.reports.pictures.style import Canvas

_WORDS: Final = {
    ChangeWord.WORSE: ("^", RED, RED),
    ChangeWord.MAYBE_WORSE: ("^", RED, "none"),
    ChangeWord.BETTER: ("v", GREEN, GREEN),
    ChangeWord.MAYBE_BETTER: ("v", GREEN, "none"),
}
"""Marker, color, and what fills it: nothing if it is not sure."""
_MAX_PERCENT: Final = 100.0
"""Intervals beyond this are cut off, so that one wide interval does not squeeze the others."""
_SIDES: Final = (("before", BLUE, "-"), ("after", ORANGE, "--"))
_PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9, 99.99)


def changes(found: Comparison, tolerance_percent: float) -> Picture:
    """Draw what changed, each time with its interval."""
    title, slug = "What changed", "changes"
    rows = [row for row in found.changes if row.low is not None and row.unit == "ms"]
    if not rows:
        return Picture(slug, title, "Nothing to draw: there is too little data on one of the sides.")
    text = (
        "How much longer (+) or shorter each time got, with its interval. An interval that does not reach the "
        "line at 0 is a change, and a hollow mark one that is not sure. The band is what is tolerated."
    )

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.axes()
        axes.axvline(0, color="#888888", linewidth=1)
        axes.axvspan(-tolerance_percent, tolerance_percent, color="#888888", alpha=0.15, linewidth=0)
        for place, row in enumerate(rows):
            assert row.change is not None
            assert row.low is not None
            assert row.high is not None
            marker, colour, fill = _WORDS.get(row.word, ("o", BLUE, BLUE))
            axes.plot([row.low, row.high], [place, place], "-", color=colour, linewidth=2)
            axes.plot([row.change], [place], marker, color=colour, markersize=8, markerfacecolor=fill)
        axes.set_yticks(range(len(rows)), [labelled(row.figure) for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        bounds = [min(abs(bound or 0.0), _MAX_PERCENT) for row in rows for bound in (row.low, row.high)]
        reach = 1.1 * max(*bounds, *(abs(row.change or 0.0) for row in rows), 2 * tolerance_percent)
        axes.set_xlim(-reach, reach)
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:+g}%" if value else "0"))
        axes.set_xlabel("change")

    table = pd.DataFrame(
        {
            "figure": [row.figure for row in rows],
            "before ms": [row.before for row in rows],
            "after ms": [row.after for row in rows],
            "change %": [row.change for row in rows],
            "low %": [row.low for row in rows],
            "high %": [row.high for row in rows],
            "outcome": [row.word.value for row in rows],
        }
    )
    return draw(slug, title, text, paint, table, height=0.9 + 0.26 * len(rows))


def spectra(found: Comparison, event: str) -> Picture:
    """One event's latency by percentile, on both sides."""
    title, slug = f"Latency of {shown(event)} by percentile", slug_of("spectra", event)
    lines = [
        (side, record, counts)
        for side, records in zip(_SIDES, (found.before, found.after), strict=True)
        for record in records
        if (counts := record.histogram(key_of(event))) is not None
    ]
    if not lines:
        return Picture(slug, title, f"Nothing to draw: no delivery of {shown(event)} was timed.")
    shares = np.concatenate([np.linspace(1000, 50_000, 20), 1e5 - np.geomspace(5e4, 10, 100)]).round()
    table = pd.DataFrame({"percentile": _PERCENTILES})

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.axes()
        named = set()
        for (name, colour, line), _, counts in lines:
            known = shares[int(counts.sum()) * (1e5 - shares) >= 1e5]
            if len(known):
                values_ms = np.array(quantiles_of_counts_us(counts, known.astype(int).tolist())) / 1000
                label = None if name in named else name
                axes.plot(1 / (1 - known / 1e5), values_ms, linestyle=line, color=colour, label=label)
                named.add(name)
        percentiles_axis(axes, _PERCENTILES)
        log_ms(axes.yaxis)
        axes.set_ylabel("no longer than, in ms")
        legend(axes)

    for (name, _, _), record, counts in lines:
        values = quantiles_of_counts_us(counts, [round(1000 * percentile) for percentile in _PERCENTILES])
        table[f"{name}: {record.summary['run_id']} ms"] = [value_us / 1000 for value_us in values]
    text = (
        f"Each line is a run; where the lines of the sides lie apart, {shown(event)} took longer on one of them."
    )
    return draw(slug, title, text, paint, table)


def over_time(found: Comparison, event: str) -> Picture:
    """One event's latency over time, the sides beside each other on one scale."""
    title, slug = f"Latency of {shown(event)} over time", slug_of("sides", event)
    sides = [
        [one for record in records if (one := _quantiles(record, event)) is not None]
        for records in (found.before, found.after)
    ]
    if not all(sides):
        return Picture(
            slug, title, f"Nothing to draw: no delivery of {shown(event)} was timed on one of the sides."
        )

    def paint(canvas: Canvas) -> None:
        every = canvas.columns((1, 1))
        for axes, side, (name, colour, _) in zip(every, sides, _SIDES, strict=True):
            for number, (axis, table) in enumerate(side):
                for quantile, line in (("p50", "-"), ("p99", ":")):
                    label = f"{name} {quantile}" if not number else None
                    axes.plot(axis.at(table["at_s"]), table[quantile], linestyle=line, color=colour, label=label)
                axis.finish(axes, names=False)
            legend(axes)
        low = min(axes.get_ylim()[0] for axes in every)
        high = max(axes.get_ylim()[1] for axes in every)
        for axes in every:
            axes.set_ylim(max(low, 1e-3), high)
            log_ms(axes.yaxis)
            axes.set_ylabel("latency in ms")

    frames = [
        table[["at_s", "p50", "p99"]].assign(side=name, from_start=axis.at(table["at_s"]).round(4))
        for side, (name, _, _) in zip(sides, _SIDES, strict=True)
        for axis, table in side
    ]
    table = pd.concat(frames)[["side", "from_start", "p50", "p99"]]
    text = (
        "p50 and p99 of each run, on one scale: whether a difference was there all the time or only for a while."
    )
    return draw(slug, title, text, paint, table, narrow_height=4.6)


def _quantiles(record: Record, event: str) -> tuple[TimeAxis, Any] | None:
    if record.span_s is None:
        return None
    table = Binned(record).quantiles([key_of(event)])
    return None if table.empty else (TimeAxis.of(record), table)
