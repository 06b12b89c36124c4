"""Events of the msgpack parser, shown to observers as the text that Socket.IO's own would have sent. Pure."""

from __future__ import annotations

import json
from typing import Any, Final

import msgpack

_EVENT: Final = 2
_NAMESPACE: Final = "/"


def as_text(payload: bytes) -> bytes:
    """An event of the default namespace as `42["name",…]`; nothing for any other packet, or for none.

    Bytes in its data have no place in text, and come out as null.
    """
    try:
        packet = msgpack.unpackb(payload)
        if packet["type"] != _EVENT or packet["nsp"] != _NAMESPACE or not isinstance(packet["data"][0], str):
            return b""
        return b"42" + _json(packet["data"])
    except (ValueError, TypeError, KeyError, IndexError, msgpack.UnpackException, RecursionError):
        return b""  # python-socketio says what is wrong with it


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=lambda _: None).encode()
