"""How objectives came out: figures of a summary compared with limits, and read back from a record."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final, NoReturn

from loadtest.measurement.figures import FIGURES
from loadtest.measurement.objectives import COMPARISONS, is_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loadtest.measurement.objectives import Objective

_BY_SIGN: Final = dict(COMPARISONS.values())
_MAY_BE_NEGATIVE: Final = re.compile(r".*mb_per_hour")


class RecordFieldError(ValueError):
    """A field of a record is missing, or is not what it should be: one line."""


@dataclass(frozen=True, slots=True)
class ObjectiveResult:
    """How one objective came out.

    comparison: as a sign, e.g. `≤`.
    limit: None where a relative objective has no baseline.
    value: None if the run did not measure it.
    passed: None if there is no value, or no limit.
    why_not: why there is no value, in a few words; empty if nobody knows, or there is one.
    built_in: see `Objective`.
    """

    name: str
    figure: str
    phase: str
    comparison: str
    limit: float | None
    value: float | None
    passed: bool | None
    why_not: str = ""
    built_in: bool = False

    @property
    def title(self) -> str:
        """The name, with the phase that it is about."""
        return f"{self.name} ({self.phase})" if self.phase else self.name

    @property
    def word(self) -> str:
        """The result in words."""
        if self.passed is not None:
            return "passed" if self.passed else "FAILED"
        if self.value is not None:
            return "not evaluated: needs a baseline"
        return f"not measured: {self.why_not}" if self.why_not else "not measured"

    @property
    def is_about_time(self) -> bool:
        """Whether the figure is a time, a rate or a memory, and not a count."""
        if self.figure.endswith((".failed", ".count")):
            return False
        return bool(re.search(r"_ms\b|_per_s|_per_hour|\bmemory\b", self.figure))

    @property
    def is_about_deliveries(self) -> bool:
        """Whether the figure counts deliveries: not what users and publishers did."""
        return "deliver" in self.figure or self.figure.startswith("lost_")

    def to_json(self) -> dict[str, Any]:
        """Return the row of a summary's `slo`."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: Any, place: str) -> ObjectiveResult:
        """Read a row of a summary's `slo`.

        :param place: names the row in an error.
        :raises RecordFieldError: if a field is missing or of another type, or `passed` is not what the value and
            the limit say.
        """
        if not isinstance(row, dict):
            damaged(place, "an object", row)
        for name in ("name", "figure", "phase", "comparison", "why_not"):
            if not isinstance(row.get(name), str):
                damaged(f"{place}.{name}", "a text", row.get(name))
        for name in ("limit", "value"):
            if name not in row or not (row[name] is None or is_number(row[name])):
                damaged(f"{place}.{name}", "a number or null", row.get(name))
        if not isinstance(row.get("built_in"), bool):
            damaged(f"{place}.built_in", "true or false", row.get("built_in"))
        if row["comparison"] not in _BY_SIGN:
            damaged(f"{place}.comparison", f"one of {' '.join(_BY_SIGN)}", row["comparison"])
        limit, value = (None if row[name] is None else float(row[name]) for name in ("limit", "value"))
        passed = _passes(row["comparison"], value, limit)
        if row.get("passed") is not passed:
            damaged(f"{place}.passed", f"{passed} by its value and limit", row.get("passed"))
        known = {field.name: row[field.name] for field in fields(cls)}
        return cls(**known | {"limit": limit, "value": value})


@dataclass(frozen=True, slots=True)
class ObjectiveCounts:
    """How many objectives of a run came out how."""

    passed: int
    failed: int
    not_measured: int

    @classmethod
    def of(cls, results: Sequence[ObjectiveResult]) -> ObjectiveCounts:
        """Count the results."""
        outcomes = [result.passed for result in results]
        return cls(outcomes.count(True), outcomes.count(False), outcomes.count(None))

    def __str__(self) -> str:
        parts = [f"{self.passed} of {self.passed + self.failed + self.not_measured} passed"]
        parts += [f"{self.failed} failed"] if self.failed else []
        return ", ".join([*parts, f"{self.not_measured} not measured"] if self.not_measured else parts)


def results_in(summary: Mapping[str, Any]) -> tuple[ObjectiveResult, ...]:
    """Return how the objectives of a summary came out; its `slo` is a list.

    :raises RecordFieldError: if one of them is damaged.
    """
    return tuple(ObjectiveResult.from_json(row, f"slo[{number}]") for number, row in enumerate(summary["slo"]))


