import tomllib
from pathlib import Path
from typing import Any

import pytest

from faults import Fault, Owner
from measure import slo

DEFAULTS = slo.parse(tomllib.loads(Path(slo.__file__).with_name("slo.toml").read_text()), "slo.toml")
GOOD = {
    "connect_20_ms": 999.0,
    "failures_at_50_connections": 0.0,
    "latency_mean_ms": 49.0,
    "latency_max_ms": 199.0,
    "delivery_percent": 100.0,
    "events_per_s_per_client": 101.0,
}
BAD = {
    "connect_20_ms": 1000.0,
    "failures_at_50_connections": 1.0,
    "latency_mean_ms": 50.0,
    "latency_max_ms": 200.0,
    "delivery_percent": 99.999,
    "events_per_s_per_client": 100.0,
}
ASKED = {"events_per_s_per_client": 100.0}


def verdicts(figures: dict[str, Any], asked: dict[str, float], *, valid: bool = True) -> dict[str, Any]:
    return {row["figure"]: row["passed"] for row in slo.judge(DEFAULTS, {"figures": figures}, asked, valid=valid)}


def test_the_guide_s_figures_hold() -> None:
    assert verdicts(GOOD, ASKED) == dict.fromkeys(GOOD, True)


@pytest.mark.parametrize("figure", BAD)
def test_each_objective_can_be_violated(figure: str) -> None:
    expected = dict.fromkeys(GOOD, True) | {figure: False}
    assert verdicts(GOOD | {figure: BAD[figure]}, ASKED) == expected


def test_throughput_is_judged_only_when_asked() -> None:
    assert "events_per_s_per_client" not in verdicts(GOOD, {})


def test_what_was_not_measured_is_neither_passed_nor_failed() -> None:
    assert verdicts({}, {}) == dict.fromkeys(set(GOOD) - {"events_per_s_per_client"})


def test_nothing_passes_on_a_run_that_is_not_valid() -> None:
    assert set(verdicts(GOOD, ASKED, valid=False).values()) == {False}


@pytest.mark.parametrize(
    "row",
    [
        {"name": "x", "figure": "latency_max_ms"},
        {"name": "x", "figure": "latency_max_ms", "below": "1"},
        {"name": "x", "figure": "latency_max_ms", "below": True},
        {"name": "x", "figure": "latency_max_ms", "below": 1, "below_times_baseline": 1},
        {"name": "x", "figure": "latency_max_ms", "below": 1, "above": 0},
        {"name": "x", "figure": "latency_max_ms", "below": 1, "unit": "ms"},
        {"figure": "latency_max_ms", "below": 1},
    ],
)
def test_a_wrong_row_is_named(row: dict[str, Any]) -> None:
    with pytest.raises(Fault, match="number 1 is not right"):
        slo.parse({"slo": [row]}, "mine.toml")


SUMMARY = {
    "latency_ms": {"agentLog": {"p99": 20.0}},
    "deliveries": {"lost": 3},
    "phases": {"spike": {"latency_ms": {"agentLog": {"p99": 80.0}}, "figures": {"lost_percent": 0.5}}},
    "memory": {"backend": None},
}


@pytest.mark.parametrize(
    ("figure", "phase"),
    [
        ("no_such_figure", ""),
        ("latency_ms.agentLog.p98", ""),
        ("latency_ms.p99", ""),
        ("deliveries.lots", ""),
        ("connect_20_ms", "steady"),
        ("loop_lag_ms.p99", "steady"),
        ("figures.latency_p99_ms", ""),
    ],
)
def test_a_figure_that_no_run_has_is_refused_and_not_left_unmeasured(figure: str, phase: str) -> None:
    with pytest.raises(Fault, match="there is no figure"):
        slo.parse({"slo": [{"name": "x", "figure": figure, "phase": phase, "below": 1}]}, "mine.toml")


def test_a_table_of_another_name_is_refused() -> None:
    with pytest.raises(Fault, match="there is no slos"):
        slo.parse({"slos": []}, "mine.toml")


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ({"figure": "latency_ms.agentLog.p99"}, 20.0),
        ({"figure": "latency_ms.taskStatusUpdate.p99"}, None),
        ({"figure": "latency_ms.agentLog.p99", "phase": "spike"}, 80.0),
        ({"figure": "lost_percent", "phase": "spike"}, 0.5),
        ({"figure": "lost_percent", "phase": "steady"}, None),
        ({"figure": "deliveries.lost"}, 3.0),
        ({"figure": "memory.backend.high_mb_per_hour"}, None),
    ],
)
def test_a_figure_for_each_event_and_phase(row: dict[str, Any], value: float | None) -> None:
    objectives = slo.parse({"slo": [{"name": "x", "at_most": 20, **row}]}, "mine.toml")
    (judged,) = slo.judge(objectives, SUMMARY, {}, valid=True)
    assert judged["value"] == value
    assert judged["passed"] == (None if value is None else value <= 20)


