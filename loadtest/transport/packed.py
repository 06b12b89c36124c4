"""Events of the msgpack parser, shown to observers as the text that Socket.IO's own would have sent. Pure."""

from __future__ import annotations

import json
import math
from typing import Any, Final

import msgpack

_EVENTS: Final = (2, 5)
"""The official parser and python-socketio send bytes inside a plain event; others call that a binary event."""
_NAMESPACE: Final = "/"
_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, skipkeys=True, default=lambda _: None
)


def as_text(payload: bytes) -> bytes:
    """Return an event of the default namespace as `42["name",…]`; `4217["name",…]` if it wants to be acknowledged.

    Empty for any other packet, and for bytes that are no packet. Bytes in its data, and numbers that JSON lacks,
    come out as null.
    """
    try:
        packet = msgpack.unpackb(payload, strict_map_key=False)
        data = packet["data"]
        if packet["type"] not in _EVENTS or packet["nsp"] != _NAMESPACE or not isinstance(data, list):
            return b""
        if not isinstance(data[0], str):
            return b""
        ack_id = packet.get("id")
        return (b"42%d" % ack_id if isinstance(ack_id, int) else b"42") + _json(data)
    except (ValueError, TypeError, KeyError, IndexError, msgpack.UnpackException, RecursionError):
        return b""  # python-socketio says what is wrong with it


def _json(data: Any) -> bytes:
    try:
        return _ENCODER.encode(data).encode()
    except ValueError:
        return _ENCODER.encode(_finite(data)).encode()


def _finite(value: Any) -> Any:
    """Return the value with null for NaN and the infinities, as JSON.stringify writes them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _finite(one) for key, one in value.items()}
    return value
