"""The outcome of a record: read from its fields, which have to agree with each other and with what it states.

A record states its outcome beside the fields that the outcome follows from. So a record in which either was
changed is found out, and no damage makes a failed run pass.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

from loadtest.exit_codes import ExitCode
from loadtest.measurement import expectations
from loadtest.measurement.objective_results import (
    ObjectiveCounts,
    ObjectiveResult,
    RecordFieldError,
    damaged,
    results_in,
    value_of,
)
from loadtest.measurement.objectives import is_number
from loadtest.measurement.outcome import CapacityFound, CheckCounts, JudgedRun, Outcome, OutcomeWord, outcome_of
from loadtest.measurement.validity import VERDICTS, Doubt, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_BAD_CHECKS: Final = frozenset(("failed", "not checked"))
_CHECKS: Final = tuple(field.name.replace("_", " ") for field in fields(CheckCounts))
_GOOD_CANARIES: Final = frozenset(("sees the same", "not supported"))

COMPARISON_FILE: Final = "comparison.json"
"""In a record: how the run compares with the baseline of its load, see `BaselineComparison`."""


@dataclass(frozen=True, slots=True)
class BaselineComparison:
    """How a nightly run compares with its baseline.

    baseline: ids of the baseline's runs.
    worse: figures that are worse than the baseline's, surely enough to fail the run.
    line: the comparison in words.
    problem: why they could not be compared; empty if nothing was in the way.
    """

    baseline: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()
    line: str = ""
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what `COMPARISON_FILE` has."""
        return {
            "baseline": list(self.baseline),
            "worse": list(self.worse),
            "line": self.line,
            "problem": self.problem,
        }

    @classmethod
    def from_json(cls, document: Any) -> BaselineComparison:
        """Read what `COMPARISON_FILE` has.

        :raises RecordFieldError: if a field is missing or of another type.
        """
        if not isinstance(document, dict):
            damaged(COMPARISON_FILE, "an object", document)
        lists = _texts(document, "baseline"), _texts(document, "worse")
        return cls(*lists, _text(document, "line"), _text(document, "problem"))


def judged_run(summary: Mapping[str, Any]) -> JudgedRun:
    """Read what the outcome depends on from a run's summary, but for what it states.

    :raises RecordFieldError: if a field is missing, of another type, or contradicts another one.
    """
    validity = _object(summary, "validity")
    named = _text(validity, "validity.verdict")
    if named not in VERDICTS:
        damaged("validity.verdict", f"one of {', '.join(VERDICTS)}", named)
    verdict = VERDICTS[named]
    reasons = _texts(validity, "validity.reasons")
    if (verdict is Verdict.VALID) != (not reasons):
        expected = "reasons for a suspect or invalid verdict, and none for a valid one"
        damaged("validity.reasons", expected, list(reasons))
    doubts = _texts(validity, "validity.doubts")
    if unknown := set(doubts) - set(Doubt):
        damaged("validity.doubts", f"some of {', '.join(Doubt)}", sorted(unknown))
    _list(summary, "slo")
    objectives = results_in(summary)
    _check_values(summary, objectives)
    if _count(summary, "lost_workers") and verdict is not Verdict.INVALID:
        damaged("lost_workers", f"0 in a run that is {named}", summary["lost_workers"])
    return JudgedRun(
        verdict,
        reasons,
        frozenset(map(Doubt, doubts)),
        by_overload=_bool(validity, "validity.by_overload"),
        objectives=objectives,
        failed_checks=_failed_checks(summary),
        checks=_check_counts(summary),
        expected=_expected(summary),
        lost_workers=_count(summary, "lost_workers"),
        aborted=_text(summary, "aborted"),
        capacity=_capacity(summary),
    )


def _check_values(summary: Mapping[str, Any], objectives: Sequence[ObjectiveResult]) -> None:
    """Make sure that objectives were judged by the figures that the summary has."""
    for result in objectives:
        # A file of objectives may name phases and events that a run does not have.
        if result.value is None:
            continue
        value = value_of(summary, result.figure, result.phase)
        if value != result.value:
            damaged(f"the value of {result.title!r}", f"{value} as in the summary", result.value)


def _failed_checks(summary: Mapping[str, Any]) -> tuple[str, ...]:
    lines = [
        f"expected capability missing: {row['capability']}"
        for row in _expected_rows(summary)
        if row["outcome"] == expectations.Result.FAILED
    ]
    lines += [
        f"check {row['outcome']}: {_text(row, 'scenario')}: {_text(row, 'check')}"
        for row in _rows(summary, "conformance")
        if _text(row, "outcome") in _BAD_CHECKS
    ]
    lines += [
        f"canary {_text(row, 'name')} {row['outcome']}"
        for row in _rows(summary, "canaries")
        if _text(row, "outcome") not in _GOOD_CANARIES
    ]
    lines += [f"finding: {finding}" for finding in _texts(summary, "severe_findings")]
    if _bool(summary, "conformance_holds") != (not lines):
        damaged("conformance_holds", f"{not lines} by the checks", summary["conformance_holds"])
    return tuple(lines)


def _check_counts(summary: Mapping[str, Any]) -> CheckCounts:
    words = Counter(_text(row, "outcome") for row in _rows(summary, "conformance"))
    if unknown := sorted(set(words) - set(_CHECKS)):
        damaged("conformance.outcome", f"one of {', '.join(_CHECKS)}", unknown[0])
    return CheckCounts(*(words[word] for word in _CHECKS))


