"""Service level objectives: read from a file, judged against a run's figures."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from faults import Fault, Owner

from .figures import FIGURES, PHASE_FIGURES
from .latency import QUANTILES_PER_100K
from .presence import Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_COMPARISONS: Final[Mapping[str, tuple[str, Callable[[float, float], bool]]]] = {
    "below": ("<", operator.lt),
    "above": (">", operator.gt),
    "at_most": ("≤", operator.le),
    "at_least": ("≥", operator.ge),
}
TIMES_BASELINE: Final = "_times_baseline"
"""After a comparison: its limit is so many times what the baseline has."""
_TIMES: Final = "|".join(("count", "mean", *QUANTILES_PER_100K, "max"))
_COUNTS: Final = "|".join((*Counts.__slots__, "uncounted", "corrupt", "foreign"))
_PATHS: Final = re.compile(
    rf"(latency_ms|latency_across_clocks_ms|connect_phases_ms|answers_ms)\.[^.]+\.({_TIMES})"
    rf"|(fan_out|replay|connect|join|trigger|loop_lag|generator_delay|gc_pause)_ms\.({_TIMES}|failed)"
    rf"|deliveries\.({_COUNTS})"
    r"|triggers\.(due|sent|missed|refused|failed)|connections\.(most|lost|reconnects)"
    r"|memory\.(backend|generator)\.(mb|mb_per_hour|low_mb_per_hour|high_mb_per_hour)"
)
_PHASE_PATHS: Final = re.compile(
    rf"latency_ms\.[^.]+\.({_TIMES})|(fan_out|connect|join|trigger)_ms\.({_TIMES})"
    r"|deliveries\.(expected|delivered|lost)"
)


@dataclass(frozen=True, slots=True)
class Objective:
    """One objective: `figure` compared with `limit`.

    figure: one of `figures.FIGURES`, or the way to a number in summary.json, e.g. `latency_ms.agentLog.p99`.
    phase: of the run; empty for all of it. relative: whether the limit is so many times the baseline's.
    """

    name: str
    figure: str
    comparison: str
    limit: float
    when_asked: bool = False
    phase: str = ""
    relative: bool = False


def parse(document: Mapping[str, Any], source: str) -> list[Objective]:
    """The objectives of a parsed TOML file.

    :param source: the file's name, for the error.
    :raises Fault: if a row is not right.
    """
    if unknown := set(document) - {"slo"}:
        raise Fault(Owner.USER, f"{source}: there is no {', '.join(sorted(unknown))}", "Write [[slo]] rows only.")
    return [
        _objective(row, f"{source}: [[slo]] number {number}")
        for number, row in enumerate(document.get("slo", []), 1)
    ]


def _objective(row: Mapping[str, Any], place: str) -> Objective:
    words = [*_COMPARISONS, *(word + TIMES_BASELINE for word in _COMPARISONS)]
    given = [word for word in words if word in row]
    unknown = set(row) - {"name", "figure", "phase", "when_asked", *words}
    figure, phase = str(row.get("figure", "")), str(row.get("phase", ""))
    known = figure in (PHASE_FIGURES if phase else FIGURES) or (_PHASE_PATHS if phase else _PATHS).fullmatch(
        figure
    )
    if not known:
        raise Fault(
            Owner.USER,
            f"{place}: there is no figure {figure!r}{' of a phase' if phase else ''}",
            f"Give one of {', '.join(PHASE_FIGURES if phase else FIGURES)}, or a way such as "
            "latency_ms.agentLog.p99; see docs/reports.md.",
        )
    if len(given) != 1 or unknown or not row.get("name") or not _is_number(row[given[0]]):
        raise Fault(
            Owner.USER,
            f"{place} is not right: {dict(row)}",
            f"Give it a name, a figure, and a number for one of {', '.join(words)}.",
        )
    (word,) = given
    return Objective(
        row["name"],
        figure,
        word.removesuffix(TIMES_BASELINE),
        float(row[word]),
        when_asked=bool(row.get("when_asked", False)),
        phase=phase,
        relative=word.endswith(TIMES_BASELINE),
    )


def value_of(summary: Mapping[str, Any], figure: str, phase: str = "") -> float | None:
    """A figure of a run's summary; None if it was not measured."""
    place: Any = summary
    way = [
        *(("phases", phase) if phase else ()),
        *(("figures", figure) if figure in FIGURES else figure.split(".")),
    ]
    for name in way:
        place = place.get(name) if isinstance(place, dict) else None
    return float(place) if _is_number(place) else None


def judge(
    objectives: list[Objective],
    summary: Mapping[str, Any],
    asked: Mapping[str, float],
    *,
    valid: bool,
    baseline: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Judge a run.

    :param summary: of the run.
    :param asked: figure -> limit, for the objectives that are judged only when asked for.
    :param valid: whether the run's numbers can be trusted: an objective passes only on a valid run.
    :param baseline: the summary of the run that relative objectives compare with.
    :returns: {name, figure, phase, comparison, limit, value, passed}; `passed` is None if there is no value, or no
        limit, for want of a baseline's.
    """
    rows = []
    for objective in objectives:
        if objective.when_asked and objective.figure not in asked:
            continue
        limit: float | None = asked.get(objective.figure, objective.limit)
        if objective.relative:
            known = value_of(baseline or {}, objective.figure, objective.phase)
            limit = None if known is None else known * objective.limit
        value = value_of(summary, objective.figure, objective.phase)
        sign, holds = _COMPARISONS[objective.comparison]
        rows.append(
            {
                "name": objective.name,
                "figure": objective.figure,
                "phase": objective.phase,
                "comparison": sign,
                "limit": limit,
                "value": value,
                "passed": None if value is None or limit is None else valid and holds(value, limit),
            }
        )
    return rows


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
