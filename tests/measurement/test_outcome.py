"""The outcome of a run: one word and one exit code from what is known of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtest.exit_codes import ExitCode
from loadtest.measurement.objective_results import ObjectiveCounts, ObjectiveResult
from loadtest.measurement.outcome import CapacityFound, JudgedRun, OutcomeWord, outcome_of
from loadtest.measurement.validity import Doubt, Verdict

PASSED, FAILED, SUSPECT, INVALID = OutcomeWord


def result(figure: str, passed: bool | None) -> ObjectiveResult:
    value = {True: 0.0, False: 3.0, None: None}[passed]
    return ObjectiveResult(f"no {figure}", figure, "", "≤", 0.0, value, passed)


GOOD = result("user_errors", passed=True)
UNKNOWN = result("latency_max_ms", passed=None)
LOSSES = result("lost_while_connected", passed=False)
REFUSED = result("failed_triggers", passed=False)
LEAKS = result("leaked_deliveries", passed=False)
SLOW = result("latency_max_ms", passed=False)
VALID = JudgedRun(Verdict.VALID, objectives=(GOOD, UNKNOWN))
LAGGING = replace(VALID, verdict=Verdict.SUSPECT, reasons=("suspect: slow",), doubts=frozenset((Doubt.TIMES,)))
MISCOUNTED = replace(LAGGING, doubts=frozenset((Doubt.COUNTS,)))
CUT_SHORT = replace(LAGGING, doubts=frozenset())
BROKEN = replace(VALID, verdict=Verdict.INVALID, reasons=("invalid: nothing",))
STRAINED = replace(BROKEN, by_overload=True)
FOUND = CapacityFound(finished=True, limited_by_generator=False, level=50.0)


@pytest.mark.parametrize(
    ("run", "word", "code"),
    [
        (VALID, PASSED, ExitCode.PASSED),
        (replace(VALID, objectives=(GOOD, LOSSES)), FAILED, ExitCode.OBJECTIVE_FAILED),
        (replace(VALID, objectives=(GOOD, SLOW)), FAILED, ExitCode.OBJECTIVE_FAILED),
        (replace(VALID, failed_checks=("check",)), FAILED, ExitCode.CHECK_FAILED),
        (replace(VALID, failed_checks=("check",), objectives=(LOSSES,)), FAILED, ExitCode.CHECK_FAILED),
        (replace(VALID, aborted="too slow"), FAILED, ExitCode.OBJECTIVE_FAILED),
        (replace(VALID, worse=("p99",)), FAILED, ExitCode.WORSE),
        (replace(VALID, worse=("p99",), objectives=(LOSSES,)), FAILED, ExitCode.OBJECTIVE_FAILED),
        (replace(VALID, strict=True), FAILED, ExitCode.OBJECTIVE_FAILED),
        (LAGGING, SUSPECT, ExitCode.RUN_SUSPECT),
        (CUT_SHORT, SUSPECT, ExitCode.RUN_SUSPECT),
        # What failed may be due to what makes the run suspect, or not.
        (replace(LAGGING, objectives=(SLOW,)), SUSPECT, ExitCode.RUN_SUSPECT),
        (replace(LAGGING, objectives=(SLOW, LOSSES)), FAILED, ExitCode.OBJECTIVE_FAILED),
        (replace(MISCOUNTED, objectives=(LOSSES,)), SUSPECT, ExitCode.RUN_SUSPECT),
        (replace(MISCOUNTED, objectives=(SLOW,)), FAILED, ExitCode.OBJECTIVE_FAILED),
        (replace(MISCOUNTED, objectives=(REFUSED,)), FAILED, ExitCode.OBJECTIVE_FAILED),
        (replace(CUT_SHORT, objectives=(SLOW,)), FAILED, ExitCode.OBJECTIVE_FAILED),
        (replace(LAGGING, failed_checks=("check",)), FAILED, ExitCode.CHECK_FAILED),
        (replace(LAGGING, worse=("p99",)), SUSPECT, ExitCode.RUN_SUSPECT),
        (replace(CUT_SHORT, worse=("p99",)), FAILED, ExitCode.WORSE),
        (replace(LAGGING, aborted="too slow"), FAILED, ExitCode.OBJECTIVE_FAILED),
        (BROKEN, INVALID, ExitCode.RUN_INVALID),
        (replace(BROKEN, objectives=(LOSSES,), failed_checks=("check",)), INVALID, ExitCode.RUN_INVALID),
        (replace(BROKEN, lost_workers=1), INVALID, ExitCode.LOST_WORKERS),
        (replace(VALID, lost_workers=1), PASSED, ExitCode.PASSED),
        # A search for the capacity fails objectives on purpose.
        (replace(STRAINED, capacity=FOUND, objectives=(LOSSES, SLOW)), PASSED, ExitCode.PASSED),
        (replace(STRAINED, capacity=FOUND, objectives=(LEAKS,)), FAILED, ExitCode.OBJECTIVE_FAILED),
        (replace(BROKEN, capacity=FOUND), INVALID, ExitCode.RUN_INVALID),
        (replace(BROKEN, capacity=FOUND, lost_workers=1), INVALID, ExitCode.LOST_WORKERS),
        (replace(LAGGING, capacity=FOUND, by_overload=True), PASSED, ExitCode.PASSED),
        (replace(LAGGING, capacity=FOUND, by_overload=True, incomplete=True), SUSPECT, ExitCode.RUN_SUSPECT),
        (replace(LAGGING, capacity=FOUND), SUSPECT, ExitCode.RUN_SUSPECT),
        (replace(VALID, not_compared="x"), FAILED, ExitCode.SETUP_FAILED),
        (replace(LAGGING, worse=("lost",)), FAILED, ExitCode.WORSE),
        (replace(MISCOUNTED, worse=("lost",)), SUSPECT, ExitCode.RUN_SUSPECT),
        (replace(VALID, capacity=FOUND, failed_checks=("check",)), FAILED, ExitCode.CHECK_FAILED),
        (replace(VALID, capacity=replace(FOUND, level=None)), FAILED, ExitCode.OBJECTIVE_FAILED),
        (replace(VALID, by_overload=True, capacity=replace(FOUND, finished=False)), INVALID, ExitCode.RUN_INVALID),
        (
            replace(VALID, by_overload=True, capacity=replace(FOUND, limited_by_generator=True)),
            INVALID,
            ExitCode.RUN_INVALID,
        ),
    ],
)
def test_the_word_and_the_code(run: JudgedRun, word: OutcomeWord, code: ExitCode) -> None:
    outcome = outcome_of(run)
    assert (outcome.word, outcome.code) == (word, code)
    assert (outcome.code == 0) == (outcome.word is PASSED) == (not outcome.why)
    assert outcome.line.startswith(f"{word}: ")
    judged = f"objectives: {ObjectiveCounts.of(run.objectives)}" if run.capacity is None else "passed"
    assert outcome.line.endswith(judged)
    assert "\n" not in outcome.line


def test_a_capacity_that_is_a_lower_bound_says_so() -> None:
    assert outcome_of(replace(VALID, capacity=FOUND)).line == "PASSED: capacity: 50 passed"
    bound = replace(FOUND, lower_bound_only=True)
    assert outcome_of(replace(VALID, capacity=bound)).line == "PASSED: capacity: at least 50 passed"


def test_the_line_names_what_made_the_word_with_its_numbers() -> None:
    outcome = outcome_of(replace(VALID, objectives=(GOOD, LOSSES, SLOW), failed_checks=("check a", "check b")))
    assert outcome.line == (
        "FAILED: check a; check b; no lost_while_connected: 3, limit ≤ 0; 1 more; "
        "objectives: 1 of 3 passed, 2 failed"
    )
    assert outcome_of(VALID).line == "PASSED: objectives: 1 of 2 passed, 1 not measured"
    assert "suspect: slow; no latency_max_ms: 3" in outcome_of(replace(LAGGING, objectives=(SLOW,))).line


def test_everything_that_went_wrong_makes_a_run_worse_or_leaves_it() -> None:
    """No further failure makes a run pass, or an invalid one anything else."""
    wrongs: list[dict[str, object]] = [
        {"objectives": (LOSSES,)},
        {"objectives": (SLOW,)},
        {"failed_checks": ("check",)},
        {"aborted": "x"},
        {"worse": ("p99",)},
        {"strict": True},
    ]
    for run in (VALID, LAGGING, MISCOUNTED, CUT_SHORT, BROKEN):
        before = outcome_of(run).word
        for wrong in wrongs:
            after = outcome_of(replace(run, **wrong)).word  # type: ignore[arg-type]
            assert after is not PASSED
            assert before is not INVALID or after is INVALID
