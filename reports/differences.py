"""What else differed between two sides: the load, options, versions, and how busy the load generator was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from loadtest.reports.numbers import mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtest.reports.load import Record

_SLOWER: Final = 1.5
_SLOWER_MS: Final = 0.5
_ALIKE: Final = ("profile", "rooms", "rate_per_s", "users_by_class", "workers", "receive_clock")
_OWN_OPTIONS: Final = ("results_dir", "monitor", "no_report", "keep_data", "history", "tolerance", "metrics_port")


def differences(before: Sequence[Record], after: Sequence[Record]) -> list[str]:
    """Return what makes two sides hard to compare, a line each."""
    return [*_unlike(before, after), *_slower_ourselves(before, after)]


def _slower_ourselves(before: Sequence[Record], after: Sequence[Record]) -> list[str]:
    """Return what tells that the load generator was slower on one side: the machine may be at fault then."""
    found = []
    for name, what in (("generator_delay_ms", "own delay"), ("loop_lag_ms", "event loop")):
        one, other = (mean([record.summary[name]["p99"] for record in side]) for side in (before, after))
        if one is None or other is None:
            continue
        if max(one, other) > _SLOWER * min(one, other) and abs(one - other) > _SLOWER_MS:
            found.append(
                f"the load generator itself differed: {what} p99 {one:.3g} ms before, {other:.3g} ms after; "
                "the machine may be what changed"
            )
    return found


def _unlike(before: Sequence[Record], after: Sequence[Record]) -> list[str]:
    """Return the facts that differ between the sides."""
    found = []
    for name in _ALIKE:
        seen = [{str(record.summary[name]) for record in side} for side in (before, after)]
        if seen[0] != seen[1]:
            found.append(
                f"{name.replace('_', ' ')}: {' or '.join(sorted(seen[0]))} before, "
                f"{' or '.join(sorted(seen[1]))} after"
            )
    for kind in ("options", "software"):
        sides = [_merged(record.summary[kind] for record in side) for side in (before, after)]
        for name in sorted(sides[0].keys() & sides[1].keys()):
            if sides[0][name] != sides[1][name] and name not in (*_OWN_OPTIONS, *_ALIKE, "rate"):
                label = f"--{name.replace('_', '-')}" if kind == "options" else name
                found.append(f"{label}: {sides[0][name]} before, {sides[1][name]} after")
    return found


def _merged(facts: Any) -> dict[str, str]:
    """Return name -> value, or all values that occurred."""
    seen: dict[str, set[str]] = {}
    for one in facts:
        assert isinstance(one, Mapping)
        for name, value in one.items():
            seen.setdefault(name, set()).add(str(value))
    return {name: " or ".join(sorted(values)) for name, values in seen.items()}
