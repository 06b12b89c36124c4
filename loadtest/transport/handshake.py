"""The opening handshake of a WebSocket (RFC 6455 section 4), without I/O."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MAX_HEAD_BYTES: Final = 64 * 1024
_SWITCHING: Final = 101


class HandshakeError(Exception):
    """The server did not agree; the message is one line."""


def request(host: str, path: str, key: bytes, headers: Mapping[str, str]) -> bytes:
    """The upgrade request.

    :param host: the Host header.
    :param key: sixteen random bytes.
    :param headers: further headers.
    """
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(key).decode()}",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if any("\r" in line or "\n" in line for line in lines):
        raise HandshakeError("a header with a line break in it")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer's head, and what came after it."""

    status: int
    headers: dict[str, str]
    rest: bytes


def parse_response(data: bytes) -> Response | None:
    """The answer's head, or None if it is not whole yet.

    :raises HandshakeError: if it is no HTTP.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if len(data) > _MAX_HEAD_BYTES or not b"HTTP/1.".startswith(data[:7]):
            raise HandshakeError("the answer is no HTTP")
        return None
    first, *lines = data[:end].decode("latin-1").split("\r\n")
    version, _, status = first.partition(" ")
    if not version.startswith("HTTP/1.") or not status[:3].isdigit():
        raise HandshakeError("the answer is no HTTP")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Response(int(status[:3]), headers, data[end + 4 :])


def check(response: Response, key: bytes) -> None:
    """Make sure that the server has switched to the WebSocket protocol.

    :raises HandshakeError: if it has not, with what it said.
    """
    if response.status != _SWITCHING:
        raise HandshakeError(refusal(response))
    expected = base64.b64encode(hashlib.sha1(base64.b64encode(key) + _GUID).digest()).decode()  # noqa: S324
    if response.headers.get("sec-websocket-accept") != expected:
        raise HandshakeError("the server's Sec-WebSocket-Accept is wrong: something between answers for it")
    if response.headers.get("sec-websocket-extensions"):
        raise HandshakeError("the server uses an extension that was not offered")


def refusal(response: Response) -> str:
    """What an answer says that is not the one that was asked for."""
    return f"HTTP {response.status}{_said(response.rest)}"


def _said(body: bytes) -> str:
    """What an error's body says, in a few words."""
    text = body.decode("utf-8", "replace").strip()
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = text
    if isinstance(parsed, dict):
        parsed = parsed.get("message", text)
    words = " ".join(str(parsed).split())[:200]
    return f": {words}" if words else ""
