"""Each rule with what makes it fire, and what just does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loadtest.measurement.keys import KeyCounts
from loadtest.measurement.validity import RULES, Judgment, Verdict, judge

from .rules import FIRES, GOOD

HOLDS: dict[str, dict[str, Any]] = {
    "nothing measured": {"expected": 1},
    "adapter failed": {"unread_answers": 1, "failed": 1, "sent": 2},
    "ids never match": {"unmatched": 9, "keys": KeyCounts(learned=3, matched=1)},
    # What never came is just lost.
    "some ids do not match": {"unmatched": 0, "keys": KeyCounts(3, 2, 1, 4)},
    "throttled": {"throttled": 0, "refused": 1},
    "refused triggers": {"throttled": 1, "refused": 1},
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
    "errors of our own": {"internal_errors": 0},
    "event loop stalled": {"loop_lag_p99_ms": 200.0},
    "event loop lags": {"loop_lag_p99_ms": 25.0},
    "generator stalled": {"generator_delay_p99_ms": 200.0},
    "generator delays": {"generator_delay_p99_ms": 25.0},
    "coalesced reads": {"bounded_ms": {"p50": (8.0, 6.0), "p99": (100.0, 75.0)}},
    "user-space times": {"user_space_workers": ["2 (1.0 ms)"], "user_space_lag_ms": 1.0},
    "connects were sent again": {"sent_again": 1, "connects": 1000},
    "negative latency": {"negative_latency": 0},
    "clock unknown": {"unbounded_latency": 0},
    "clocks too far apart": {"clock_bound_p99_ms": 10.0},
    "clock was set": {"clock_steps": 0},
    "busy worker": {"cpu_percent": 90.0},
    "cpu warning": {"cpu_warning": False},
    "overloaded throughout": {"overloaded": 90, "judged": 10},
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
    assert judge(GOOD) == Judgment(Verdict.VALID, (), frozenset(), by_overload=True)


def test_the_worst_rule_decides_and_is_named_first() -> None:
    judgment = judge(replace(GOOD, cpu_warning=True, lost_workers=["2"]))
    verdict, reasons = judgment.verdict, judgment.reasons
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
    judgment = judge(replace(GOOD, **evidence))
    found, reasons = judgment.verdict, judgment.reasons
    assert (found, len(reasons)) == (verdict, 1)


def test_coalesced_reads_do_no_harm_where_the_figures_are_bounded() -> None:
    """Neither their share nor the delay of the read makes a run suspect by itself."""
    many = replace(GOOD, coalesced=990, received=1000, generator_delay_p99_ms=20.0, bounded_ms={"p50": (9.0, 7.0)})
    assert judge(many).verdict is Verdict.VALID


@pytest.mark.parametrize(("latency_ms", "earliest_ms"), [(2.5, 0.4), (30.0, 22.0)])
def test_a_figure_that_may_be_much_too_high_is_named_with_its_bound(latency_ms: float, earliest_ms: float) -> None:
    (reason,) = judge(replace(GOOD, bounded_ms={"p99": (latency_ms, earliest_ms)})).reasons
    assert f"the p99 of {latency_ms} ms may be up to {latency_ms - earliest_ms:.1f} ms too high" in reason
