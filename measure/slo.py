"""Service level objectives: read from a file, judged against a run's figures."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from faults import Fault, Owner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FIGURES: Final = {
    "connect_20_ms": "the slowest 20 connects that were under way together, first start to last finish",
    "failures_at_50_connections": "connects and joins that failed, in a run that held 50 connections or more",
    "latency_mean_ms": "mean delivery latency over all timed events",
    "latency_max_ms": "largest delivery latency over all timed events",
    "delivery_percent": "delivered of expected, in rooms with 20 members or more",
    "events_per_s_per_client": "events received a second by each connected client, mean over the run",
}
"""Figure -> what it is."""

_COMPARISONS: Final[Mapping[str, tuple[str, Callable[[float, float], bool]]]] = {
    "below": ("<", operator.lt),
    "above": (">", operator.gt),
    "at_most": ("≤", operator.le),
    "at_least": ("≥", operator.ge),
}


@dataclass(frozen=True, slots=True)
class Objective:
    """One objective: `figure` compared with `limit`."""

    name: str
    figure: str
    comparison: str
    limit: float
    when_asked: bool = False


def parse(document: Mapping[str, Any], source: str) -> list[Objective]:
    """The objectives of a parsed TOML file.

    :param source: the file's name, for the error.
    :raises Fault: if a row is not right.
    """
    objectives = []
    for number, row in enumerate(document.get("slo", []), 1):
        comparisons = [name for name in _COMPARISONS if name in row]
        unknown = set(row) - {"name", "figure", "when_asked", *_COMPARISONS}
        if row.get("figure") not in FIGURES or len(comparisons) != 1 or unknown or not row.get("name"):
            raise Fault(
                Owner.USER,
                f"{source}: [[slo]] number {number} is not right: {dict(row)}",
                f"Give it a name, one figure of {', '.join(FIGURES)}, and one of {', '.join(_COMPARISONS)}.",
            )
        (comparison,) = comparisons
        objectives.append(
            Objective(
                row["name"],
                row["figure"],
                comparison,
                float(row[comparison]),
                when_asked=bool(row.get("when_asked", False)),
            )
        )
    return objectives


def judge(
    objectives: list[Objective],
    figures: Mapping[str, float | None],
    asked: Mapping[str, float],
    *,
    valid: bool,
) -> list[dict[str, Any]]:
    """Judge a run.

    :param figures: None for what the run did not measure.
    :param asked: figure -> limit, for the objectives that are judged only when asked for.
    :param valid: whether the run's numbers can be trusted: an objective passes only on a valid run.
    :returns: {name, figure, comparison, limit, value, passed}; `passed` is None if there is no value.
    """
    rows = []
    for objective in objectives:
        if objective.when_asked and objective.figure not in asked:
            continue
        limit = asked.get(objective.figure, objective.limit)
        value = figures.get(objective.figure)
        sign, holds = _COMPARISONS[objective.comparison]
        rows.append(
            {
                "name": objective.name,
                "figure": objective.figure,
                "comparison": sign,
                "limit": limit,
                "value": value,
                "passed": None if value is None else valid and holds(value, limit),
            }
        )
    return rows
