"""Each form of a result says what was overloaded on purpose, and why deliveries are neither expected nor lost."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any

from loadtest.measurement.fleet import Fleet
from loadtest.measurement.overload import line
from loadtest.reports import markdown
from loadtest.reports.facts import facts_of
from loadtest.reports.load import load
from loadtest.reports.page import render
from loadtest.run.master.console import summary_text

from ..measurement.reports import report
from ..measurement.runs import fleet_of
from .records import write

if TYPE_CHECKING:
    from pathlib import Path

OVERLOAD = {"seconds": 14, "deliveries": 5310, "scenarios": {"a flood of connections": 6, "slow input": 8}}
SAID = (
    "Overloaded on purpose for 14 s, with 1 s after each time to recover: a flood of connections 6 s, slow input "
    "8 s. The latencies of 5,310 deliveries of that time are in the phase overload, and in no figure of the whole "
    "run"
)
EDGE = (
    "4,000 deliveries may have been in flight while users joined or left, and are neither expected nor lost. Of "
    "300 memberships, 200 were left in less time than a broadcast may be in flight (2 s): all that was broadcast "
    "meanwhile, and as long before and after, is of this kind"
)


def record_with(folder: Path, **changed: Any) -> Path:
    where = write(folder, fleet_of(calm=True))
    summary: dict[str, Any] = json.loads((where / "summary.json").read_text())
    (where / "summary.json").write_text(json.dumps(summary | changed))
    return where


def forms(where: Path) -> tuple[list[str], str, list[str]]:
    """Return the terminal's lines, the page, and the lines of Markdown outside of folded sections."""
    record = load(where)
    folded = re.sub(r"(?s)<details>.*?</details>", "", markdown.render(record))
    terminal = summary_text(record.summary, record.outcome, where, None, "").splitlines()
    return terminal, unescape(render(record)), folded.splitlines()


def test_all_forms_say_what_was_overloaded_and_for_how_many_deliveries(tmp_path: Path) -> None:
    terminal, page, text = forms(record_with(tmp_path, overload=OVERLOAD))
    assert line({"overload": OVERLOAD}) == SAID
    assert terminal.count(SAID) == 1
    assert page.count(f"<p>{SAID}.</p>") == 1
    assert text.count(f"{SAID}.") == 1


def test_a_run_without_an_overload_says_nothing_of_it(tmp_path: Path) -> None:
    for where in (record_with(tmp_path / "1"), record_with(tmp_path / "2", overload=None)):
        terminal, page, text = forms(where)
        assert not any("verloaded" in shown for shown in (*terminal, page, *text))


def test_the_report_says_why_many_deliveries_are_edges(tmp_path: Path) -> None:
    where = record_with(tmp_path, memberships={"number": 300, "brief": 200}, in_flight_window_s=2.0)
    summary = json.loads((where / "summary.json").read_text())
    summary["deliveries"]["edge"] = 4000
    (where / "summary.json").write_text(json.dumps(summary))
    record = load(where)
    assert facts_of(record)["edge"] == EDGE
    assert unescape(render(record)).count(f"{EDGE}.") == 1
    assert markdown.render(record).count(f"{EDGE}.") == 1
    assert facts_of(load(record_with(tmp_path / "calm")))["edge"] == ""


def test_the_seconds_of_a_phase_in_pieces_are_those_that_it_has(tmp_path: Path) -> None:
    fleet = Fleet(lambda at_s: "overload" if at_s == 3 else "steady")
    for number in range(1, 6):
        fleet.take("w", report(number, number, (1000,)), 0.0)
    fleet.close()
    where = write(tmp_path, fleet)
    assert "<tr><td>steady</td><td>4</td>" in render(load(where))
    summary = json.loads((where / "summary.json").read_text())
    del summary["phases"]["steady"]["seconds"]
    (where / "summary.json").write_text(json.dumps(summary))
    assert "<tr><td>steady</td><td>5</td>" in render(load(where)), "of an earlier version"
