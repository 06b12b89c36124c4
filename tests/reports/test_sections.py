"""The sections that only some runs have: lost connections, instances, canaries."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from loadtest.measurement.shards import pack
from loadtest.reports.facts import facts_of
from loadtest.reports.instances import matrix_of
from loadtest.reports.load import load
from loadtest.reports.page import pictures, render

from ..measurement.runs import FACTS, fleet_of
from .browser import assert_looks_good
from .checked_html import check
from .records import write

NAMES = ("10.0.0.1:3000", "10.0.0.2:3000", "10.0.0.3:3000")


def record_of(folder: Path) -> Path:
    """A run of three instances, of which the third is cut off, with lost connections and two canaries."""
    fleet = fleet_of(
        {
            "connections_lost": 20,
            "connections_dropped": 7,
            "reconnects": 19,
            "reconnect_failures": 3,
            "recovered": 15,
            "away": 1,
        }
    )
    for at_s, members in enumerate(((20, 20, 20), (30, 30, 0), (25, 25, 10)), start=1):
        ways = {(NAMES[0], name): pack(np.full(9, 3000 * number)) for number, name in enumerate(NAMES, start=1)}
        fleet.instances.take("w", at_s, dict(zip(NAMES, members, strict=True)), ways)
    (totals,) = fleet.totals()
    totals.paths = [(NAMES[0], NAMES[0], 900, 0), (NAMES[0], NAMES[1], 600, 6), ("", NAMES[2], 300, 299)]
    where = write(folder, fleet)
    summary = json.loads((where / "summary.json").read_text())
    times = summary["latency_ms"]["agentLog"]
    counts = summary["deliveries"]
    summary["canaries"] = [
        {**counts, "name": name, "client": f"socket.io-client on {name}", "latency_ms": times} | outcome
        for name, outcome in (
            ("node-4", {"outcome": "sees the same", "evidence": "5 of 5"}),
            ("chromium", {"outcome": "differs", "evidence": "3 lost <b>"}),
        )
    ]
    summary["answers_ms"]["return"] = summary["replay_ms"] = times
    (where / "summary.json").write_text(json.dumps(summary))
    return where


def test_a_page_has_them(tmp_path: Path) -> None:
    page = render(load(record_of(tmp_path)))
    check(page)
    for said in (
        "From instance to instance",
        "Members by instance",
        "1 % of 600 lost",
        "99.67 % of 300 lost",
        "Lost connections",
        "78.95 %",
        "socket.io-client on chromium",
        "3 lost &lt;b&gt;",
    ):
        assert said in page, said


@pytest.mark.slow
def test_a_page_without_them_has_none(tmp_path: Path) -> None:
    page = render(load(write(tmp_path, fleet_of())))
    for said in ("From instance to instance", "Members by instance", "Lost connections", "Canaries"):
        assert said not in page


def test_the_matrix_tells_what_is_within_from_what_is_across(tmp_path: Path) -> None:
    matrix = matrix_of(load(record_of(tmp_path)).summary)
    assert matrix is not None
    assert matrix.members == [NAMES[2], NAMES[0], NAMES[1]]
    rows = {origin: dict(zip(matrix.members, cells, strict=True)) for origin, cells in matrix.rows}
    assert rows["not said"][NAMES[2]].lost.endswith("of 300 lost")
    assert rows[NAMES[0]][NAMES[0]].lost == ""
    assert rows["not said"][NAMES[0]].times == "–"
    assert matrix.text == "100 % of 900 arrived within an instance, 66.11 % of 900 arrived from one to another"


def test_triggers_whose_work_was_not_done_are_told(tmp_path: Path) -> None:
    said = "unfinished when the run ended"
    for unfinished in (0, 3):
        facts = replace(FACTS, unfinished_triggers=unfinished)
        page = render(load(write(tmp_path / str(unfinished), fleet_of(), facts=facts)))
        assert (f"3 {said}" in page) == bool(unfinished)
        check(page)


def test_lost_connections_are_told_in_order(tmp_path: Path) -> None:
    told = dict(facts_of(load(record_of(tmp_path)))["returns"])
    assert told["connections lost"] == "20"
    assert told["of those, dropped by the load test itself"] == "7"
    assert told["attempts to make one again that failed"] == "3"
    assert told["of that, after drops by the load test itself"] == "0"
    assert told["of those, recovered by the backend"] == "78.95 %"
    assert told["users that did not come back"] == "1"
    assert told["missed meanwhile, and lost"] == "4"
    assert told["the backend's CPU, at most"] == "10 %"


@pytest.mark.slow
def test_a_table_of_instances_that_is_missing_is_told_where_there_were_some(tmp_path: Path) -> None:
    where = record_of(tmp_path)
    (where / "instances.csv").unlink()
    assert "there is no instances.csv" in load(where).missing
    page = render(load(where))
    assert "From instance to instance" in page
    assert "Members by instance" not in page


def test_members_of_all_instances_are_in_the_table(tmp_path: Path) -> None:
    table = load(record_of(tmp_path)).tables["instances"]
    assert isinstance(table, pd.DataFrame)
    assert table.groupby("at_s")["members"].sum().tolist() == [60, 60, 60]


@pytest.mark.slow
@pytest.mark.needs("chromium")
@pytest.mark.parametrize("width", [1100, 390])
def test_they_look_good(tmp_path: Path, width: int) -> None:
    record = load(record_of(tmp_path / "records"))
    drawn = sum(picture.wide is not None for picture in pictures(record))
    assert_looks_good(render(record), tmp_path, width, drawn)
