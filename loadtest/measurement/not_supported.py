"""One line on the capabilities that a backend lacks and the checks that were skipped because of that. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def line(summary: Mapping[str, Any]) -> str:
    """Return the line that every form of a result shows; empty if the backend has every capability in question."""
    rows = summary["not_supported"]
    missing = "; ".join(_named(row, row["meaning"]) for row in rows if row["known"])
    unknown = "; ".join(_named(row, row["evidence"]) for row in rows if not row["known"])
    unsupported = {check for row in rows if row["known"] for check in row["checks"]}
    undecided = {check for row in rows for check in row["checks"]} - unsupported
    found = (
        f"Capabilities that the backend does not have: {missing}" if missing else "",
        f"Capabilities that could not be found out: {unknown}" if unknown else "",
        f"Checks that are not supported, and neither pass nor fail: {len(unsupported)}" if unsupported else "",
        f"Checks skipped for want of an answer: {len(undecided)}" if undecided else "",
    )
    return ". ".join(filter(None, found))


def _named(row: Mapping[str, Any], meaning: str) -> str:
    skipped = ", ".join(f"“{check}”" for check in row["checks"])
    return f"{row['capability']} ({meaning}{f'; not made: {skipped}' if skipped else ''})"
