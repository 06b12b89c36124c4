"""Logs the packets of chosen connections, in both directions.

A logged connection is of a class of its own, without the short way of known reads: all others run the same code as
if there were no log.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import engineio
from engineio import packet
from socketio.msgpack_packet import MsgPackPacket

from loadtest.transport.all_events import Direction
from loadtest.transport.client import SocketIOClient
from loadtest.transport.engine import EngineIOClient
from loadtest.transport.packet_text import describe, describe_msgpack, redact, secrets_in, secrets_in_msgpack
from loadtest.transport.websocket_frames import BINARY, CLOSE, PING, PONG, TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loadtest.transport.known_reads import Known

_NO_SHORT_WAY: Final[Mapping[Any, Known]] = {}
_ARROW: Final = {Direction.IN: "<-", Direction.OUT: "->"}
_CONTROL: Final = {PING: "WebSocket PING", PONG: "WebSocket PONG"}


class PacketLog:
    """The log of one connection: a line for each packet.

    :param name: of the connection, as each line begins with it.
    :param write: takes a line.
    """

    def __init__(self, name: str, write: Callable[[str], object]) -> None:
        self._name = name
        self._write = write
        self._secrets: set[str] = set()
        self.packed = False
        """Whether binary messages are packets of the msgpack parser, and not attachments."""

    def hide(self, secret: str | None) -> None:
        """Show a text no more, wherever it comes, as a token that goes along with the handshake."""
        if secret:
            self._secrets.add(secret)

    def note(self, what: str) -> None:
        """Write a line on something that is no packet."""
        self._line("--", time.time_ns(), redact(what, self._secrets))

    def text(self, way: Direction, payload: bytes, at_ns: int) -> None:
        """Write a line on a packet of Engine.IO.

        :param at_ns: when it was received or sent, in nanoseconds since the epoch.
        """
        if way is Direction.OUT:
            self._secrets.update(secrets_in(payload))
        self._line(_ARROW[way], at_ns, describe(payload, self._secrets))

    def binary(self, way: Direction, payload: bytes, at_ns: int) -> None:
        """Write a line on a binary message: its content is not shown unless it is a packet."""
        if not self.packed:
            self._line(_ARROW[way], at_ns, f"ATTACHMENT {len(payload)} B")
            return
        if way is Direction.OUT:
            self._secrets.update(secrets_in_msgpack(payload))
        self._line(_ARROW[way], at_ns, describe_msgpack(payload, self._secrets))

    def frame(self, way: Direction, opcode: int, payload: bytes, at_ns: int) -> None:
        """Write a line on a WebSocket message."""
        if opcode == TEXT:
            self.text(way, payload, at_ns)
        elif opcode == BINARY:
            self.binary(way, payload, at_ns)
        elif opcode == CLOSE:
            self._line(_ARROW[way], at_ns, f"WebSocket CLOSE {int.from_bytes(payload[:2], 'big') or ''}".rstrip())
        else:
            self._line(_ARROW[way], at_ns, f"{_CONTROL.get(opcode, 'WebSocket frame')} {len(payload)} B")

    def polled(self, way: Direction, polled: Any) -> None:
        """Write a line on a packet of long-polling; it is sent with the next request."""
        now_ns = time.time_ns()
        if polled.binary:
            self.binary(way, bytes(polled.data), now_ns)
        else:
            self.text(way, str(polled.encode()).encode("utf-8", "surrogatepass"), now_ns)

    def _line(self, arrow: str, at_ns: int, what: str) -> None:
        seconds, rest_ns = divmod(at_ns, 1_000_000_000)
        local = datetime.fromtimestamp(seconds)  # noqa: DTZ006 - as all other lines of the log
        self._write(f"{local:%H:%M:%S}.{rest_ns // 1000:06d} {self._name} {arrow} {what}")


class LoggingEngine(EngineIOClient):
    """An Engine.IO client that logs."""

    __slots__ = ("_flushing", "log")
    log: PacketLog

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._flushing = False

    def connect(self, url: str, *arguments: Any, **options: Any) -> None:
        """Connect as `EngineIOClient` does, and log what comes of it."""
        parts = urlsplit(url)
        self.log.note(f"connects to {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")
        try:
            super().connect(url, *arguments, **options)
        except engineio.exceptions.ConnectionError as error:
            self.log.note(f"could not connect: {error}")
            raise

    def break_off(self, why: str) -> None:
        """End the connection as broken, and log why."""
        self.log.note(f"broken off: {why}")
        super().break_off(why)

    def send_half(self, text: str) -> None:
        """Send half a message, and log that."""
        self.log.note(f"sends half of a message of {len(text)} characters")
        super().send_half(text)

    def _shorten(self) -> None:
        if self._channel is not None:
            self._channel.shorten(_NO_SHORT_WAY, self.observer, self.member)

    def _on_observed(self, event: str, payload: bytes, received_ns: int) -> None:
        self.log.text(Direction.IN, payload, received_ns)
        super()._on_observed(event, payload, received_ns)

    def _on_message(self, opcode: int, payload: bytes, received_ns: int) -> bool:
        self.log.frame(Direction.IN, opcode, payload, received_ns)
        return super()._on_message(opcode, payload, received_ns)

    def _receive_packet(self, pkt: packet.Packet) -> None:
        self.log.polled(Direction.IN, pkt)
        super()._receive_packet(pkt)

    def _send_packet(self, pkt: packet.Packet) -> None:
        if self.current_transport == "polling":
            self.log.polled(Direction.OUT, pkt)
        super()._send_packet(pkt)

    def _write(self, opcode: int, payload: bytes) -> None:
        # Packets that waited for a poll when the connection was upgraded are logged already.
        if self._channel is not None and not self._flushing:
            self.log.frame(Direction.OUT, opcode, payload, time.time_ns())
        super()._write(opcode, payload)

    def _flush_polling(self) -> None:
        self.log.note("upgraded to WebSocket")
        self._flushing = True
        try:
            super()._flush_polling()
        finally:
            self._flushing = False

    def _trigger_event(self, event: str, *arguments: Any, **options: Any) -> Any:
        if event == "connect":
            times = f"ping every {self.ping_interval:g} s, patience {self.ping_timeout:g} s"
            self.log.note(f"opened by {self.current_transport}: sid {self.sid}, upgrades {self.upgrades}, {times}")
        elif event == "disconnect":
            self.log.note(f"ended: {self.end_reason or ', '.join(map(str, arguments))}")
        return super()._trigger_event(event, *arguments, **options)


class LoggingSocketIOClient(SocketIOClient):
    """A Socket.IO client whose packets are logged.

    :param log: where to.
    """

    def __init__(self, log: PacketLog, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        log.packed = issubclass(self.packet_class, MsgPackPacket)
        self.eio.log = log

    def _engineio_client_class(self) -> type[EngineIOClient]:
        return LoggingEngine
