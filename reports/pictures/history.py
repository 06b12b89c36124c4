"""Pictures over many runs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import matplotlib.dates as mdates
import pandas as pd

from loadtest.reports.numbers import change, number
from loadtest.reports.pictures.style import BLUE, ORANGE, RED, Picture, draw, labelled, legend, plain

if TYPE_CHECKING:
    from loadtest.reports.pictures.style import Canvas
    from loadtest.reports.trend import Figure, Series

_MARKS: Final = {"valid": ("o", BLUE, BLUE), "suspect": ("o", ORANGE, "none"), "invalid": ("x", RED, RED)}
"""Verdict -> (marker, edge, face)."""
_TITLE_CHARACTERS: Final = 32
"""Beside a low picture, at most."""


def over_runs(series: Series, figure: Figure, slug: str) -> Picture:
    """One figure over the runs of a series."""
    runs = series.runs
    values = runs[figure.column].astype(float)
    last = values.dropna().iloc[-1]
    text = f"{number(float(last))} {figure.unit} in the last run; "
    if figure.changes:
        point = figure.changes[-1]
        text += (
            f"it changed with the run of {runs['started'][point.at]:%Y-%m-%d} from {number(point.before)} to "
            f"{number(point.after)}{f' ({change(point.after / point.before)})' if point.before else ''}."
        )
    else:
        text += "no change stands out."

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.axes()
        used = runs["verdict"] != "invalid"
        # A line only where runs follow each other: a gap stays open.
        breaks = [end for _, end in series.gaps]
        part = pd.Series([sum(at >= end for end in breaks) for at in runs["started"]], index=runs.index)
        for _, piece in runs[used].groupby(part[used]):
            axes.plot(piece["started"], values[piece.index], "-", color=BLUE, linewidth=1, alpha=0.6)
        for verdict, (marker, edge, face) in _MARKS.items():
            these = runs["verdict"] == verdict
            if these.any():
                axes.plot(
                    runs["started"][these],
                    values[these],
                    marker,
                    markeredgecolor=edge,
                    markerfacecolor=face,
                    markersize=5,
                    linestyle="none",
                    label=verdict,
                )
        for from_at, to_at in series.gaps:
            axes.axvspan(from_at, to_at, color="#888888", alpha=0.15, linewidth=0)
            days = (to_at - from_at).total_seconds() / 86400
            axes.annotate(
                f"no run for {days:.1f} days" if days >= 1 else f"no run for {days * 24:.1f} h",
                (from_at + (to_at - from_at) / 2, 0.5),
                xycoords=axes.get_xaxis_transform(),
                rotation=90,
                ha="center",
                va="center",
                fontsize=8,
            )
        for point in figure.changes:
            axes.axvline(runs["started"][point.at], color=RED, linestyle="--", linewidth=1)
            said = change(point.after / point.before) if point.before else f"to {number(point.after)}"
            axes.annotate(
                f" {said}",
                (runs["started"][point.at], 1.0),
                xycoords=axes.get_xaxis_transform(),
                va="top",
                fontsize=9,
            )
        axes.set_ylim(bottom=0)
        if values.max() > 0:
            axes.set_ylim(top=float(values.max()) * 1.25)
        title = labelled(figure.title, _TITLE_CHARACTERS)
        axes.set_ylabel(f"{title}\nin {figure.unit}" if figure.unit != "a second" else f"{title}\na second")
        # Matplotlib would show years around a single run.
        first, last = runs["started"].iloc[0], runs["started"].iloc[-1]
        margin = max((last - first) * 0.03, pd.Timedelta(minutes=5))
        axes.set_xlim(first - margin, last + margin)
        locator = _dates(last - first + 2 * margin, 4 if canvas.narrow else 8)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))
        axes.set_xlabel("when the run began (UTC)")
        plain(axes.yaxis)
        legend(axes)

    table = runs[["started", "run_id", "verdict", figure.column]].copy()
    table["started"] = table["started"].map(lambda moment: f"{moment:%Y-%m-%d %H:%M:%S}")
    table["change"] = ""
    for point in figure.changes:
        table.loc[point.at, "change"] = "changed here"
    return draw(slug, figure.title, text, paint, table, height=2.5)


def _dates(span: pd.Timedelta, most: int) -> mdates.DateLocator:
    """Where dates are written, so that there are hardly more than so many."""
    minutes = span.total_seconds() / 60
    for unit_minutes, locator in (
        (43_200, mdates.MonthLocator),
        (1440, mdates.DayLocator),
        (60, mdates.HourLocator),
    ):
        if minutes >= 2 * unit_minutes:
            return locator(interval=max(math.ceil(minutes / unit_minutes / most), 1))
    return mdates.MinuteLocator(interval=max(math.ceil(minutes / most), 1))
