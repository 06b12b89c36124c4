"""The outcome of a run: one word, from one function over one typed summary.

Whatever shows how a run came out (terminal, exit code, report, Markdown, JUnit, Prometheus, page, gate, nightly)
asks `outcome_of`; of a record, by `recorded_outcome.read_outcome`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from loadtest.exit_codes import ExitCode
from loadtest.measurement.objective_results import ObjectiveCounts, ObjectiveResult
from loadtest.measurement.validity import Doubt, Verdict

if TYPE_CHECKING:
    from loadtest.measurement.expectations import Counts as ExpectationCounts

LOST: Final = "lost"
"""The figure of a comparison that is a count; all others are times."""
_MOST_NAMED: Final = 3
_NEVER_BY_OVERLOAD: Final = frozenset(
    ("duplicate_deliveries", "leaked_deliveries", "corrupt_deliveries", "failed_requests", "user_errors")
)
"""A search for the capacity fails objectives on purpose; not these."""


class OutcomeWord(StrEnum):
    """How a run came out, in one word."""

    PASSED = "PASSED"
    """The run can be trusted; every objective that was measured passed, and every check."""
    FAILED = "FAILED"
    """An objective, a check or the comparison with the baseline failed, or an expected capability is missing."""
    SUSPECT = "SUSPECT"
    """The run's own numbers are doubtful, and what failed, if anything, may be due to that."""
    INVALID = "INVALID"
    """The run did not measure what it set out to measure, or its record cannot be believed."""


@dataclass(frozen=True, slots=True)
class CapacityFound:
    """What the outcome depends on of a search for the capacity: it fails objectives on purpose."""

    finished: bool
    limited_by_generator: bool
    level: float | None
    """The highest level that passed; None if none did."""
    lower_bound_only: bool = False
    """Whether a level passes and no level fails for certain."""


