"""Short, one-line forms of values and errors, for messages."""

from __future__ import annotations

from typing import Final

from loadtest.measurement.names import short

_MAX_CHARS: Final = 120


def shorten(value: object, max_chars: int = _MAX_CHARS) -> str:
    """Return a value's `repr` in one line, cut where it is too long."""
    try:
        text = " ".join(repr(value).split())
    except Exception as error:  # noqa: BLE001 - a value of somebody else's class
        text = f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    return short(text, max_chars)
