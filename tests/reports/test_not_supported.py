"""Tests that each form of a result shows the capabilities that a backend lacks, and the checks skipped for it."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from loadtest.measurement.not_supported import line
from loadtest.reports import markdown
from loadtest.reports.load import load
from loadtest.reports.page import render
from loadtest.run.master.console import summary_text
from loadtest.scenarios import capabilities as can
from loadtest.scenarios import conformance
from loadtest.scenarios.capabilities import Answer, Capabilities
from loadtest.scenarios.catalogue import ALL
from loadtest.scenarios.scenario import CORE

from ..measurement.runs import fleet_of
from .records import write

PATCHED = (
    "“task status updates: a PATCH is told”, “task status updates: a PATCH is told once, and to its room alone”"
)
SCENARIOS = [scenario for scenario in ALL if CORE in scenario.suites]


def capabilities_of(missing: set[str], unknown: set[str]) -> Capabilities:
    answers = {name: Answer(name not in missing, "seen") for name in can.QUESTIONS}
    return Capabilities(answers | {name: Answer(None, "HTTP is throttled") for name in unknown})


def shown_by_all(where: Path) -> str:
    """Return the line, which the terminal, the page and Markdown have to show outside of folded sections."""
    record = load(where)
    said = line(record.summary)
    terminal = summary_text(record.summary, record.outcome, where, None, "").splitlines()
    page = re.sub(r"(?s)<details.*?</details>", "", render(record))
    text = re.sub(r"(?s)<details>.*?</details>", "", markdown.render(record))
    assert terminal.count(f"          {said}") == bool(said)
    assert unescape(page).count(f"<p>{said}.</p>") == bool(said)
    assert text.splitlines().count(f"{markdown.cell(said)}.") == bool(said)
    return said


def record_with(folder: Path, capabilities: Capabilities) -> Path:
    where = write(folder, fleet_of(calm=True))
    summary: dict[str, Any] = json.loads((where / "summary.json").read_text())
    summary["not_supported"] = conformance.not_supported(SCENARIOS, capabilities)
    (where / "summary.json").write_text(json.dumps(summary))
    return where


@pytest.mark.parametrize(
    ("missing", "unknown", "said"),
    [
        (
            {can.PING, can.ACKS, can.PATCH},
            set(),
            (
                f"Capabilities that the backend does not have: ping ({can.MEANINGS[can.PING]}); "
                f"acks ({can.MEANINGS[can.ACKS]}; not made: “acknowledgements: a join is acknowledged”, "
                "“round trips: 50 of 50 are acknowledged”); "
                f"PATCH broadcasts ({can.MEANINGS[can.PATCH]}; not made: {PATCHED}). "
                "Checks that are not supported, and neither pass nor fail: 4"
            ),
        ),
        (
            {can.PING},
            {can.PATCH, can.RUN},
            (
                f"Capabilities that the backend does not have: ping ({can.MEANINGS[can.PING]}). "
                "Capabilities that could not be found out: PATCH broadcasts (HTTP is throttled; "
                f"not made: {PATCHED}). Checks skipped for want of an answer: 2"
            ),
        ),
        ({can.EIO3, can.RECOVERY}, set(), ""),
    ],
)
def test_one_line_names_what_is_missing_and_what_was_skipped(
    tmp_path: Path, missing: set[str], unknown: set[str], said: str
) -> None:
    assert shown_by_all(record_with(tmp_path, capabilities_of(missing, unknown))) == said


def test_a_run_says_it_by_itself(tmp_path: Path) -> None:
    """The master writes it, even for a run that probed its backend for almost nothing."""
    said = shown_by_all(write(tmp_path, fleet_of(calm=True)))
    assert said.startswith(
        "Capabilities that the backend does not have: rooms are their owners' (any client may join any "
    )
    assert "REST checks tokens (not asked; not made: “bad tokens over REST: REST refuses all of them”)" in said


def test_a_check_is_counted_once_whatever_it_lacks() -> None:
    missing = capabilities_of({can.GUESTS, can.OWN_ROOMS}, set())
    (guest,) = (scenario for scenario in SCENARIOS if scenario.name == "guest connection")
    said = line({"not_supported": conformance.not_supported([guest], missing)})
    assert said.count("“guest connection: it joins no room”") == 2
    assert said.endswith("Checks that are not supported, and neither pass nor fail: 2")


def test_everything_that_may_be_missing_has_a_meaning() -> None:
    assert set(can.MEANINGS) == set(can.QUESTIONS)
    assert len(set(can.MEANINGS.values())) == len(can.QUESTIONS)
    assert set(can.REMEDIES) == set(can.QUESTIONS)


def test_a_record_without_the_field_has_no_line(tmp_path: Path) -> None:
    where = write(tmp_path, fleet_of(calm=True))
    summary = json.loads((where / "summary.json").read_text())
    del summary["not_supported"]
    (where / "summary.json").write_text(json.dumps(summary))
    assert shown_by_all(where) == ""
    assert not load(where).missing
