"""The report of a large run: its memory is bounded. `lab.bench.big_record` measures how long it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.bench.big_record import make, report
from loadtest.measurement.figures import FIGURES
from loadtest.measurement.objectives import DEFAULTS

from ..support import ROOT


@pytest.mark.slow
def test_two_hours_with_a_thousand_workers(tmp_path: Path) -> None:
    where = make(tmp_path, 7200, 1000)
    _, most_mb = report(where)
    assert most_mb < 1000
    assert (where / "report.html").stat().st_size < 5e6


def test_the_documentation_has_every_figure() -> None:
    text = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
    table = text.partition("<!-- figures -->\n")[2].partition("<!-- /figures -->")[0]
    assert table.splitlines() == [f"| `{name}` | {what} |" for name, what in FIGURES.items()]


def test_the_documentation_has_every_objective_that_holds_for_every_run() -> None:
    text = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
    table = text.partition("<!-- defaults -->\n")[2].partition("<!-- /defaults -->")[0]
    assert table.splitlines() == [f"| {one.name} | `{one.figure}` |" for one in DEFAULTS]
