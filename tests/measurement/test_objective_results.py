"""Objectives judged against a summary, and read back from a record."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from loadtest.measurement import figures, objectives
from loadtest.measurement.objective_results import (
    ObjectiveCounts,
    ObjectiveResult,
    RecordFieldError,
    judge,
    value_of,
)
from loadtest.measurement.objectives import DEFAULTS, Objective, parse

GUIDE = Path(figures.__file__).with_name("guide_objectives.toml")
OBJECTIVES = parse(GUIDE.read_text(encoding="utf-8"), GUIDE.name)
ASKED = {"events_per_s_per_client": 100.0}
GOOD = {
    "connect_20_ms": 999.0,
    "failures_at_50_connections": 0.0,
    "latency_mean_ms": 49.0,
    "latency_max_ms": 199.0,
    "round_trip_mean_ms": 49.0,
    "round_trip_max_ms": 199.0,
    "ack_mean_ms": 49.0,
    "ack_max_ms": 199.0,
    "backend_memory_growth_percent": 0.0,
    "worker_memory_growth_percent": 0.0,
    "delivery_percent": 100.0,
    "events_per_s_per_client": 101.0,
    **{default.figure: 0.0 for default in DEFAULTS},
}
BAD = {
    "connect_20_ms": 1000.0,
    "failures_at_50_connections": 1.0,
    "latency_mean_ms": 50.0,
    "latency_max_ms": 200.0,
    "round_trip_mean_ms": 61.0,
    "round_trip_max_ms": 200.0,
    "ack_mean_ms": 50.0,
    "ack_max_ms": 200.0,
    "backend_memory_growth_percent": 450.0,
    "worker_memory_growth_percent": 81.0,
    "delivery_percent": 99.999,
    "events_per_s_per_client": 100.0,
    **{default.figure: 1.0 for default in DEFAULTS},
}


def passed(values: dict[str, Any], asked: dict[str, float]) -> dict[str, bool | None]:
    summary = {"figures": values, "not_measured": {name: "why" for name, value in values.items() if value is None}}
    return {result.figure: result.passed for result in judge(OBJECTIVES, summary, asked)}


def test_a_run_in_which_nothing_went_wrong_passes() -> None:
    assert passed(GOOD, ASKED) == dict.fromkeys(GOOD, True)


@pytest.mark.parametrize("figure", BAD)
def test_each_objective_can_fail(figure: str) -> None:
    assert passed(GOOD | {figure: BAD[figure]}, ASKED) == dict.fromkeys(GOOD, True) | {figure: False}


def test_throughput_is_judged_only_when_asked() -> None:
    assert "events_per_s_per_client" not in passed(GOOD, {})


def test_what_was_not_measured_is_neither_passed_nor_failed() -> None:
    assert passed(GOOD | {"latency_max_ms": None}, {})["latency_max_ms"] is None


SUMMARY: dict[str, Any] = {
    "latency_ms": {"agentLog": {"count": 5, "p99": 20.0, "p50": None}, "a.b": {"count": 0, "p99": None}},
    "deliveries": {"lost": 3},
    "phases": {
        "spike": {
            "latency_ms": {"agentLog": {"count": 2, "p99": 80.0}},
            "deliveries": {"expected": 4},
            "figures": {"lost_percent": 0.5},
        },
        "calm": {
            "latency_ms": {"agentLog": {"count": 0, "p99": None}},
            "deliveries": {"expected": 0},
            "figures": {"lost_percent": None, "latency_p99_ms": None},
        },
    },
    "memory": {"backend": None, "generator": {"mb": 5.0, "mb_per_hour": -3.0, "high_mb_per_hour": None}},
    "not_measured": {"memory.backend": "no sample of it"},
}


@pytest.mark.parametrize(
    ("figure", "phase", "value"),
    [
        ("latency_ms.agentLog.p99", "", 20.0),
        ("latency_ms.a.b.p99", "", None),
        ("latency_ms.agentLog.p99", "spike", 80.0),
        ("latency_ms.agentLog.p99", "calm", None),
        ("lost_percent", "spike", 0.5),
        ("lost_percent", "calm", None),
        ("latency_p99_ms", "calm", None),
        ("deliveries.lost", "", 3.0),
        ("memory.backend.mb_per_hour", "", None),
        ("memory.generator.mb_per_hour", "", -3.0),
    ],
)
def test_a_figure_of_an_event_a_phase_and_a_memory(figure: str, phase: str, value: float | None) -> None:
    assert value_of(SUMMARY, figure, phase) == value


@pytest.mark.parametrize(
    ("figure", "phase"),
    [
        ("latency_ms.agentLog.p50", ""),  # null beside deliveries
        ("latency_ms.agentLog.p90", ""),
        ("latency_ms.other.p99", ""),
        ("latency_p99_ms", ""),
        ("lost_percent", "storm"),
        ("latency_p99_ms", "spike"),
        ("memory.generator.high_mb_per_hour", ""),
        ("triggers.failed", ""),
    ],
)
def test_a_field_that_is_missing_without_a_reason_is_an_error(figure: str, phase: str) -> None:
    with pytest.raises(RecordFieldError, match="expected a number"):
        value_of(SUMMARY, figure, phase)
    objective = Objective("x", figure, "at_most", 1.0, phase=phase)
    with pytest.raises(RecordFieldError):
        judge([objective], SUMMARY, {})
    if figure in figures.FIGURES and not phase:
        # Every run has these: they are never missing because of what an objective names.
        with pytest.raises(RecordFieldError):
            judge([objective], SUMMARY, {}, whole=False)
        return
    (result,) = judge([objective], SUMMARY, {}, whole=False)
    assert (result.value, result.passed) == (None, None)


@pytest.mark.parametrize("value", ["3", True, math.nan, math.inf, -1.0, [3], {}])
def test_a_value_that_is_not_a_count_is_an_error(value: Any) -> None:
    with pytest.raises(RecordFieldError, match=r"deliveries\.lost: expected a number from 0"):
        value_of({"deliveries": {"lost": value}}, "deliveries.lost")


@pytest.mark.parametrize(("baseline_ms", "passes"), [(19.0, True), (18.0, False), (None, None)])
def test_a_limit_that_a_baseline_gives(baseline_ms: float | None, passes: bool | None) -> None:
    objective = Objective("x", "latency_ms.agentLog.p99", "at_most", 1.1, relative=True)
    baseline = None if baseline_ms is None else {"latency_ms": {"agentLog": {"p99": baseline_ms}}}
    (result,) = judge([objective], SUMMARY, {}, baseline=baseline)
    assert result.passed is passes
    assert result.limit == (None if baseline_ms is None else baseline_ms * 1.1)
    assert result.word == ({True: "passed", False: "FAILED", None: "not evaluated: needs a baseline"}[passes])


def test_a_result_is_read_back_as_it_was() -> None:
    for result in judge(OBJECTIVES, {"figures": GOOD | {"latency_max_ms": 300.0}}, ASKED):
        assert ObjectiveResult.from_json(result.to_json(), "row") == result


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("passed", True),
        ("passed", None),
        ("passed", "false"),
        ("value", -5.0),
        ("value", None),
        ("value", "5"),
        ("value", math.nan),
        ("limit", 9.0),
        ("limit", None),
        ("comparison", ">"),
        ("comparison", ""),
        ("name", None),
        ("built_in", None),
    ],
)
def test_a_row_that_was_changed_is_found_out(field: str, value: Any) -> None:
    row = ObjectiveResult("n", "f", "", "≤", 1.0, 5.0, passed=False).to_json()
    with pytest.raises(RecordFieldError):
        ObjectiveResult.from_json(row | {field: value}, "slo[0]")
    del row[field]
    with pytest.raises(RecordFieldError):
        ObjectiveResult.from_json(row, "slo[0]")


def test_counts_in_words() -> None:
    def result(passes: bool | None) -> ObjectiveResult:
        return ObjectiveResult("n", "f", "", "≤", 1.0, None, passes)

    results = [result(True), result(True), result(None), result(None), result(None)]
    assert str(ObjectiveCounts.of(results)) == "2 of 5 passed, 3 not measured"
    assert str(ObjectiveCounts.of([*results, result(False)])) == "2 of 6 passed, 1 failed, 3 not measured"
    assert str(ObjectiveCounts.of([result(True)])) == "1 of 1 passed"


def test_times_are_told_from_counts() -> None:
    about_time = {
        objective.figure
        for objective in objectives.parse(GUIDE.read_text(encoding="utf-8"), GUIDE.name)
        if ObjectiveResult("n", objective.figure, "", "<", 1.0, 1.0, passed=False).is_about_time
    }
    counts = {default.figure for default in DEFAULTS} | {"failures_at_50_connections", "delivery_percent"}
    counts |= set(figures.MEMORY_FIGURES)
    assert about_time == set(GOOD) - counts
