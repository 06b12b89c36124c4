import tomllib
from pathlib import Path
from typing import Any

import pytest

from faults import Fault
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
    return {row["figure"]: row["passed"] for row in slo.judge(DEFAULTS, figures, asked, valid=valid)}


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
        {"name": "x", "figure": "no_such_figure", "below": 1},
        {"name": "x", "figure": "latency_max_ms"},
        {"name": "x", "figure": "latency_max_ms", "below": 1, "above": 0},
        {"name": "x", "figure": "latency_max_ms", "below": 1, "unit": "ms"},
        {"figure": "latency_max_ms", "below": 1},
    ],
)
def test_a_wrong_row_is_named(row: dict[str, Any]) -> None:
    with pytest.raises(Fault, match="number 1 is not right"):
        slo.parse({"slo": [row]}, "mine.toml")
