"""Tests that every form of a report has the same statement on the backend's memory, measured or not."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from loadtest.backends.metrics import of_health
from loadtest.reports import markdown
from loadtest.reports.facts import memory_line
from loadtest.reports.load import Record, load
from loadtest.reports.page import render
from loadtest.reports.pictures.resources import backend
from loadtest.run.master.monitor import Monitor

from ..measurement.runs import FACTS, fleet_of
from .records import write

REAL: dict[str, Any] = {"memory": {"rss": "157.09 MB"}, "uptime": {"seconds": 9, "human": "< 1m"}}
ODD: dict[str, Any] = {"memory": {"rss": "1.5 undefined"}, "cpu": {"user": 1, "system": 1}}
NOT_TOLD: dict[str, Any] = {"cpu": {"user": 1, "system": 1}}
WHILE_CONNECTED_S = 1
BEFORE_S = 0


def record_of(
    folder: Path, answers: list[dict[str, Any]], why_not: str = "", at_s: int = WHILE_CONNECTED_S
) -> Record:
    """Return the record of a run whose backend's health call gave these answers."""
    monitor = Monitor([], why_not, 1.0)
    for number, answer in enumerate(answers):
        monitor.add("health", at_s + number / 10, of_health(answer))
    facts = replace(FACTS, monitoring=monitor.summary(), backend=monitor.rows[:])
    return load(write(folder, fleet_of(calm=True), objectives=[], facts=facts))


@pytest.mark.parametrize(
    ("answers", "why_not", "at_s", "said"),
    [
        ([REAL] * 2, "", WHILE_CONNECTED_S, r"The backend's memory \(164.7\d* MB\) was observed too briefly .*"),
        ([ODD] * 2, "", WHILE_CONNECTED_S, r".* was not measured: health: memory.rss: .* got '1.5 undefined'"),
        ([NOT_TOLD] * 2, "", WHILE_CONNECTED_S, ".* was not measured: health: it tells no resident memory"),
        ([], "--monitor none", WHILE_CONNECTED_S, ".* was not measured: --monitor none"),
        ([REAL] * 2, "", BEFORE_S, ".* was not measured: no sample of it while clients were connected"),
    ],
    ids=["measured", "odd", "not told", "not watched", "not in time"],
)
def test_every_form_says_the_same(
    tmp_path: Path, answers: list[dict[str, Any]], why_not: str, at_s: int, said: str
) -> None:
    record = record_of(tmp_path, answers, why_not, at_s)
    line = memory_line(record.summary, "backend")
    assert re.fullmatch(said, line)
    assert (record.summary["memory"]["backend"] is None) == (" was not measured: " in line)
    assert backend(record).text.startswith(f"{line}.")
    page = unescape(render(record))
    assert set(re.findall(r"The backend's memory (?!and CPU<|and CPU</).*?(?=\.(?: |<))", page)) == {line}
    written = markdown.render(record)
    assert f"\n{markdown.cell(line)}.\n" in written
    assert written.count("The backend's memory") == 1
    assert "was not watched" not in page + written


def test_restarts_that_were_not_measured_are_not_counted(tmp_path: Path) -> None:
    told = record_of(tmp_path / "told", [REAL | {"uptime": {"seconds": seconds}} for seconds in (9, 1)])
    assert " It was restarted 1 time." in backend(told).text
    odd = record_of(tmp_path / "odd", [REAL | {"uptime": "9 s"}] * 2)
    assert odd.summary["monitoring"]["restarts"] is None
    assert (
        "Restarts were not measured: health: uptime: expected a number of 0 or more, got '9 s'."
        in backend(odd).text
    )
    assert odd.summary["not_measured"]["monitoring.restarts"].startswith("health: uptime: ")


def test_a_record_that_does_not_say_why_has_a_statement_too(tmp_path: Path) -> None:
    record = record_of(tmp_path, [])
    record.summary["not_measured"] = {}
    assert memory_line(record.summary, "backend").endswith("was not measured: the record does not say why")
