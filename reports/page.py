"""A run's `report.html`: one file that opens offline, and needs no script."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import jinja2
from markupsafe import Markup

from loadtest.measurement.canaries import Outcome
from loadtest.measurement.names import visible
from loadtest.reports import csv_files
from loadtest.reports.facts import facts_of
from loadtest.reports.numbers import duration, number
from loadtest.reports.pictures import instances, latency, load, resources
from loadtest.reports.pictures.binned import Binned

if TYPE_CHECKING:
    import pandas as pd

    from loadtest.reports.load import Record
    from loadtest.reports.pictures.style import Picture

_MOST_ROWS: Final = 24
_MOST_WORKERS: Final = 30


def render(record: Record) -> str:
    """The page of a run, also of one that delivered nothing."""
    options = record.summary["options"].items()
    workers = record.tables["workers"]
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            **facts_of(record),
            pictures=pictures(record),
            workers=_worst(workers).to_dict("records"),
            workers_left_out=max(len(workers) - _MOST_WORKERS, 0),
            options={name: value for name, value in options if value not in (None, "", [], {}, False)},
        )
    )


def pictures(record: Record) -> list[Picture]:
    """All pictures of a run, in the order of the page."""
    binned = Binned(record)
    found = [
        *(latency.over_time(binned, event) for event in record.events),
        latency.spectrum(record),
        latency.heat(binned),
        load.accounts(record),
        load.losses(binned),
        latency.fan_out(binned),
        load.over_time(binned),
        load.connects(record),
        instances.members(record),
        latency.generator(binned),
        resources.backend(record),
        resources.workers(binned),
    ]
    return [picture for picture in found if picture is not None]


def environment() -> jinja2.Environment:
    """What the templates of all pages need."""
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("loadtest.reports"),
        autoescape=jinja2.select_autoescape(default=True, default_for_string=True),
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(number=number, duration=duration, svg=_svg, csv=_csv, rows=_rows)
    found.globals["Canary"] = Outcome
    return found


def _visible(value: object) -> object:
    """A text on a page, whoever wrote it: HTML cannot have control characters, and nobody could see them."""
    return visible(value, keep="\n\t") if isinstance(value, str) and not isinstance(value, Markup) else value


def _svg(drawn: str) -> Markup:
    """The picture is our own; matplotlib escapes the texts in it, and `draw` its title."""
    return Markup(drawn)  # noqa: S704


def _csv(table: pd.DataFrame) -> str:
    """A table as the address of a CSV file."""
    return "data:text/csv;base64," + base64.b64encode(csv_files.render(table).encode()).decode()


def _rows(table: pd.DataFrame) -> list[list[Any]]:
    """The rows of a table that are shown: all, or evenly some of them."""
    step = -(-len(table) // _MOST_ROWS)
    shown = table.iloc[:: max(step, 1)]
    return [[None if value != value else value for value in row] for row in shown.to_numpy(dtype=object).tolist()]


def _worst(workers: pd.DataFrame) -> pd.DataFrame:
    """The workers that are shown: those that something is wrong with first, then the busiest."""
    if workers.empty:
        return workers
    wrong = (~workers["totals"].astype(bool)).astype(int) + (workers["gaps"] > 0) + (workers.get("away_s", 0) > 0)
    ordered = workers.assign(wrong=wrong).sort_values(["wrong", "cpu_percent"], ascending=False, kind="stable")
    return ordered.head(_MOST_WORKERS) if len(workers) > _MOST_WORKERS else workers
