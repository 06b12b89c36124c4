"""Judges a record by objectives, later and without running anything again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loadtest.errors import Fault, Owner
from loadtest.measurement import objective_results, objectives
from loadtest.measurement.objective_results import RecordFieldError
from loadtest.measurement.outcome import outcome_of
from loadtest.measurement.recorded_outcome import (
    BaselineComparison,
    checked_run,
    read_outcome,
    unreadable,
    without_files,
)
from loadtest.reports.numbers import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from loadtest.measurement.objective_results import ObjectiveResult
    from loadtest.measurement.objectives import Objective
    from loadtest.measurement.outcome import Outcome


def read_objectives(path: Path) -> list[Objective]:
    """Return the objectives of a file, with those that hold for every run.

    :raises Fault: if it cannot be read, or is not right.
    """
    try:
        return objectives.parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise Fault(Owner.USER, f"cannot read {path}: {error.strerror}", "Check --slo.") from error
    except UnicodeDecodeError as error:
        raise Fault(Owner.USER, f"{path} is not UTF-8: {error}", "Check --slo.") from error


def judge(
    summary: Mapping[str, Any],
    wanted: Sequence[Objective],
    baseline: Mapping[str, Any] | None,
    *,
    comparison: BaselineComparison | None = None,
    incomplete: Sequence[str] = (),
    strict: bool = False,
) -> tuple[Outcome, list[ObjectiveResult]]:
    """Judge a record; objectives that a run is asked for are judged if the run was asked.

    A record that lacks a field which an objective needs, or contradicts itself, is INVALID.

    :param summary: as it was written.
    :param comparison: with the baseline of the run's load, as a nightly run found.
    :param incomplete: what is missing in the record's other files, a line each.
    :param strict: whether an objective that was not measured fails.
    :raises Fault: if a relative objective has no baseline, or one that is not valid; if nothing is left to judge.
    """
    if any(objective.relative for objective in wanted):
        _check_baseline(baseline)
    try:
        run = without_files(checked_run(summary), incomplete)
        results = objective_results.judge(wanted, summary, _asked(summary, wanted), baseline=baseline)
    except RecordFieldError as error:
        return unreadable(f"the record does not have what the objectives need: {error}"), []
    own = [objective for objective in wanted if not objective.built_in]
    if own and all(result.built_in for result in results):
        raise Fault(
            Owner.USER,
            f"the run was started without a limit for {', '.join(sorted({one.figure for one in own}))}",
            "Remove when_asked to judge it anyway.",
        )
    compared = comparison or BaselineComparison()
    run = replace(
        run, objectives=tuple(results), worse=compared.worse, not_compared=compared.problem, strict=strict
    )
    return outcome_of(run), results


def _check_baseline(baseline: Mapping[str, Any] | None) -> None:
    if baseline is None:
        raise Fault(Owner.USER, "an objective is relative, and there is no baseline", "Give --baseline RECORD.")
    try:
        verdict = checked_run(baseline).verdict.label
    except RecordFieldError as error:
        verdict = f"damaged: {error}"
    if verdict != "valid":
        raise Fault(
            Owner.USER, f"the baseline {baseline.get('run_id')} is {verdict}", "Give a valid run as --baseline."
        )


def _asked(summary: Mapping[str, Any], wanted: Sequence[Objective]) -> dict[str, float]:
    """Return the limits that the run was asked for, by figure."""
    optional = {objective.figure for objective in wanted if objective.when_asked}
    return {row["figure"]: row["limit"] for row in summary["slo"] if row["figure"] in optional}


def text(summary: Mapping[str, Any], outcome: Outcome, results: Sequence[ObjectiveResult]) -> str:
    """Return what the terminal shows: the outcome is the last line."""
    lines = [f"Run {summary.get('run_id')}, as it ended: {read_outcome(summary).line}"]
    for result in results:
        limit = f"{result.comparison} {number(result.limit)}"
        lines.append(f"{result.title:48}{number(result.value):>10} {limit:<12} {result.word}")
    return "\n".join([*lines, outcome.line])
