"""What a record's fields must be, so that its numbers can be used. Pure but for pandas: plain data in, words out.

A summary is checked as it was written, before gaps are filled: a count that is missing must never become a 0.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from loadtest.measurement.objectives import is_number
from loadtest.measurement.validity import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NEEDED: Final = {
    "deliveries": ("expected", "lost"),
    "validity": ("verdict",),
    "triggers": ("sent",),
    "fan_out_ms": ("count",),
    "trigger_ms": ("count",),
    "loop_lag_ms": ("count",),
    "generator_delay_ms": ("count",),
}
"""Fields inside of fields that every version has."""
_NEEDED_QUANTILES: Final = ("p50", "p90", "p99", "p999")
"""Where a time was measured at all."""
_SPAN: Final = ("from_s", "to_s")
_TIMES: Final = {"count": 0, **dict.fromkeys(("mean", *_NEEDED_QUANTILES, "max"))}
_ENTRIES: Final[dict[str, object]] = {
    "latency_ms": _TIMES,
    "latency_across_clocks_ms": _TIMES,
    "connect_phases_ms": _TIMES,
    "answers_ms": _TIMES,
    "phases": dict.fromkeys(_SPAN, 0.0),
    "users_by_class": 0,
    "figures": None,
}
"""Fields with an entry for each name, and what an entry is like."""
_NOT_COMPARED: Final = ("schema", "capacity", "memory", "monitoring")
_TABLE_COLUMNS: Final = ("owed", "lost")


def missing_fields(summary: Mapping[str, Any]) -> list[str]:
    """Return the fields inside of fields that a summary must have and lacks; its types are right."""
    found = [
        f"{name}.{inner}"
        for name, needed in _NEEDED.items()
        if name in summary
        for inner in needed
        if inner not in summary[name]
    ]
    times = {f"latency_ms.{event}": one for event, one in summary.get("latency_ms", {}).items()}
    found += [f"{name}.count" for name, one in times.items() if "count" not in one]
    times |= {name: summary[name] for name in _NEEDED if name.endswith("_ms") and name in summary}
    for name, one in times.items():
        if one.get("count", 0):
            found += [f"{name}.{quantile}" for quantile in _NEEDED_QUANTILES if one.get(quantile) is None]
    for name, phase in summary.get("phases", {}).items():
        found += [f"phases.{name}.{edge}" for edge in _SPAN if edge not in phase]
    return found


def wrong_field(summary: Mapping[str, Any], template: Mapping[str, Any]) -> str:
    """Return what is wrong with the first field that is of the wrong type or out of range; empty if none is.

    :param template: an empty summary; its values tell the types.
    """
    return next(_wrong_fields(summary, template), "")


def wrong_columns(timeline: pd.DataFrame) -> list[str]:
    """Return what is wrong with a timeline's times and counts."""
    if timeline.empty:
        return []
    if "at_s" not in timeline or not _counts(timeline["at_s"]) or timeline["at_s"].isna().any():
        return ["timeline.csv: every row needs at_s, in whole seconds"]
    return [
        f"timeline.csv: {column} must be a count of 0 or more"
        for column in _TABLE_COLUMNS
        if column in timeline and not _counts(timeline[column])
    ]


def _counts(column: pd.Series[Any]) -> bool:
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return numeric and bool(((column.dropna() >= 0) & (column.dropna() < math.inf)).all())


def _wrong_fields(summary: Mapping[str, Any], template: Mapping[str, Any]) -> Iterator[str]:
    for name, expected in template.items():
        if name not in summary or name in _NOT_COMPARED:
            continue
        value = summary[name]
        yield from _wrong(name, value, expected)
        if name in _ENTRIES and isinstance(value, dict):
            for inner, entry in value.items():
                yield from _wrong(f"{name}.{inner}", entry, _ENTRIES[name])
    # Whatever is below was found to be of the right type above.
    verdict = summary.get("validity", {}).get("verdict", "valid")
    if verdict not in VERDICTS:
        *others, last = VERDICTS
        yield f"validity.verdict: expected {', '.join(others)} or {last}, got {verdict!r}"
    deliveries = summary.get("deliveries", {})
    if deliveries.get("lost", 0) > deliveries.get("expected", math.inf):
        yield f"deliveries.lost: expected at most {deliveries['expected']}, got {deliveries['lost']}"


def _wrong(name: str, value: object, expected: object) -> Iterator[str]:
    """Yield what is wrong with a value, if anything is.

    :param expected: a value of the right type; None for a number that may not have been measured.
    """
    wanted, right = _type_of(expected, value)
    if not right:
        yield f"{name}: expected {wanted}, got {value!r:.40}"
    elif isinstance(expected, dict) and isinstance(value, dict):
        for inner, inner_expected in expected.items():
            if inner in value:
                yield from _wrong(f"{name}.{inner}", value[inner], inner_expected)


def _type_of(expected: object, value: object) -> tuple[str, bool]:
    """Return the type of an expected value in words, and whether a value is of it."""
    if expected is None:
        return "a number of 0 or more, or null", value is None or _is_number(value)
    if isinstance(expected, bool):
        return "true or false", isinstance(value, bool)
    if isinstance(expected, int):
        return "a whole number of 0 or more", _is_number(value) and float(value).is_integer()  # type: ignore[arg-type]
    if isinstance(expected, float):
        return "a number of 0 or more", _is_number(value)
    if isinstance(expected, str):
        return "a text", isinstance(value, str)
    if isinstance(expected, list):
        return "a list", isinstance(value, list)
    return "an object", isinstance(value, dict)


def _is_number(value: object) -> bool:
    return is_number(value) and value >= 0  # type: ignore[operator]
