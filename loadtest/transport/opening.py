"""Opens an Engine.IO connection over WebSocket: dial, then the OPEN packet, or the probe of an upgrade."""

from __future__ import annotations

import json
import ssl
import time
from dataclasses import dataclass
from functools import lru_cache
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any

from loadtest.transport.channel import reason_of
from loadtest.transport.dial import DialError
from loadtest.transport.receive_clock import Stopwatch
from loadtest.transport.websocket_frames import TEXT, FrameParser, WebSocketProtocolError, build_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from loadtest.transport.channel import Channel
    from loadtest.transport.shared import Shared
    from loadtest.transport.websocket_frames import Message


@dataclass(slots=True)
class Opened:
    """An open connection.

    packet: the OPEN packet's content, empty after an upgrade. messages: what came with it already, at
    received_ns. phases_ns: what tcp, tls, upgrade and open took, each until its answer was received. headers: of
    the answer to the upgrade, in lower case.
    """

    channel: Channel
    parser: FrameParser
    packet: dict[str, Any]
    messages: list[Message]
    received_ns: int
    phases_ns: dict[str, int]
    headers: Mapping[str, str]


def open_engine(
    shared: Shared,
    address: str,
    headers: Mapping[str, str],
    timeout_s: float,
    *,
    source_address: str | None,
    ssl_context: ssl.SSLContext | None,
    connect_to: tuple[str, int] | None,
    probe: bool,
    confirm: bool = True,
) -> Opened:
    """Open a connection, or the second half of an upgrade.

    :param address: the ws:// or wss:// URL.
    :param connect_to: host and port that TCP connects to; None for those of the URL, or of its proxy.
    :param probe: whether a polling connection is upgraded: its first packet is the answer to a probe.
    :param confirm: whether the upgrade is confirmed at once; otherwise the caller sends the packet `5`.
    :raises ConnectionError: with the phase and the reason.
    """
    # An upgrade goes to the same address as its polls, the system's first one.
    dialled = shared.dialler.open(
        *(address, headers, timeout_s, source_address, ssl_context), connect_to=connect_to, in_turn=not probe
    )
    channel = dialled.channel
    parser = FrameParser()
    # The server sends OPEN without a request.
    watch = Stopwatch(None if probe else dialled.received_ns)
    deadline_s = time.monotonic() + timeout_s
    try:
        if probe:
            channel.send(build_frame(TEXT, b"2probe", shared.key()))
        messages, received_ns = parser.feed(dialled.rest), dialled.received_ns
        while not messages:
            data, received_ns = channel.receive(deadline_s - time.monotonic())
            if not data:
                raise DialError("open", "the server closed before it opened")
            messages = parser.feed(data)
        opened_ns = watch.until_ns(received_ns)
        opcode, payload = messages.pop(0)
        if probe:
            if (opcode, payload) != (TEXT, b"3probe"):
                raise DialError("open", "no answer to the probe")
            if confirm:
                channel.send(build_frame(TEXT, b"5", shared.key()))
            packet = {}
        else:
            packet = _open_packet(opcode, payload)
    except (OSError, WebSocketProtocolError) as error:
        channel.close()
        if isinstance(error, DialError):
            raise
        said = reason_of(error) if isinstance(error, OSError) else str(error).lower()
        raise DialError("open", said) from error
    phases_ns = {**dialled.phases_ns, "open": opened_ns}
    return Opened(channel, parser, packet, messages, received_ns, phases_ns, dialled.headers)


def _open_packet(opcode: int, payload: bytes) -> dict[str, Any]:
    if opcode != TEXT or payload[:1] != b"0":
        raise DialError("open", "the first packet is no OPEN packet")
    try:
        opened: dict[str, Any] = {"upgrades": [], **json.loads(payload[1:])}
        if not isinstance(opened["sid"], str) or opened["pingInterval"] + opened["pingTimeout"] <= 0:
            raise ValueError("sid or times are of the wrong kind")
    except (ValueError, KeyError, TypeError) as error:
        raise DialError("open", f"an OPEN packet that is not right: {error}") from error
    return opened


def announced_limit(packet: str) -> int:
    """Return how many bytes a message may have by an encoded OPEN packet; 0 if it is none, or does not say."""
    try:
        return limit_of(json.loads(packet[1:])) if packet[:1] == "0" else 0
    except (ValueError, AttributeError):
        return 0


def limit_of(opened: Mapping[str, Any]) -> int:
    """Return how many bytes a message may have by an OPEN packet's content; 0 if it does not say."""
    limit = opened.get("maxPayload")
    return limit if isinstance(limit, int) and limit > 0 else 0


def with_cookies(headers: Mapping[str, str], jar: Iterable[Any]) -> dict[str, str]:
    """The headers, with the cookies that a polling session has collected (a load balancer's, say)."""
    cookies: SimpleCookie = SimpleCookie()
    for cookie in jar:
        cookies[cookie.name] = cookie.value
    if not cookies:
        return dict(headers)
    collected = cookies.output(header="", attrs=[], sep=";").strip()
    return {**headers, "Cookie": "; ".join(filter(None, (headers.get("Cookie"), collected)))}


@lru_cache(maxsize=1)
def insecure_context() -> ssl.SSLContext:
    """For a server whose certificate shall not be checked."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
