"""The outcome of a record: no damage to a record of a run that failed makes it pass."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from loadtest.exit_codes import ExitCode
from loadtest.measurement.objectives import DEFAULTS, parse
from loadtest.measurement.outcome import CapacityFound, OutcomeWord
from loadtest.measurement.recorded_outcome import (
    BaselineComparison,
    RecordFieldError,
    checked_run,
    judged_run,
    read_outcome,
)
from loadtest.measurement.summary import with_outcome

from .damage import mutants
from .runs import fleet_of, whole_summary

LATENCY: Final = '[[slo]]\nname = "latency"\nfigure = "latency_p99_ms"\nbelow = {}\n'
PASSING: Final = whole_summary(fleet_of(calm=True))
LOSSES: Final = whole_summary(fleet_of())
SLOW: Final = whole_summary(fleet_of(calm=True), objectives=parse(LATENCY.format(1), ""))
NOTHING: Final = whole_summary(fleet_of({"due": 0, "sent": 0, "internal_errors": 1}, calm=True))
MUTATIONS: Final = 10_000
SEARCHED: Final = {
    "finished": True,
    "limited_by_generator": False,
    "max_passing": 500.0,
    "lower_bound_only": True,
    "trials": [],
}


def test_a_record_says_how_its_run_came_out() -> None:
    assert read_outcome(PASSING).word is OutcomeWord.PASSED
    assert read_outcome(LOSSES).word is OutcomeWord.FAILED
    assert read_outcome(SLOW).code is ExitCode.OBJECTIVE_FAILED
    assert read_outcome(NOTHING).word is OutcomeWord.INVALID
    assert list(PASSING)[:2] == ["schema", "outcome"]
    assert json.loads(json.dumps(PASSING)) == PASSING


def test_a_search_and_its_run_agree_on_what_was_lost() -> None:
    """Its trials may have lost at most as many deliveries as the run."""
    searched = LOSSES | {"capacity": SEARCHED | {"trials": [{"lost": LOSSES["deliveries"]["lost"]}]}}
    assert judged_run(searched).capacity == CapacityFound(
        finished=True, limited_by_generator=False, level=500.0, lower_bound_only=True
    )
    searched["capacity"]["trials"].append({"lost": 1})
    with pytest.raises(RecordFieldError, match="no more lost deliveries than in the run"):
        judged_run(searched)


def test_what_a_failed_run_lost_is_in_its_line() -> None:
    assert "no delivery lost while connected: 6, limit ≤ 0" in read_outcome(LOSSES).line
    assert "no leaked delivery: 3, limit ≤ 0" in read_outcome(LOSSES).line


def test_a_run_that_is_worse_than_its_baseline_fails() -> None:
    assert read_outcome(PASSING, BaselineComparison(worse=("p99",))).code is ExitCode.WORSE
    assert read_outcome(LOSSES, BaselineComparison(worse=("p99",))).code is ExitCode.OBJECTIVE_FAILED


def test_a_nightly_run_that_could_not_be_compared_fails() -> None:
    outcome = read_outcome(PASSING, BaselineComparison(problem="it took too long"))
    assert (outcome.word, outcome.code) == (OutcomeWord.FAILED, ExitCode.SETUP_FAILED)
    assert outcome.why == ("not compared with the baseline: it took too long",)
    assert read_outcome(NOTHING, BaselineComparison(problem="x")).word is OutcomeWord.INVALID


def test_a_record_that_is_not_whole_does_not_pass() -> None:
    outcome = read_outcome(PASSING, incomplete=["there is no rooms.csv"])
    assert (outcome.word, outcome.why) == (
        OutcomeWord.SUSPECT,
        ("suspect: the record is not whole: there is no rooms.csv",),
    )
    assert read_outcome(LOSSES, incomplete=["x"]).word is OutcomeWord.FAILED


EXPECTED_PING = {"capability": "ping", "outcome": "failed", "evidence": "no pong", "hint": "Answer ping."}
EXPECTED: dict[str, Any] = {"source": "documented", "capabilities": [EXPECTED_PING], "not_expected": []}
LACKING: dict[str, Any] = {"capabilities": {"ping": {"yes": False, "evidence": "no pong", "to_find_out": ""}}}


def test_what_is_expected_and_missing_fails_and_stays_failed() -> None:
    """Neither a change to the row nor its removal makes the record pass."""
    lacking = with_outcome(PASSING | LACKING | {"expectations": EXPECTED, "conformance_holds": False})
    outcome = read_outcome(lacking)
    assert outcome.code is ExitCode.CHECK_FAILED
    assert outcome.line.startswith("FAILED: expected capability missing: ping; ")
    assert outcome.line.endswith("; capabilities expected by documented: 0 of 1 passed, 1 failed")
    passed = EXPECTED | {"capabilities": [EXPECTED_PING | {"outcome": "passed"}]}
    for damage in ({"expectations": None}, {"expectations": passed}, {"conformance_holds": True}):
        assert read_outcome(lacking | damage).word is OutcomeWord.INVALID


def test_checks_are_counted_in_the_line() -> None:
    row = {"scenario": "s", "check": "c"}
    rows = [row | {"outcome": word} for word in ("passed", "passed", "not supported", "skipped")]
    outcome = read_outcome(with_outcome(PASSING | {"conformance": rows}))
    assert outcome.word is OutcomeWord.PASSED
    assert outcome.line.endswith("; checks: 2 passed, 1 skipped, 1 not supported")


@pytest.mark.parametrize(
    "damage",
    [
        {"validity": {"verdict": "valid", "reasons": []}},
        {"validity": {"verdict": "suspect", "reasons": [], "doubts": [], "by_overload": True}},
        {"validity": {"verdict": "invalid", "reasons": ["x"], "doubts": [], "by_overload": True}},
        {"validity": {"verdict": "excellent", "reasons": [], "doubts": [], "by_overload": True}},
        {"validity": {"verdict": "suspect", "reasons": ["x"], "doubts": ["everything"], "by_overload": True}},
        {"slo": []},
        {"slo": [None]},
        {"slo": PASSING["slo"][1:]},
        {"conformance_holds": False},
        {"conformance": [{"outcome": "failed", "scenario": "s", "check": "c"}]},
        {"conformance": [{"outcome": "pased", "scenario": "s", "check": "c"}]},
        {"expectations": {"source": "x", "capabilities": [{"capability": "ping", "outcome": "failed"}]}},
        {**LACKING, "expectations": EXPECTED},
        {**LACKING, "expectations": EXPECTED | {"capabilities": [EXPECTED_PING | {"outcome": "passed"}]}},
        {**LACKING, "expectations": EXPECTED | {"capabilities": None}},
        {**LACKING, "expectations": EXPECTED | {"source": None}, "conformance_holds": False},
        {"capabilities": {"ping": {"yes": "no", "to_find_out": ""}}, "expectations": EXPECTED},
        {"canaries": [{"outcome": "differs", "name": "n"}]},
        {"severe_findings": ["a hole"]},
        {"lost_workers": -1},
        {"lost_workers": None},
        {"aborted": "too slow"},
        {"aborted": None},
        {"capacity": {}},
        {"capacity": {"finished": True, "limited_by_generator": False, "max_passing": "many"}},
        {"capacity": SEARCHED | {"lower_bound_only": None}},
        {"capacity": SEARCHED | {"trials": [{"lost": None}]}},
        {"capacity": SEARCHED | {"trials": [{"lost": 5}, {"lost": 6}]}, "deliveries": {"lost": 10}},
        {"outcome": {}},
        {"outcome": PASSING["outcome"] | {"exit_code": 4}},
        {"outcome": PASSING["outcome"] | {"word": "FAILED"}},
        {"figures": PASSING["figures"] | {"lost_while_connected": 1.0}},
        {"figures": {}},
    ],
)
def test_a_record_that_contradicts_itself_is_invalid(damage: dict[str, Any]) -> None:
    outcome = read_outcome(PASSING | damage)
    assert (outcome.word, outcome.code) == (OutcomeWord.INVALID, ExitCode.RUN_INVALID)
    (why,) = outcome.why
    assert why.startswith("the record is damaged: ")
    with pytest.raises(RecordFieldError):
        checked_run(PASSING | damage)


@pytest.mark.parametrize(
    "field", list(PASSING["outcome"]) and ["outcome", "slo", "validity", "capacity", "figures"]
)
def test_a_field_that_the_outcome_needs_cannot_be_missing(field: str) -> None:
    assert read_outcome({name: value for name, value in PASSING.items() if name != field}).word == "INVALID"


@pytest.mark.parametrize("failed", [LOSSES, SLOW, NOTHING], ids=["losses", "slow", "invalid"])
def test_no_mutation_of_a_record_makes_a_failed_run_pass(failed: dict[str, Any]) -> None:
    words = [read_outcome(mutant).word for mutant in mutants(failed, MUTATIONS // 2, seed=1)]
    assert OutcomeWord.PASSED not in words
    # The mutations reach what the outcome depends on, and not only what it does not look at.
    assert words.count(OutcomeWord.INVALID) > len(words) // 4


def test_a_mutation_of_a_record_that_passed_changes_no_word_but_to_invalid() -> None:
    words = {read_outcome(mutant).word for mutant in mutants(PASSING, 2000, seed=2)}
    assert words == {OutcomeWord.PASSED, OutcomeWord.INVALID}


@pytest.mark.parametrize(
    "damage", [None, [], {}, {"baseline": [], "worse": "p99", "line": "", "problem": ""}, {"baseline": [1]}]
)
def test_a_damaged_comparison_is_an_error(damage: Any) -> None:
    with pytest.raises(RecordFieldError):
        BaselineComparison.from_json(damage)


def test_a_comparison_is_read_back_as_it_was() -> None:
    said = BaselineComparison(("a", "b"), ("p99",), "against 2 earlier runs: worse: p99")
    assert BaselineComparison.from_json(said.to_json()) == said
    assert all(default.built_in for default in DEFAULTS)