@dataclass(frozen=True, slots=True)
class CheckCounts:
    """How many checks of scenarios came out how."""

    passed: int = 0
    failed: int = 0
    not_checked: int = 0
    skipped: int = 0
    not_supported: int = 0

    def __str__(self) -> str:
        parts = {word.replace("_", " "): count for word, count in asdict(self).items() if count}
        return ", ".join(f"{count} {word}" for word, count in parts.items())


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """Everything that the outcome of a run depends on.

    verdict, reasons: on the run itself, see `validity`.
    doubts: what the reasons put in doubt.
    by_overload: whether overload alone explains every reason.
    incomplete: whether files of the record are missing.
    objectives: how each came out.
    failed_checks: checks that failed or were never made, canaries that saw something else, findings that are as
        severe as the command line allows none to be, expected capabilities that the backend lacks; a line each.
    checks: how the checks of scenarios came out.
    expected: how the expected capabilities came out; None if none were expected.
    lost_workers: workers that sent no totals.
    aborted: why the run was ended early; empty if it was not.
    capacity: None unless it was searched for.
    worse: figures that are worse than the baseline's.
    not_compared: why a nightly run could not be compared with its baseline; empty if nothing was in the way.
    strict: whether an objective that was not measured fails the run.
    """

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    doubts: frozenset[Doubt] = frozenset()
    by_overload: bool = False
    incomplete: bool = False
    objectives: tuple[ObjectiveResult, ...] = ()
    failed_checks: tuple[str, ...] = ()
    checks: CheckCounts = CheckCounts()
    expected: ExpectationCounts | None = None
    lost_workers: int = 0
    aborted: str = ""
    capacity: CapacityFound | None = None
    worse: tuple[str, ...] = ()
    not_compared: str = ""
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run came out.

    why: a line for each thing that made the word, the most important first.
    counts: of the objectives.
    capacity: None unless it was searched for: then objectives do not decide.
    checks, expected: see `JudgedRun`.
    """

    word: OutcomeWord
    code: ExitCode
    why: tuple[str, ...]
    counts: ObjectiveCounts
    capacity: CapacityFound | None = None
    checks: CheckCounts = CheckCounts()
    expected: ExpectationCounts | None = None

    @property
    def line(self) -> str:
        """The outcome in one line, with its word first."""
        if self.capacity is None:
            judged = f"objectives: {self.counts}"
        else:
            level = self.capacity.level
            bound = "at least " if self.capacity.lower_bound_only else ""
            judged = f"capacity: {'no level' if level is None else f'{bound}{level:g}'} passed"
        judged += f"; checks: {checks}" if (checks := str(self.checks)) else ""
        judged += f"; capabilities {self.expected}" if self.expected is not None else ""
        named = "; ".join(self.why[:_MOST_NAMED])
        more = len(self.why) - _MOST_NAMED
        return f"{self.word}: {f'{named}; ' if named else ''}{f'{more} more; ' if more > 0 else ''}{judged}"

    def to_json(self) -> dict[str, Any]:
        """Return the `outcome` of a summary."""
        return {
            "word": self.word.value,
            "exit_code": int(self.code),
            "why": list(self.why),
            "objectives": {
                "passed": self.counts.passed,
                "failed": self.counts.failed,
                "not_measured": self.counts.not_measured,
            },
        }


def outcome_of(run: JudgedRun) -> Outcome:
    """Return how a run came out: the only place that decides it."""
    word, code, why = _decide(run)
    return Outcome(word, code, why, ObjectiveCounts.of(run.objectives), run.capacity, run.checks, run.expected)


def _decide(run: JudgedRun) -> tuple[OutcomeWord, ExitCode, tuple[str, ...]]:
    failed = [one for one in run.objectives if _fails(one, run)]
    doubtful = [one for one in failed if _is_in_doubt(one, run)]
    certain = [one for one in failed if one not in doubtful]
    why = (
        *((f"ended early: {run.aborted}",) if run.aborted else ()),
        # A failed check decides the exit code, so it comes before failed objectives.
        *run.failed_checks,
        *(_why_failed(one) for one in failed),
        *_capacity_failures(run.capacity),
        *(f"worse than the baseline: {figure}" for figure in run.worse),
    )
    surely_worse = any(not _is_worse_in_doubt(figure, run) for figure in run.worse)
    fails_surely = certain or run.failed_checks or run.aborted or surely_worse or _nothing_passed(run.capacity)
    expected = run.capacity is not None and run.by_overload and not run.incomplete
    if _is_invalid(run):
        code = ExitCode.LOST_WORKERS if run.lost_workers else ExitCode.RUN_INVALID
        return OutcomeWord.INVALID, code, (*_untrusted(run), *why)
    if run.not_compared:
        not_compared = f"not compared with the baseline: {run.not_compared}"
        return OutcomeWord.FAILED, ExitCode.SETUP_FAILED, (not_compared, *why)
    if not fails_surely and run.verdict is Verdict.SUSPECT and not expected:
        return OutcomeWord.SUSPECT, ExitCode.RUN_SUSPECT, (*run.reasons, *why)
    if run.failed_checks:
        return OutcomeWord.FAILED, ExitCode.CHECK_FAILED, why
    if failed or run.aborted or _nothing_passed(run.capacity):
        return OutcomeWord.FAILED, ExitCode.OBJECTIVE_FAILED, why
    if run.worse:
        return OutcomeWord.FAILED, ExitCode.WORSE, why
    return OutcomeWord.PASSED, ExitCode.PASSED, why


def _fails(result: ObjectiveResult, run: JudgedRun) -> bool:
    if run.capacity is not None and result.figure not in _NEVER_BY_OVERLOAD:
        return False
    return result.passed is False or (run.strict and result.passed is None)


def _why_failed(result: ObjectiveResult) -> str:
    if result.passed is None:
        return f"{result.title}: {result.word}"
    return f"{result.title}: {_shown(result.value)}, limit {result.comparison} {_shown(result.limit)}"


def _is_invalid(run: JudgedRun) -> bool:
    if run.capacity is not None and run.by_overload:
        return not run.capacity.finished or run.capacity.limited_by_generator
    return run.verdict is Verdict.INVALID


def _is_in_doubt(result: ObjectiveResult, run: JudgedRun) -> bool:
    """Return whether what makes the run suspect may be what failed the objective."""
    if result.is_about_time:
        return Doubt.TIMES in run.doubts
    return result.is_about_deliveries and Doubt.COUNTS in run.doubts


def _is_worse_in_doubt(figure: str, run: JudgedRun) -> bool:
    return (Doubt.COUNTS if figure == LOST else Doubt.TIMES) in run.doubts


def _nothing_passed(capacity: CapacityFound | None) -> bool:
    return capacity is not None and capacity.level is None


def _capacity_failures(capacity: CapacityFound | None) -> tuple[str, ...]:
    return ("no level of the capacity search passed",) if _nothing_passed(capacity) else ()


def _untrusted(run: JudgedRun) -> tuple[str, ...]:
    if run.capacity is not None and run.by_overload:
        limited = run.capacity.limited_by_generator
        return ("the load generator was the bottleneck" if limited else "the search was cut off",)
    return run.reasons


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"
