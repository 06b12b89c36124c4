"""One readable line on a packet, without secrets: its type, event, size, and the beginning of its payload. Pure.

An example: EVENT "agentLog" 131 B [{"message":"…
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import msgpack

if TYPE_CHECKING:
    from collections.abc import Iterable

REDACTED: Final = "<redacted>"
_SHOWN_CHARACTERS: Final = 200
_SEARCHED_CHARACTERS: Final = 16_384
"""Of a payload: what is shown comes from these, after secrets were taken out of them."""
_MAX_TOKEN_CHARACTERS: Final = 8192
"""Longer ones fit into no header."""
_MIN_SECRET_CHARACTERS: Final = 4
"""Shorter ones would be found in everything."""
_ENGINE: Final = {"0": "OPEN", "1": "CLOSE", "2": "PING", "3": "PONG", "5": "UPGRADE", "6": "NOOP"}
_SOCKET: Final = ("CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK")
_CONNECT: Final = 0
_EVENTS: Final = (2, 5)
_PACKET: Final = re.compile(r"4([0-6])(?:(\d+)-)?(?:(/[^,\[{]*),)?(\d*)", re.DOTALL)
_JWT: Final = re.compile(r"\bey[\w-]{6,2000}\.[\w-]+\.[\w-]*")
_BEARER: Final = re.compile(r"(\bBearer[ +])[^\s\"\\,]+", re.IGNORECASE)
_SECRET_KEY: Final = re.compile(
    r'("(?:pid|[^"\\]{0,64}(?:token|authorization|password|secret|cookie|jwt|api_?key)[^"\\]{0,64})"\s*:\s*)"(?:[^"\\]|\\.)*"?',
    re.IGNORECASE,
)
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def describe(data: bytes, secrets: Iterable[str] = ()) -> str:
    """Return a line on one Engine.IO packet, as it goes over the wire as text.

    :param secrets: texts that must not be shown, beside everything that looks like a token.
    """
    text, size = _text(data), f"{len(data)} B"
    found = _PACKET.match(text)
    if found is None:
        kind = _ENGINE.get(text[:1], "MESSAGE, not of Socket.IO" if text[:1] == "4" else "UNKNOWN")
        return _line(kind, size, text[1:], secrets)
    kind, attachments, namespace, ack_id = found.groups()
    payload = text[found.end() :]
    name = None
    if int(kind) in _EVENTS:
        name, payload = _name_and_arguments(payload)
    parts = _head(int(kind), namespace, ack_id, name)
    if attachments is not None:
        parts.append(f"+ {attachments} attachments")
    return _line(" ".join(parts), size, _without_auth(payload) if int(kind) == _CONNECT else payload, secrets)


def describe_msgpack(data: bytes, secrets: Iterable[str] = ()) -> str:
    """Return a line on one packet of the msgpack parser."""
    size = f"{len(data)} B"
    try:
        whole = msgpack.unpackb(data, strict_map_key=False)
        kind, content, ack_id = int(whole["type"]), whole.get("data"), whole.get("id")
        name = None
        if kind in _EVENTS and isinstance(content, list) and content:
            name, *content = content
        parts = _head(kind, whole.get("nsp"), "" if ack_id is None else str(ack_id), name)
        payload = "" if content is None else json.dumps(content, ensure_ascii=False, default=_other)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, msgpack.UnpackException):
        return _line("MESSAGE, not of Socket.IO", size, repr(data[:_SHOWN_CHARACTERS]), secrets)
    return _line(" ".join(parts), size, _without_auth(payload) if kind == _CONNECT else payload, secrets)


def secrets_in(data: bytes) -> list[str]:
    """Return the texts in a CONNECT packet, where a client shows its credentials; none for other packets."""
    text = _text(data)
    found = _PACKET.match(text)
    return _texts(text[found.end() :]) if found is not None and int(found[1]) == _CONNECT else []


def secrets_in_msgpack(data: bytes) -> list[str]:
    """Return the same for a packet of the msgpack parser."""
    try:
        whole = msgpack.unpackb(data, strict_map_key=False)
        return _texts(json.dumps(whole.get("data"), default=_other)) if whole["type"] == _CONNECT else []
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, msgpack.UnpackException):
        return []


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text without tokens: those that are known, and everything that looks like one."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _MIN_SECRET_CHARACTERS:
            for spelling in {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}:
                text = text.replace(spelling, REDACTED)
    text = _SECRET_KEY.sub(rf'\1"{REDACTED}"', text)
    return _BEARER.sub(rf"\1{REDACTED}", _JWT.sub(REDACTED, text))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _head(kind: int, namespace: str | None, ack_id: str, event: Any) -> list[str]:
    parts = [_SOCKET[kind]]
    if namespace not in (None, "", "/"):
        parts.append(f"in {namespace}")
    if event is not None:
        parts.append(json.dumps(event, ensure_ascii=False, default=_other))
    if ack_id:
        parts.append(f"wants ack {ack_id}" if kind in _EVENTS else f"of {ack_id}")
    return parts


def _name_and_arguments(payload: str) -> tuple[Any, str]:
    """Return the name of an event, and the rest of its array; None and all of it if the name cannot be read."""
    try:
        name, end = json.JSONDecoder().raw_decode(payload, 1) if payload[:1] == "[" else (None, 0)
    except (ValueError, RecursionError):
        return None, payload
    return name, payload if name is None else f"[{payload[end:].lstrip(', ')}"


def _line(what: str, size: str, payload: str, secrets: Iterable[str]) -> str:
    """Return the line; secrets go first, so that none is cut in two."""
    searched = payload if len(payload) <= _SEARCHED_CHARACTERS else _whole_words(payload[:_SEARCHED_CHARACTERS])
    shown = redact(searched, secrets)
    if len(shown) > _SHOWN_CHARACTERS or len(searched) < len(payload):
        shown = f"{shown[:_SHOWN_CHARACTERS]}…"
    name = redact(what, secrets)
    line = f"{name[:_SHOWN_CHARACTERS]}{'…' if len(name) > _SHOWN_CHARACTERS else ''} {size} {shown}".rstrip()
    # An event may have half of a surrogate pair in its name, which no terminal takes.
    line = line.encode("utf-8", "backslashreplace").decode()
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def _whole_words(text: str) -> str:
    """Return a text that was cut without its last word, which may be the first half of a token."""
    begins = len(text) - _MAX_TOKEN_CHARACTERS
    return text[: max(begins, *(text.rfind(end, begins) + 1 for end in ' "\n'))]


def _without_auth(payload: str) -> str:
    """Return a CONNECT's payload without the values of texts, but for the session's public id."""
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError):
        return REDACTED if payload else ""
    return json.dumps(_blanked(content), separators=(",", ":"))


def _blanked(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _blanked(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_blanked(one) for one in value]
    return REDACTED if isinstance(value, str) and key != "sid" else value


def _texts(payload: str) -> list[str]:
    try:
        return list(_leaves(json.loads(payload)))
    except (ValueError, RecursionError):
        return []


def _leaves(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _leaves(one)


def _other(value: Any) -> str:
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else f"<{type(value).__name__}>"
