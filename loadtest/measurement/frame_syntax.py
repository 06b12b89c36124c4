"""Whether a client can parse a frame, by the official Socket.IO client's rules: JSON.parse, not Python's. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_SPACE: Final = " \t\r\n"
_HEAD: Final = re.compile(r"4?(?:2|50*([1-9][0-9]*)-)(?:/[^,]*,)?[0-9]*(?=\[)")
"""Engine.IO's type where the frame has one, Socket.IO's, attachments, namespace, id of the acknowledgement.

A binary event without attachments is refused: the official parser has done so since 4.2.7, and those before it
delivered the event and closed the connection at the next one.
"""


def is_parsable(frame: bytes) -> bool:
    """Return whether the text of an event's packet is one that clients can parse."""
    try:
        text = frame.decode()
    except UnicodeDecodeError:
        return False
    head = _HEAD.match(text)
    if head is None:
        return False
    decoder = _decoder(int(head[1])) if head[1] else _PLAIN
    try:
        data, end = decoder.raw_decode(text, head.end())
    except RecursionError:
        return True  # Python's limit; JSON.parse has none
    except ValueError:
        return False
    # Every number is a float here, so that true and false are not among them.
    return bool(data) and isinstance(data[0], str | float) and not text[end:].strip(_SPACE)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _decoder(attachments: int) -> json.JSONDecoder:
    """Return one that also refuses placeholders for attachments that the packet does not have."""

    def check(found: dict[str, Any]) -> dict[str, Any]:
        if found.get("_placeholder") is True:
            number = found.get("num")
            if not isinstance(number, float) or not 0 <= number < attachments:
                raise ValueError(f"there is no attachment {number}")
        return found

    return _make(check)


def _make(hook: Callable[[dict[str, Any]], Any] | None = None) -> json.JSONDecoder:
    # As floats, since Python refuses to read integers of thousands of digits, which are JSON.
    return json.JSONDecoder(parse_constant=_refuse, parse_int=float, object_hook=hook)


_PLAIN: Final = _make()
