"""Pictures of how long deliveries took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from matplotlib import colors, ticker
from matplotlib.patches import Rectangle

from loadtest.measurement.latency import bounds_us, quantiles_of_counts_us
from loadtest.measurement.names import key_of, label, shown
from loadtest.reports.numbers import duration, number
from loadtest.reports.pictures.binned import QUANTILES
from loadtest.reports.pictures.style import (
    HEAT,
    SERIES,
    STYLES,
    Picture,
    draw,
    labelled,
    legend,
    limits,
    log_ms,
    percentiles_axis,
    plain,
    slug_of,
)
from loadtest.reports.pictures.time_axis import TimeAxis

if TYPE_CHECKING:
    from loadtest.measurement.objective_results import ObjectiveResult
    from loadtest.reports.load import Record
    from loadtest.reports.pictures.binned import Binned
    from loadtest.reports.pictures.style import Canvas

_WHOLE_RUN: Final = ("latency_mean_ms", "latency_max_ms")
_SPECTRUM: Final = (50.0, 75.0, 90.0, 95.0, 97.5, 99.0, 99.5, 99.9, 99.95, 99.99, 99.995, 99.999)
_NINES: Final = (0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999)
_HEAT_ROWS: Final = 56


def over_time(binned: Binned, event: str) -> Picture:
    """Quantiles of one event's delivery latency over time."""
    record = binned.record
    name = shown(event)
    title, slug = f"Latency of {name} over time", slug_of("latency", event)
    table = binned.quantiles([key_of(event)]) if record.span_s else pd.DataFrame()
    if table.empty:
        return Picture(slug, title, f"Nothing to draw: no delivery of {name} was timed in this run.")
    axis = TimeAxis.of(record)
    objectives = objectives_of(record, event)
    each = duration(binned.width_s) if binned.has_log else "1 s"
    times = record.summary["latency_ms"][event]
    text = (
        f"Half of the {name} deliveries took less than {number(times['p50'])} ms, one in a hundred more than "
        f"{number(times['p99'])} ms, from when the trigger was due until it was received; each point is {each}."
    )

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.axes()
        for quantile, (colour, line) in zip(QUANTILES, STYLES, strict=False):
            marker = "." if len(table) < 80 else ""
            axes.plot(
                axis.at(table["at_s"]),
                table[quantile],
                linestyle=line,
                color=colour,
                label=quantile,
                marker=marker,
            )
        limits(axes, objectives)
        log_ms(axes.yaxis)
        axes.set_ylabel("latency in ms")
        axis.finish(axes)
        legend(axes)

    return draw(slug, title, text, paint, axis.table(table[["at_s", "count", *QUANTILES]]))


def spectrum(record: Record) -> Picture:
    """The whole run's latencies by percentile, up to 99.999."""
    title, slug = "Latency by percentile", "percentiles"
    labels = {key: label(event) for event, key in record.event_keys.items()} | {"fan_out": "fan-out"}
    metrics = {key: counts for key in labels if (counts := record.histogram(key)) is not None}
    if not metrics:
        return Picture(slug, title, "Nothing to draw: no delivery was timed in this run.")
    table = pd.DataFrame({"percentile": _SPECTRUM})
    for key, counts in metrics.items():
        total = int(counts.sum())
        quantiles_us = quantiles_of_counts_us(counts, [round(1000 * percentile) for percentile in _SPECTRUM])
        # Beyond the last but one value a percentile is the maximum: there is nothing to see.
        known = [
            value_us / 1000 if percentile == 50 or total * (100 - percentile) >= 100 else np.nan
            for percentile, value_us in zip(_SPECTRUM, quantiles_us, strict=True)
        ]
        table[f"{key} ms"] = known
    text = (
        "How much longer the rare deliveries took than the usual ones: the whole run, each percentile as far as "
        "there are deliveries beyond it."
    )

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.axes()
        for (key, counts), (colour, line) in zip(metrics.items(), SERIES, strict=False):
            total = int(counts.sum())
            shares = np.unique(
                np.concatenate([np.linspace(0, 50_000, 20), 1e5 - np.geomspace(5e4, 1, 120)]).round()
            )
            shares = shares[(shares > 0) & (total * (1e5 - shares) >= 1e5)]
            if not len(shares):
                shares = np.array([50_000.0])
            values_ms = np.array(quantiles_of_counts_us(counts, shares.astype(int).tolist())) / 1000
            axes.plot(1 / (1 - shares / 1e5), values_ms, linestyle=line, color=colour, label=labelled(labels[key]))
        limits(axes, [row for row in record.objectives if _is_drawn(row) and row.figure == "latency_max_ms"])
        percentiles_axis(axes, _NINES)
        axes.set_xlim(1, 1e5)
        log_ms(axes.yaxis)
        axes.set_ylabel("no longer than, in ms")
        legend(axes)

    return draw(slug, title, text, paint, table)