def _expected(summary: Mapping[str, Any]) -> expectations.Counts | None:
    if summary.get(expectations.FIELD) is None:
        return None
    found = _object(summary, expectations.FIELD)
    source = _text(found, f"{expectations.FIELD}.source")
    return expectations.counts({"source": source, "capabilities": _expected_rows(summary)})


def _expected_rows(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the expected capabilities, which came out as the answers of the backend say."""
    if summary.get(expectations.FIELD) is None:
        return []
    rows = _rows(_object(summary, expectations.FIELD), f"{expectations.FIELD}.capabilities")
    answers = _object(summary, "capabilities")
    for row in rows:
        name = _text(row, f"{expectations.FIELD}.capability")
        answer = _object(answers, name)
        yes, to_find_out = answer.get("yes"), _text(answer, f"capabilities.{name}.to_find_out")
        if not (yes is None or isinstance(yes, bool)):
            damaged(f"capabilities.{name}.yes", "true, false or null", yes)
        result = expectations.result_of(yes, to_find_out)
        if row.get("outcome") != result:
            damaged(f"{expectations.FIELD}: {name}", f"{result} by the answers of the backend", row.get("outcome"))
    return rows


def _capacity(summary: Mapping[str, Any]) -> CapacityFound | None:
    if "capacity" not in summary:
        damaged("capacity", "an object or null", "nothing")
    if summary["capacity"] is None:
        return None
    found = _object(summary, "capacity")
    level = found.get("max_passing")
    if "max_passing" not in found or not (level is None or is_number(level)):
        damaged("capacity.max_passing", "a number or null", level)
    lost = sum(_count(trial, "lost") for trial in _rows(found, "capacity.trials"))
    if lost > (lost_in_all := _count(_object(summary, "deliveries"), "lost")):
        damaged("capacity.trials", f"no more lost deliveries than in the run, {lost_in_all}", lost)
    return CapacityFound(
        _bool(found, "capacity.finished"),
        _bool(found, "capacity.limited_by_generator"),
        level,
        _bool(found, "capacity.lower_bound_only"),
    )


def read_outcome(
    summary: Mapping[str, Any], comparison: BaselineComparison | None = None, *, incomplete: Iterable[str] = ()
) -> Outcome:
    """Return the outcome of a record; one that cannot be believed is INVALID, with the field that shows it.

    :param comparison: with the baseline of the run's load; None if there was none.
    :param incomplete: what is missing in the record's other files, a line each: then a run does not pass.
    """
    try:
        run = checked_run(summary)
    except RecordFieldError as error:
        return unreadable(f"the record is damaged: {error}")
    run = without_files(run, incomplete)
    compared = comparison or BaselineComparison()
    return outcome_of(replace(run, worse=compared.worse, not_compared=compared.problem))


def without_files(run: JudgedRun, incomplete: Iterable[str]) -> JudgedRun:
    """Return a run that does not pass if files of its record are missing.

    :param incomplete: what is missing, a line each.
    """
    reasons = tuple(f"suspect: the record is not whole: {line}" for line in incomplete)
    if not reasons or run.verdict is Verdict.INVALID:
        return run
    return replace(run, verdict=Verdict.SUSPECT, reasons=(*run.reasons, *reasons), incomplete=True)


def checked_run(summary: Mapping[str, Any]) -> JudgedRun:
    """Read what the outcome depends on from a run's summary, which has to state the outcome that follows from it.

    :raises RecordFieldError: if a field is missing, of another type, or contradicts another one.
    """
    run = judged_run(summary)
    _check_stated(summary, outcome_of(run))
    return run


def unreadable(why: str) -> Outcome:
    """Return the outcome of a record that says nothing, or contradicts itself."""
    return Outcome(OutcomeWord.INVALID, ExitCode.RUN_INVALID, (why,), ObjectiveCounts(0, 0, 0))


def _check_stated(summary: Mapping[str, Any], outcome: Outcome) -> None:
    """Make sure that the record's fields lead to the outcome that it states."""
    stated = _object(summary, "outcome")
    for name, value in outcome.to_json().items():
        if name != "why" and stated.get(name) != value:
            damaged(f"outcome.{name}", f"{value} by the other fields", stated.get(name))


def _object(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = holder.get(name)
    if not isinstance(found, dict):
        damaged(name, "an object", found)
    return found


def _list(holder: Mapping[str, Any], name: str) -> list[Any]:
    found = holder.get(name.rpartition(".")[2])
    if not isinstance(found, list):
        damaged(name, "a list", found)
    return found


def _rows(holder: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = _list(holder, name)
    if not all(isinstance(row, dict) for row in found):
        damaged(name, "a list of objects", found)
    return found


def _texts(holder: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = _list(holder, name)
    if not all(isinstance(one, str) for one in found):
        damaged(name, "a list of texts", found)
    return tuple(found)


def _text(holder: Mapping[str, Any], name: str) -> str:
    found = holder.get(name.rpartition(".")[2])
    if not isinstance(found, str):
        damaged(name, "a text", found)
    return found


def _bool(holder: Mapping[str, Any], name: str) -> bool:
    found = holder.get(name.rpartition(".")[2])
    if not isinstance(found, bool):
        damaged(name, "true or false", found)
    return found


def _count(holder: Mapping[str, Any], name: str) -> int:
    found = holder.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        damaged(name, "a whole number from 0", found)
    return found
