"""Makes all forms of a run's report, beside its record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import junit, markdown, page, percentiles, prometheus
from .load import load

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "report.html"


def make(where: Path) -> Path:
    """Read a record; write report.html, report.md, junit.xml, metrics.prom and percentiles/ into its folder.

    :returns: where the page is.
    :raises RecordError: if it is no record.
    :raises OSError: if it cannot be written to.
    """
    record = load(where)
    folder = where / "percentiles"
    folder.mkdir(exist_ok=True)
    for name in (*record.events, "fan_out", "connect"):
        if (counts := record.histogram(name)) is not None:
            write(folder / f"{name}.hgrm", percentiles.render(counts))
    write(where / "report.md", markdown.render(record))
    write(where / "junit.xml", junit.render(record.summary))
    write(where / "metrics.prom", prometheus.render(record.summary))
    write(where / PAGE, page.render(record))
    return where / PAGE


def write(path: Path, text: str) -> None:
    """At once: whoever looks sees the old file or the new one."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
