"""What a trend looks like: on the terminal, as a page and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from loadtest.reports import csv_files
from loadtest.reports.make import write
from loadtest.reports.numbers import change, number
from loadtest.reports.page import environment
from loadtest.reports.pictures import history

if TYPE_CHECKING:
    from pathlib import Path

    from loadtest.reports.trend import Series, Trend

_LEAST_RUNS: Final = 3
_MOST_SERIES: Final = 8
_MOST_LINKS: Final = 30


def changes(series: Series) -> list[str]:
    """What has changed in a series, a line each."""
    return [
        f"{figure.title} with {series.runs['run_id'][point.at]}, {number(point.before)} → {number(point.after)} "
        f"{figure.unit}{f' ({change(point.after / point.before)})' if point.before else ''}"
        for figure in series.figures
        for point in figure.changes
    ]


def text(found: Trend) -> str:
    """For the terminal."""
    last = newest(found)
    lines = []
    for series in found.series:
        counted = [
            _several(len(series.runs), "run"),
            *([_several(len(series.gaps), "gap")] if series.gaps else []),
        ]
        lines.append(f"{series.name}: {', '.join(counted)}")
        lines += [f"  changed: {line}" for line in changes(series)]
    lines += [f"left out: {line}" for line in found.left_out]
    return "\n".join([*lines, f"{last['outcome']}: the newest run, {last['run_id']}"])


def _several(number_: int, what: str) -> str:
    return f"{number_} {what}{'s' if number_ != 1 else ''}"


def page(found: Trend, folder: str) -> str:
    """`trend.html`."""
    shown = [series for series in found.series if len(series.runs) >= _LEAST_RUNS][:_MOST_SERIES] or found.series[
        :1
    ]
    return (
        environment()
        .get_template("trend.html.j2")
        .render(
            runs=sum(len(series.runs) for series in found.series),
            newest=newest(found),
            links=_links(found),
            folder=folder,
            left_out=found.left_out,
            more_series=len(found.series) - len(shown),
            series=[
                (
                    series.name,
                    len(series.runs),
                    changes(series),
                    len(series.gaps),
                    [
                        history.over_runs(series, figure, f"series-{number_}-{place}")
                        for place, figure in enumerate(series.figures)
                    ],
                )
                for number_, series in enumerate(shown)
            ],
        )
    )


def newest(found: Trend) -> dict[str, Any]:
    """Return the newest run's row: its outcome is the first word of the page."""
    rows = [series.runs.iloc[-1] for series in found.series]
    return dict(max(rows, key=lambda row: row["started"]))


def _links(found: Trend) -> list[tuple[str, str, str]]:
    """Return (run id, outcome, start) of the newest runs, the newest first."""
    runs = table(found).sort_values("started", ascending=False, kind="stable").head(_MOST_LINKS)
    return [(row["run_id"], row["outcome"], str(row["started"])[:16]) for _, row in runs.iterrows()]


def table(found: Trend) -> pd.DataFrame:
    """All runs, one row each."""
    return pd.concat([series.runs.assign(series=series.name) for series in found.series], ignore_index=True)


def save(found: Trend, results_dir: Path, out: Path) -> None:
    """Write `trend.html` and `trend.csv` of a folder of records."""
    write(out / "trend.html", page(found, str(results_dir)))
    write(out / "trend.csv", csv_files.render(table(found)))
