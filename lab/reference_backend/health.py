"""The answer of `GET /v1/health/info`: numbers in the documented profile, text in the others. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNITS: Final = ("Bytes", "KB", "MB", "GB")
_MINUTE_S: Final = 60
_HOUR_S: Final = 60 * _MINUTE_S
_DAY_S: Final = 24 * _HOUR_S


def in_numbers(profile: str, up_s: float, memory_bytes: Mapping[str, int]) -> dict[str, Any]:
    """Return the answer with memory in bytes, uptime in seconds, and the name of the profile."""
    return {"status": "ok", "uptime": up_s, "memory": dict(memory_bytes), "profile": profile}


def as_text(up_s: float, memory_bytes: Mapping[str, int]) -> dict[str, Any]:
    """Return the answer with sizes as text, such as `157.09 MB`, and the uptime as an object."""
    return {
        "status": "ok",
        "uptime": {"seconds": int(up_s), "human": human_time(up_s)},
        "memory": {name: human_size(size) for name, size in memory_bytes.items()},
    }


def human_size(size_bytes: int) -> str:
    """Return a size in the largest unit of which it is 1 or more; each unit is 1024 times the one before."""
    size = float(size_bytes)
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size /= 1024
        unit += 1
    # JavaScript prints a number that was rounded to two digits without trailing zeros.
    return f"{f'{size:.2f}'.rstrip('0').rstrip('.')} {_UNITS[unit]}"


def human_time(time_s: float) -> str:
    """Return a time in days, hours and minutes, such as `1d 2h 5m`."""
    parts = {"d": time_s // _DAY_S, "h": time_s % _DAY_S // _HOUR_S, "m": time_s % _HOUR_S // _MINUTE_S}
    return " ".join(f"{number:.0f}{unit}" for unit, number in parts.items() if number) or "< 1m"
