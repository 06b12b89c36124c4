"""Each rule with what makes it fire, and what just does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from measure.evidence import Evidence
from measure.validity import RULES, Verdict, judge

GOOD = Evidence(expected=1000, due=1000, loop_lag_p99_ms=1.0, cpu_percent=50.0)

FIRES: dict[str, dict[str, Any]] = {
    "nothing measured": {"expected": 0},
    "refused triggers": {"refused": 1},
    "missed sends": {"missed": 11},
    "some missed sends": {"missed": 2},
    "lost workers": {"lost_workers": ["2 (10 connections, 99 deliveries timed)"]},
    "worker was away": {"away_workers": ["2 (7 s)"]},
    "late triggers": {"late_triggers": 1},
    "unknown triggers": {"unknown_triggers": 1},
    "unowed deliveries": {"unowed": 1},
    "failed triggers": {"failed": 1, "foreign": 9, "lost": 2},
    "accounts differ": {"timed": 1},
    "missing reports": {"missing_reports": 1},
    "totals differ": {"uncounted_reports": 1},
    "out of descriptors or ports": {"exhausted": 1},
    "errors in our own users": {"user_errors": 1},
    "event loop stalled": {"loop_lag_p99_ms": 201.0},
    "event loop lags": {"loop_lag_p99_ms": 26.0},
    "generator stalled": {"generator_delay_p99_ms": 201.0},
    "generator delays": {"generator_delay_p99_ms": 26.0},
    "coalesced reads": {"coalesced": 101, "received": 1000, "generator_delay_p99_ms": 5.1},
    "connects were sent again": {"sent_again": 2, "connects": 1000},
    "negative latency": {"negative_latency": 1},
    "clock unknown": {"unbounded_latency": 1},
    "clocks too far apart": {"clock_bound_p99_ms": 10.1},
    "clock was set": {"clock_steps": 1},
    "busy worker": {"cpu_percent": 91.0},
    "cpu warning": {"cpu_warning": True},
    "cut short": {"interrupted": True},
}
HOLDS: dict[str, dict[str, Any]] = {
    "nothing measured": {"expected": 1},
    "refused triggers": {"refused": 0},
    "missed sends": {"missed": 10},
    "some missed sends": {"missed": 1},
    "lost workers": {"lost_workers": []},
    "worker was away": {"away_workers": []},
    "late triggers": {"late_triggers": 0},
    "unknown triggers": {"unknown_triggers": 0},
    "unowed deliveries": {"unowed": 0},
    "failed triggers": {"failed": 1, "foreign": 0, "lost": 2},
    # Where totals are missing, so are accounts.
    "accounts differ": {"timed": 1, "lost_workers": ["2"]},
    "missing reports": {"missing_reports": 0},
    "totals differ": {"uncounted_reports": 0},
    "out of descriptors or ports": {"exhausted": 0},
    "errors in our own users": {"user_errors": 0},
    "event loop stalled": {"loop_lag_p99_ms": 200.0},
    "event loop lags": {"loop_lag_p99_ms": 25.0},
    "generator stalled": {"generator_delay_p99_ms": 200.0},
    "generator delays": {"generator_delay_p99_ms": 25.0},
    "coalesced reads": {"coalesced": 900, "received": 1000, "generator_delay_p99_ms": 5.0},
    "connects were sent again": {"sent_again": 1, "connects": 1000},
    "negative latency": {"negative_latency": 0},
    "clock unknown": {"unbounded_latency": 0},
    "clocks too far apart": {"clock_bound_p99_ms": 10.0},
    "clock was set": {"clock_steps": 0},
    "busy worker": {"cpu_percent": 90.0},
    "cpu warning": {"cpu_warning": False},
    "cut short": {"interrupted": False},
}


def test_every_rule_has_its_cases() -> None:
    names = [rule.name for rule in RULES]
    assert names == list(FIRES) == list(HOLDS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_fires_and_lets_pass(rule: Any) -> None:
    why = rule.why(replace(GOOD, **FIRES[rule.name]))
    assert why
    assert "\n" not in why
    assert rule.why(replace(GOOD, **HOLDS[rule.name])) is None


def test_a_good_run_is_valid() -> None:
    assert judge(GOOD) == (Verdict.VALID, [])


def test_the_worst_rule_decides_and_is_named_first() -> None:
    verdict, reasons = judge(replace(GOOD, cpu_warning=True, lost_workers=["2"]))
    assert verdict is Verdict.INVALID
    assert [reason.split(":")[0] for reason in reasons] == ["invalid", "suspect"]


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        ({"missed": 1000}, Verdict.INVALID),
        ({"missed": 10}, Verdict.SUSPECT),
        ({"loop_lag_p99_ms": 200.0}, Verdict.SUSPECT),
        ({"generator_delay_p99_ms": 200.0}, Verdict.SUSPECT),
    ],
)
def test_no_case_falls_between_suspect_and_invalid(evidence: dict[str, Any], verdict: Verdict) -> None:
    found, reasons = judge(replace(GOOD, **evidence))
    assert (found, len(reasons)) == (verdict, 1)


def test_few_coalesced_reads_do_no_harm_however_slow_they_are() -> None:
    few = replace(GOOD, coalesced=100, received=1000, generator_delay_p99_ms=20.0)
    assert judge(few) == (Verdict.VALID, [])