def value_of(summary: Mapping[str, Any], figure: str, phase: str = "") -> float | None:
    """Return a figure of a run's whole summary; None if the run did not measure it.

    A number is believed to be missing only where the summary gives a reason: `not_measured` names the figure, or
    nothing was counted beside it. So a record that lost a field, or whose field was emptied, passes nothing.

    :raises RecordFieldError: if the field is missing, of another type, not finite, or negative where it cannot be.
    """
    place = f"phases.{phase}.{figure}" if phase else figure
    way = [*(("phases", phase) if phase else ()), *(("figures", figure) if figure in FIGURES else _split(figure))]
    holder: Any = summary
    for number, name in enumerate(way[:-1]):
        holder = holder.get(name) if isinstance(holder, dict) else None
        if holder is None and ".".join(way[: number + 1]) in _reasons(summary):
            return None
        if not isinstance(holder, dict):
            damaged(place, "a number", "nothing")
    if way[-1] not in holder:
        damaged(place, "a number", "nothing")
    value = holder[way[-1]]
    if value is None:
        if figure in _reasons(summary) or holder.get("count") == 0 or _is_empty_phase(summary, phase, figure):
            return None
        damaged(place, "a number", None)
    if not is_number(value) or (value < 0 and not _MAY_BE_NEGATIVE.fullmatch(figure)):
        damaged(place, "a number from 0" if not _MAY_BE_NEGATIVE.fullmatch(figure) else "a number", value)
    return float(value)


def _split(figure: str) -> list[str]:
    """Return the steps of a path; an event's name in the middle may have dots, or be empty."""
    first, _, rest = figure.partition(".")
    return [first, *rest.rsplit(".", 1)] if "." in rest else [first, rest]


def _reasons(summary: Mapping[str, Any]) -> Mapping[str, Any]:
    reasons = summary.get("not_measured")
    return reasons if isinstance(reasons, dict) else {}


def _is_empty_phase(summary: Mapping[str, Any], phase: str, figure: str) -> bool:
    """Return whether a phase has no deliveries that the figure could be about."""
    if not phase:
        return False
    found = summary["phases"][phase]
    if figure == "lost_percent":
        return bool(found.get("deliveries", {}).get("expected") == 0)
    times = found.get("latency_ms", {}).values()
    return all(isinstance(one, dict) and one.get("count") == 0 for one in times)


def judge(
    objectives: Sequence[Objective],
    summary: Mapping[str, Any],
    asked: Mapping[str, float],
    *,
    whole: bool = True,
    baseline: Mapping[str, Any] | None = None,
) -> list[ObjectiveResult]:
    """Judge a run.

    :param summary: of the run.
    :param asked: figure -> limit, for the objectives that are judged only when asked for.
    :param whole: whether the summary has every field; of a run under way, or one without the phase or the event
        that an objective names, a missing field is not measured.
    :param baseline: the summary of the run that relative objectives compare with.
    :raises RecordFieldError: if a whole summary, or the baseline, lacks a field.
    """
    results = []
    for objective in objectives:
        if objective.when_asked and objective.figure not in asked:
            continue
        limit: float | None = asked.get(objective.figure, objective.limit)
        if objective.relative:
            known = None if baseline is None else value_of(baseline, objective.figure, objective.phase)
            limit = None if known is None else known * objective.limit
        try:
            value = value_of(summary, objective.figure, objective.phase)
        except RecordFieldError:
            # Every run has the figures; it may not have the phase or the event that an objective names.
            if whole or (objective.figure in FIGURES and not objective.phase):
                raise
            value = None
        sign, _ = COMPARISONS[objective.comparison]
        results.append(
            ObjectiveResult(
                objective.name,
                objective.figure,
                objective.phase,
                sign,
                limit,
                value,
                _passes(sign, value, limit),
                why_not=_why_not(summary, objective) if value is None else "",
                built_in=objective.built_in,
            )
        )
    return results


def _why_not(summary: Mapping[str, Any], objective: Objective) -> str:
    if objective.phase:
        return f"not recorded in phase {objective.phase}"
    steps = objective.figure.split(".")
    known = _reasons(summary)
    paths = (".".join(steps[:count]) for count in range(len(steps), 0, -1))
    reason = next((known[path] for path in paths if path in known), "")
    return reason if isinstance(reason, str) else ""


def _passes(sign: str, value: float | None, limit: float | None) -> bool | None:
    return None if value is None or limit is None else bool(_BY_SIGN[sign](value, limit))


def damaged(place: str, expected: str, got: object) -> NoReturn:
    """Raise the error of a field that is not as expected."""
    raise RecordFieldError(f"{place}: expected {expected}, got {repr(got)[:60]}")
