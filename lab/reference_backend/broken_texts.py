"""What becomes of large events where breakages are on; see `breakages`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lab.reference_backend.breakages import Breakage
from loadtest.backends.prometheus import contract

if TYPE_CHECKING:
    from lab.reference_backend.breakages import Breakages

_LARGE: Final = 65_536
_LONG: Final = 200
"""Characters of a log whose title is long."""


class NotSentError(Exception):
    """The event is lost."""


def spoilt(event: str, data: Any, broken: Breakages) -> Any:
    """Return what is sent instead of an event's data.

    :raises NotSentError: if nothing is.
    """
    if isinstance(data, dict) and event == contract.AGENT_LOG:
        return {**data, "message": _spoilt_log(data["message"], broken)}
    size = len(str(data)) if isinstance(data, str | list) else 0
    if (size > _LARGE and Breakage.LOSES_LARGE in broken) or (
        size > contract.MAX_PAYLOAD_BYTES and Breakage.LOSES_OVER_LIMIT in broken
    ):
        raise NotSentError
    return [_spoilt_text(item, broken) for item in data] if isinstance(data, list) else _spoilt_text(data, broken)


def _spoilt_text(data: Any, broken: Breakages) -> Any:
    if not isinstance(data, str) or len(data) <= _LARGE:
        return data
    if Breakage.CUTS_LARGE in broken:
        return data[:_LARGE]
    return altered(data) if Breakage.ALTERS_LARGE in broken else data


def _spoilt_log(message: str, broken: Breakages) -> str:
    if len(message) <= _LONG:
        return message
    if Breakage.LOSES_LONG_LOGS in broken:
        raise NotSentError
    if Breakage.CUTS_LONG_LOGS in broken:
        return message[:_LONG]
    return altered(message) if Breakage.ALTERS_LONG_LOGS in broken else message


def altered(text: str) -> str:
    """Return a text with the character in the middle changed."""
    middle = len(text) // 2
    return f"{text[:middle]}{'?' if text[middle] != '?' else '!'}{text[middle + 1 :]}"