@pytest.mark.parametrize(("baseline_ms", "passed"), [(19.0, True), (18.0, False), (None, None)])
def test_a_limit_that_a_baseline_gives(baseline_ms: float | None, passed: bool | None) -> None:
    row = {"name": "x", "figure": "latency_ms.agentLog.p99", "at_most_times_baseline": 1.1}
    baseline = None if baseline_ms is None else {"latency_ms": {"agentLog": {"p99": baseline_ms}}}
    (judged,) = slo.judge(slo.parse({"slo": [row]}, "mine.toml"), SUMMARY, {}, valid=True, baseline=baseline)
    assert judged["passed"] is passed
    assert judged["limit"] == (None if baseline_ms is None else baseline_ms * 1.1)


def refused(document: dict[str, Any]) -> Fault:
    with pytest.raises(Fault) as caught:
        slo.parse(document, "mine.toml")
    assert caught.value.owner is Owner.USER
    return caught.value


def test_what_is_wrong_is_said_with_the_way_on() -> None:
    fault = refused({"slos": [], "objectives": []})
    assert (fault.what, fault.way_on) == ("mine.toml: there is no objectives, slos", "Write [[slo]] rows only.")
    right = {"name": "x", "figure": "lost_percent", "below": 1}
    fault = refused({"slo": [right, {**right, "figure": "nothing"}]})
    assert fault.what == "mine.toml: [[slo]] number 2: there is no figure 'nothing'"
    assert fault.way_on == (
        f"Give one of {', '.join(slo.FIGURES)}, or a way such as latency_ms.agentLog.p99; see docs/reports.md."
    )
    fault = refused({"slo": [{**right, "figure": "connect_20_ms", "phase": "steady"}]})
    assert fault.what == "mine.toml: [[slo]] number 1: there is no figure 'connect_20_ms' of a phase"
    assert fault.way_on.startswith(f"Give one of {', '.join(slo.PHASE_FIGURES)}, or a way")
    fault = refused({"slo": [{"name": "x", "below": 1}]})
    assert fault.what == "mine.toml: [[slo]] number 1: there is no figure ''"
    fault = refused({"slo": [{**right, "unit": "ms"}]})
    assert fault.what.endswith("is not right: {'name': 'x', 'figure': 'lost_percent', 'below': 1, 'unit': 'ms'}")
    assert fault.way_on == (
        "Give it a name, a figure, and a number for one of below, above, at_most, at_least, "
        "below_times_baseline, above_times_baseline, at_most_times_baseline, at_least_times_baseline."
    )


def test_a_file_without_a_row_has_no_objective() -> None:
    assert slo.parse({}, "mine.toml") == []


def test_everything_of_a_row_is_kept() -> None:
    rows = [
        {"name": "n", "figure": "lost_percent", "below": 1, "when_asked": True, "phase": "spike"},
        {"name": "m", "figure": "latency_p99_ms", "above_times_baseline": 2},
    ]
    assert slo.parse({"slo": rows}, "mine.toml") == [
        slo.Objective("n", "lost_percent", "below", 1.0, when_asked=True, phase="spike"),
        slo.Objective("m", "latency_p99_ms", "above", 2.0, relative=True),
    ]


def test_each_is_judged_by_its_own_limit_and_by_the_one_that_is_asked_for() -> None:
    objectives = [
        slo.Objective("not asked", "latency_p50_ms", "below", 1.0, when_asked=True),
        slo.Objective("asked", "latency_p99_ms", "below", 1.0, when_asked=True),
        slo.Objective("of a phase", "latency_ms.agentLog.p99", "at_most", 2.0, phase="spike", relative=True),
    ]
    summary = SUMMARY | {"figures": {"latency_p99_ms": 20.0}}
    baseline = {"phases": {"spike": {"latency_ms": {"agentLog": {"p99": 40.0}}}}, "latency_ms": {}}
    assert slo.judge(objectives, summary, {"latency_p99_ms": 30.0}, valid=True, baseline=baseline) == [
        {
            "name": "asked",
            "figure": "latency_p99_ms",
            "phase": "",
            "comparison": "<",
            "limit": 30.0,
            "value": 20.0,
            "passed": True,
        },
        {
            "name": "of a phase",
            "figure": "latency_ms.agentLog.p99",
            "phase": "spike",
            "comparison": "≤",
            "limit": 80.0,
            "value": 80.0,
            "passed": True,
        },
    ]
