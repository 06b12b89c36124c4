"""The table of outcomes: rows are all ways in which a run can come out, columns all places that say so."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from prometheus_client.parser import text_string_to_metric_families

from loadtest.exit_codes import ExitCode
from loadtest.live import metrics, snapshot
from loadtest.measurement import expectations, objectives, validity
from loadtest.measurement.objective_results import judge
from loadtest.measurement.objectives import DEFAULTS
from loadtest.measurement.outcome import OutcomeWord
from loadtest.measurement.recorded_outcome import COMPARISON_FILE, BaselineComparison, read_outcome
from loadtest.measurement.summary import WITHOUT_SCENARIOS, with_outcome
from loadtest.measurement.validity import RULES, Verdict
from loadtest.reports import gate, junit, markdown, page, prometheus
from loadtest.reports.load import comparison_in, load, read_summary
from loadtest.run.master.console import summary_text
from loadtest.run.master.record import Draft

from ..measurement.rules import FIRES, GOOD
from ..measurement.runs import FACTS, fleet_of, summary_of

GUIDE = objectives.parse(objectives.path_of("guide").read_text(encoding="utf-8"), "guide")
CALM = summary_of(fleet_of(calm=True), objectives=GUIDE)
CALM_VALUES = {
    "connect_20_ms": 5.0,
    "failures_at_50_connections": 0.0,
    "latency_mean_ms": 4.0,
    "latency_max_ms": 4.0,
    "round_trip_mean_ms": 1.0,
    "round_trip_max_ms": 1.0,
    "ack_mean_ms": 1.0,
    "ack_max_ms": 1.0,
    "backend_memory_growth_percent": 0.0,
    "worker_memory_growth_percent": 0.0,
    "delivery_percent": 100.0,
}
BAD_VALUES = {
    "connect_20_ms": 1001.0,
    "failures_at_50_connections": 1.0,
    "latency_mean_ms": 51.0,
    "latency_max_ms": 201.0,
    "round_trip_mean_ms": 61.0,
    "round_trip_max_ms": 201.0,
    "ack_mean_ms": 61.0,
    "ack_max_ms": 201.0,
    "backend_memory_growth_percent": 450.0,
    "worker_memory_growth_percent": 81.0,
    "delivery_percent": 99.0,
    **{default.figure: 1.0 for default in DEFAULTS},
}
CHECK = {"scenario": "s", "suites": [], "check": "c", "passed": 0, "failed": 1, "skipped": 0, "evidence": "seen"}
UNCHECKED = {"outcome": "not checked"}
CANARY = {
    "name": "node-4",
    "client": "socket.io-client 4",
    "outcome": "differs",
    "evidence": "1 lost",
    "expected": 2,
    "delivered": 1,
    "latency_ms": {"p50": None, "max": None},
}
CAPACITY = {
    "by": "users",
    "statement": "5 viewers pass (95% sure; 2 of 2 trials); 9 fail (3 of 3 trials): late",
    "limit_ms": 50.0,
    "finished": True,
    "max_passing": 5.0,
    "min_failing": 9.0,
    "lower_bound_only": False,
    "confidence": 0.95,
    "confirmed": True,
    "limited_by_generator": False,
    "why_failing": "late",
    "why_limited": "",
    "allowed_late_share": 0.01,
    "undecided": [],
    "levels": [],
    "trials": [],
}
WORKER_COLUMNS = ("connects", "received", "rss_mb", "reports", "away_s", "offset_ms", "offset_bound_ms")


@dataclass(frozen=True)
class Row:
    """A way in which a run can come out. change: to the summary of a calm run."""

    name: str
    word: OutcomeWord
    code: ExitCode
    change: dict[str, Any]
    worse: tuple[str, ...] = ()


def _with_figure(figure: str, value: float) -> dict[str, Any]:
    figures = CALM["figures"] | CALM_VALUES | {figure: value}
    known = {"figures": figures, "not_measured": {}}
    rows = _judged(known)
    return {**known, "slo": rows}


def _judged(known: dict[str, Any]) -> list[dict[str, Any]]:
    return [result.to_json() for result in judge(GUIDE, known, {})]


def _expected(result: str) -> dict[str, Any]:
    answer = {
        "passed": {"yes": True, "to_find_out": ""},
        "failed": {"yes": False, "to_find_out": ""},
        "skipped": {"yes": None, "to_find_out": "Give a key."},
    }[result] | {"evidence": "seen"}
    capabilities = {"token check": answer, "ping": {"yes": True, "to_find_out": "", "evidence": "pong"}}
    remedies = {"token check": "Verify it."}
    found = expectations.judge("documented", remedies, capabilities, remedies)
    return {"capabilities": capabilities, "expectations": found}


def _rows() -> list[Row]:
    passed, failed = OutcomeWord.PASSED, OutcomeWord.FAILED
    rows = [Row("calm", passed, ExitCode.PASSED, {})]
    rows += [
        Row(f"objective {figure}", failed, ExitCode.OBJECTIVE_FAILED, _with_figure(figure, value))
        for figure, value in BAD_VALUES.items()
    ]
    for rule in RULES:
        judgment = validity.judge(replace(GOOD, **FIRES[rule.name]))
        lost = int(rule.name == "lost workers")
        invalid = judgment.verdict is Verdict.INVALID
        code = ExitCode.RUN_SUSPECT if not invalid else ExitCode.LOST_WORKERS if lost else ExitCode.RUN_INVALID
        said = {
            "verdict": judgment.verdict.name.lower(),
            "reasons": list(judgment.reasons),
            "doubts": sorted(judgment.doubts),
            "by_overload": judgment.by_overload,
        }
        word = OutcomeWord.INVALID if invalid else OutcomeWord.SUSPECT
        rows.append(Row(f"rule {rule.name}", word, code, {"validity": said, "lost_workers": lost}))
    checks = {"conformance_holds": False}
    return [
        *rows,
        Row("check", failed, ExitCode.CHECK_FAILED, checks | {"conformance": [CHECK | {"outcome": "failed"}]}),
        Row(
            "no check",
            failed,
            ExitCode.CHECK_FAILED,
            checks | {"conformance": [CHECK | {"outcome": "not checked"}]},
        ),
        Row("canary", failed, ExitCode.CHECK_FAILED, checks | {"canaries": [CANARY]}),
        Row("finding", failed, ExitCode.CHECK_FAILED, checks | {"severe_findings": ["a hole"]}),
        Row("expectation", failed, ExitCode.CHECK_FAILED, checks | _expected("failed")),
        Row("met expectation", passed, ExitCode.PASSED, _expected("passed")),
        Row("unknown expectation", passed, ExitCode.PASSED, _expected("skipped")),
        Row("aborted", failed, ExitCode.OBJECTIVE_FAILED, {"aborted": "maximum latency: 900 after 5 s"}),
        Row("worse", failed, ExitCode.WORSE, {}, ("agentLog p99",)),
        Row("capacity", passed, ExitCode.PASSED, {"capacity": CAPACITY} | _with_figure("latency_max_ms", 900.0)),
        Row("no capacity", failed, ExitCode.OBJECTIVE_FAILED, {"capacity": CAPACITY | {"max_passing": None}}),
        Row("cut off", OutcomeWord.INVALID, ExitCode.RUN_INVALID, {"capacity": CAPACITY | {"finished": False}}),
    ]


ROWS = _rows()


def record_of(row: Row, folder: Path) -> Path:
    summary = with_outcome({**CALM, **WITHOUT_SCENARIOS, **row.change})
    draft = Draft(folder, {"run_id": FACTS.run_id, "schema": 2}, 1.0)
    table: list[dict[str, Any]] = [{"at_s": 1}]
    tables = dict.fromkeys(("timeline", "rooms", "streams", "backend"), table)
    workers = [{"worker": 0, "totals": True, "gaps": 0, "cpu_percent": 1.0, **dict.fromkeys(WORKER_COLUMNS, 0)}]
    where = draft.finish(summary, {**tables, "workers": workers}, {})
    if row.worse:
        said = BaselineComparison(("a",), row.worse, "against 1 earlier run: worse")
        (where / COMPARISON_FILE).write_text(json.dumps(said.to_json()))
    return where


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_place_says_the_same(row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "pictures", lambda record: [])
    where = record_of(row, tmp_path)
    record = load(where)
    outcome = record.outcome
    summary = record.summary
    assert (outcome.word, outcome.code) == (row.word, row.code)

    terminal = summary_text(summary, outcome, where, None, "").splitlines()
    assert terminal[1].startswith(f"{row.word}: ")

    said = expectations.lines(summary)
    assert [line for line in terminal if any(line.endswith(one) for one in said)] == (
        [said[0], *(f"          {line}" for line in said[1:])] if said else []
    )

    html = page.render(record)
    assert all(line in unescape(html) for line in said)
    assert re.search(r"<body>\s*<section class=\"verdict \w+\">\s*<strong>(\w+)</strong>", html)[1] == row.word  # type: ignore[index]
    assert html.partition("<title>")[2].startswith(f"{row.word}: ")

    assert markdown.render(record).startswith(f"## {row.word}: ")

    assert all(f"- {markdown.cell(line)}" in markdown.render(record).splitlines() for line in said)

    tests = ET.fromstring(junit.render(summary, outcome, record.objectives))
    assert (int(tests.get("failures", "")) == 0) == (row.code == 0)
    assert (tests.find("testsuite/testcase/failure") is None) == (row.code == 0)
    expected = tests.find("testsuite[@name='expected capabilities']")
    assert (expected is None) == (not said)
    if expected is not None:
        assert expected.get("failures") == str(int(row.name == "expectation"))
        assert expected.get("skipped") == str(int(row.name == "unknown expectation"))

    for text in (
        prometheus.render(summary, outcome, record.objectives),
        metrics.render(snapshot.of_summary(summary, outcome, []) | {"state": "ended"}, {}).decode(),
    ):
        families = {family.name: family for family in text_string_to_metric_families(text)}
        words = {sample.labels["word"]: sample.value for sample in families["loadtest_outcome"].samples}
        assert words == {word.value: float(word is row.word) for word in OutcomeWord}
        assert families["loadtest_exit_code"].samples[0].value == row.code

    shown = snapshot.of_summary(summary, outcome, [])
    assert (shown["outcome"], shown["exit_code"]) == (row.word.value, int(row.code))
    assert shown["outcome_line"].startswith(f"{row.word}: ")

    comparison = comparison_in(where)
    judged, results = gate.judge(read_summary(where), GUIDE, None, comparison=comparison)
    assert (judged.word, judged.code) == (row.word, row.code)
    assert gate.text(summary, judged, results).splitlines()[-1].startswith(f"{row.word}: ")
    assert read_outcome(read_summary(where), comparison).code == row.code


def test_every_rule_and_objective_has_a_row() -> None:
    names = {row.name for row in ROWS}
    assert names >= {f"rule {rule.name}" for rule in RULES}
    assert names >= {f"objective {objective.figure}" for objective in GUIDE if not objective.when_asked}
    assert {row.word for row in ROWS} == set(OutcomeWord)
    assert {row.code for row in ROWS} == set(ExitCode) - {ExitCode.USAGE, ExitCode.SETUP_FAILED}
