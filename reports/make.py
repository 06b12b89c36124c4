"""Makes all forms of a run's report, beside its record."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Final

from loadtest.measurement.names import stem_of
from loadtest.reports import junit, markdown, page, percentiles, prometheus
from loadtest.reports.load import load
from loadtest.reports.schema import RecordError

if TYPE_CHECKING:
    from pathlib import Path

    from loadtest.reports.load import Record

PAGE = "report.html"
_FORMS: Final = ("report.md", "junit.xml", "metrics.prom", PAGE)


def make(where: Path) -> Path:
    """Read a record; write report.html, report.md, junit.xml, metrics.prom and percentiles/ into its folder.

    :returns: where the page is.
    :raises RecordError: if it is no record.
    :raises OSError: if it cannot be written to.
    """
    draw(load(where))
    return where / PAGE


def draw(record: Record) -> None:
    """Write all forms of a record's report into its folder.

    :raises RecordError: if a field that is no part of the outcome has been damaged.
    :raises OSError: if the folder cannot be written to.
    """
    folder = record.where / "percentiles"
    folder.mkdir(exist_ok=True)
    for key in (*record.event_keys.values(), "fan_out", "connect"):
        if (counts := record.histogram(key)) is not None:
            write(folder / f"{stem_of(key)}.hgrm", percentiles.render(counts))
    for name, text in zip(_FORMS, _render(record), strict=True):
        write(record.where / name, text)


def _render(record: Record) -> tuple[str, ...]:
    """Return the forms of a report.

    :raises RecordError: if a field that is no part of the outcome has been damaged.
    """
    try:
        return (
            markdown.render(record),
            junit.render(record.summary, record.outcome, record.objectives),
            prometheus.render(record.summary, record.outcome, record.objectives),
            page.render(record),
        )
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise RecordError(
            f"cannot draw the record {record.where}: {error!r} at {last.filename}:{last.lineno}. "
            "If nobody has changed the record, this is our fault."
        ) from error


def write(path: Path, text: str) -> None:
    """At once: whoever looks sees the old file or the new one."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8", errors="backslashreplace")
    partial.replace(path)
