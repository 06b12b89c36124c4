"""How JavaScript turns a value into a string, for the answers that quote their argument."""

from __future__ import annotations

from typing import Any

UNDEFINED = object()
"""What a handler sees for an argument that was not sent."""

_LARGEST_PLAIN_INTEGER = 10**21


def js_string(value: Any) -> str:
    """`String(value)` for a value decoded from JSON, or `UNDEFINED`."""
    if value is UNDEFINED:
        return "undefined"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_PLAIN_INTEGER:
        return str(int(value))
    if isinstance(value, list):
        return ",".join("" if item is None else js_string(item) for item in value)
    if isinstance(value, dict | bytes):
        return "[object Object]"
    return str(value)
