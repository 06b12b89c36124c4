"""Judges a record by objectives, later and without running anything again."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from exit_codes import ExitCode
from faults import Fault, Owner
from measure import slo

from .headline import slo_outcome
from .numbers import number

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def objectives(path: Path) -> list[slo.Objective]:
    """The objectives of a file.

    :raises Fault: if it cannot be read, or is not right, or has none.
    """
    try:
        found = slo.parse(tomllib.loads(path.read_text(encoding="utf-8")), str(path))
    except OSError as error:
        raise Fault(Owner.USER, f"cannot read {path}: {error.strerror}", "Check --slo.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Fault(Owner.USER, f"{path} is no TOML: {error}", "Check --slo.") from error
    if not found:
        raise Fault(Owner.USER, f"{path} has no objective", "Write [[slo]] rows; see docs/reports.md.")
    return found


def judge(
    summary: Mapping[str, Any], wanted: list[slo.Objective], baseline: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """The objectives' rows, as in a summary; those for when it is asked for are judged if the run was asked.

    :raises Fault: if one needs a baseline and there is none, or one that is not valid; if none is left to judge.
    """
    if any(objective.relative for objective in wanted):
        if baseline is None:
            raise Fault(
                Owner.USER, "an objective is relative, and there is no baseline", "Give --baseline RECORD."
            )
        if (verdict := baseline["validity"]["verdict"]) != "valid":
            raise Fault(
                Owner.USER, f"the baseline {baseline['run_id']} is {verdict}", "Give a valid run as --baseline."
            )
    optional = {objective.figure for objective in wanted if objective.when_asked}
    asked = {row["figure"]: row["limit"] for row in summary["slo"] if row["figure"] in optional}
    valid = summary["validity"]["verdict"] == "valid"
    rows = slo.judge(wanted, summary, asked, valid=valid, baseline=baseline)
    if not rows:
        raise Fault(
            Owner.USER,
            f"the run was not asked for {', '.join(sorted(optional))}",
            "Leave out when_asked, and it is judged all the same.",
        )
    return rows


def exit_code(summary: Mapping[str, Any], rows: list[dict[str, Any]], *, strict: bool) -> ExitCode:
    """The code of a record and its objectives.

    :param strict: whether what was not measured fails.
    """
    verdict = summary["validity"]["verdict"]
    if verdict != "valid":
        return ExitCode.RUN_INVALID if verdict == "invalid" else ExitCode.RUN_SUSPECT
    failed = any(row["passed"] is False or (strict and row["passed"] is None) for row in rows)
    return ExitCode.SLO_VIOLATED if failed else ExitCode.PASSED


def text(summary: Mapping[str, Any], rows: list[dict[str, Any]]) -> str:
    """For the terminal."""
    verdict = summary["validity"]["verdict"]
    lines = [f"Run {summary['run_id']}: {verdict}", *(f"  {reason}" for reason in summary["validity"]["reasons"])]
    for row in rows:
        name = f"{row['name']} ({row['phase']})" if row["phase"] else row["name"]
        limit = f"{row['comparison']} {number(row['limit'])}"
        lines.append(f"{name:44}{number(row['value']):>10} {limit:<12} {slo_outcome(row, verdict)}")
    return "\n".join(lines)
