"""Numbers as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def number(value: float | None) -> str:
    """Three to four digits, or a dash for what was not measured."""
    if value is None or value != value:
        return "–"
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    if abs(value) >= 100:
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}"
    return f"{value:.3g}"


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of what was measured; None if nothing was."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def share(part: int, whole: int) -> str:
    """A share in percent that is 100 only if it is all, and 0 only if it is nothing; a dash of nothing."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    for digits in range(2, 12):
        text = f"{percent:.{digits}f}"
        if (float(text) == 100) == (part == whole) and (float(text) == 0) == (part == 0):
            return text.rstrip("0").rstrip(".")
    return text


def change(ratio: float) -> str:
    """A ratio as a change in percent, with its sign."""
    percent = 100 * (ratio - 1)
    return f"{percent:+.0f}%" if abs(percent) >= 10 else f"{percent:+.1f}%"


def duration(seconds: float) -> str:
    """A time of a run."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.3g} min"
    return f"{seconds / 3600:.3g} h"