def heat(binned: Binned) -> Picture:
    """How many deliveries took how long, over time."""
    record = binned.record
    title, slug = "Latency over time, every delivery", "heat"
    counts = (
        binned.counts([*record.event_keys.values()])
        if record.span_s and binned.has_log
        else np.zeros((0, 0), dtype=np.int64)
    )
    if not counts.any():
        timed = any(times["count"] for times in record.summary["latency_ms"].values())
        why = "this record has no interval log" if timed and not binned.has_log else "no delivery was timed"
        return Picture(slug, title, f"Nothing to draw: {why}.")
    filled = np.flatnonzero(counts.sum(axis=0))
    lowest_us, widths_us = bounds_us(filled)
    first_us, last_us = max(float(lowest_us[0]), 1.0), float(lowest_us[-1] + widths_us[-1])
    borders_us = np.geomspace(first_us * 0.999, last_us * 1.001, _HEAT_ROWS + 1)
    rows = np.clip(np.searchsorted(borders_us, lowest_us + widths_us / 2) - 1, 0, _HEAT_ROWS - 1)
    cells = np.zeros((_HEAT_ROWS, len(counts)), dtype=np.int64)
    np.add.at(cells, rows, counts[:, filled].T)
    axis = TimeAxis.of(record)
    text = (
        "All deliveries of all timed events: the brighter a cell, the more of them took so long at that time; "
        f"each column is {duration(binned.width_s)}, colours are logarithmic."
    )

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.axes()
        shown = np.ma.masked_equal(cells, 0)
        # A ground that the darkest cells are seen on, in a dark page too.
        axes.add_patch(Rectangle((0, 0), 1, 1, transform=axes.transAxes, color="#dfe3e8", zorder=-1))
        mesh = axes.pcolormesh(
            axis.at(binned.edges_s),
            borders_us / 1000,
            shown,
            cmap=HEAT,
            norm=colors.LogNorm(1, max(cells.max(), 2)),
            rasterized=True,
        )
        log_ms(axes.yaxis)
        axes.grid(visible=False)
        axes.set_ylabel("latency in ms")
        axis.finish(axes, names=False)
        bar = canvas.figure.colorbar(mesh, ax=axes, pad=0.01, aspect=30 if not canvas.narrow else 20)
        bar.set_label("deliveries")
        plain(bar.ax.yaxis)
        bar.ax.yaxis.set_minor_formatter(ticker.NullFormatter())
        bar.outline.set_visible(False)

    table = pd.DataFrame(cells.T, columns=[f"up to {border / 1000:.3g} ms" for border in borders_us[1:]])
    table.insert(0, f"from {axis.unit}", axis.at(binned.edges_s[:-1]).round(4))
    return draw(slug, title, text, paint, table)


def fan_out(binned: Binned) -> Picture:
    """From a broadcast's first delivery to its last, over time."""
    record = binned.record
    title, slug = "Fan-out time", "fan-out"
    table = binned.quantiles(["fan_out"]) if record.span_s else pd.DataFrame()
    if table.empty:
        return Picture(slug, title, "Nothing to draw: no broadcast reached more than one member.")
    axis = TimeAxis.of(record)
    times = record.summary["fan_out_ms"]
    text = (
        f"What the last in a room waits longer than the first, over all workers: {number(times['p50'])} ms for "
        f"half of the broadcasts, {number(times['p99'])} ms and more for one in a hundred."
    )

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.axes()
        for quantile, (colour, line) in zip(QUANTILES, STYLES, strict=False):
            axes.plot(axis.at(table["at_s"]), table[quantile], linestyle=line, color=colour, label=quantile)
        log_ms(axes.yaxis)
        axes.set_ylabel("fan-out in ms")
        axis.finish(axes)
        legend(axes)

    return draw(slug, title, text, paint, axis.table(table[["at_s", "count", *QUANTILES]]), height=2.7)


def generator(binned: Binned) -> Picture:
    """The generator's own delay beside the latency that it measured."""
    record = binned.record
    title, slug = "The load generator's own delay", "generator"
    names = {
        "latency p99": [*record.event_keys.values()],
        "own delay p99": ["generator_delay"],
        "event loop late p99": ["loop_lag"],
    }
    lines: dict[str, Any] = {}
    if record.span_s:
        for label, of in names.items():
            table = binned.quantiles(of)
            if not table.empty:
                lines[label] = table.set_index("at_s")["p99"]
    if len(lines) < 2:
        return Picture(slug, title, "Nothing to draw: the workers did not report how late they were.")
    axis = TimeAxis.of(record)
    delay, latency = (
        record.summary["generator_delay_ms"]["p99"],
        max((times["p99"] for times in record.summary["latency_ms"].values() if times["count"]), default=None),
    )
    text = (
        f"How late our own processes were (p99 {number(delay)} ms) beside what they saw ({number(latency)} ms): "
        "no latency contains this delay, but where the lines meet, the backend met slow clients."
    )
    table = pd.DataFrame(lines)

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.axes()
        for (label, values), (colour, line) in zip(lines.items(), SERIES, strict=False):
            axes.plot(axis.at(values.index), values, linestyle=line, color=colour, label=label)
        log_ms(axes.yaxis)
        axes.set_ylabel("ms")
        axis.finish(axes)
        legend(axes)

    return draw(slug, title, text, paint, axis.table(table.rename_axis("at_s").reset_index()), height=2.7)


def objectives_of(record: Record, event: str) -> list[ObjectiveResult]:
    """The objectives whose limits belong into a picture of one event's latency."""
    prefix = f"latency_ms.{event}"
    return [
        row
        for row in record.objectives
        if _is_drawn(row) and (row.figure in _WHOLE_RUN or row.figure.rpartition(".")[0] == prefix)
    ]


def _is_drawn(row: ObjectiveResult) -> bool:
    return row.limit is not None and row.limit > 0
