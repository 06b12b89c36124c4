"""A run's `report.md`: what belongs into a pull request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import jinja2

from loadtest.measurement.canaries import title_of
from loadtest.measurement.names import visible
from loadtest.reports.facts import facts_of
from loadtest.reports.numbers import duration, number

if TYPE_CHECKING:
    from loadtest.reports.load import Record


def render(record: Record) -> str:
    """GitHub's Markdown."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("loadtest.reports"),
        # Markdown is no HTML: `cell` makes what others wrote harmless.
        autoescape=False,  # noqa: S701
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, duration=duration, cell=cell, title_of=title_of)
    text = environment.get_template("report.md.j2").render(**facts_of(record))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def cell(text: object) -> str:
    """A text that others wrote, in one line, without a meaning in Markdown or HTML."""
    line = visible(" ".join(str(text).split()))
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#])", r"\\\1", line)
