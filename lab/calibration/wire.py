"""What captured packets say: the HTTP exchanges and the messages of each connection, with their times. Pure.

h11 and wsproto do the parsing, none of which the load test uses for its own connections.
"""

from __future__ import annotations

import gzip
from collections import defaultdict
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

import h11
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, TextMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.calibration.capture import Packet

_SEQUENCE_NUMBERS: Final = 1 << 32
_SWITCHING: Final = 101


class Message(NamedTuple):
    """One Engine.IO packet. at_ns: when its last byte was received. by_client: whether the client sent it."""

    at_ns: int
    by_client: bool
    text: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP request and its answer.

    started_ns: when the request's first byte was received. finished_ns: when the answer's last byte was.
    """

    method: str
    target: str
    body: bytes
    started_ns: int
    status: int
    answer: bytes
    finished_ns: int


@dataclass(slots=True)
class Flow:
    """One TCP connection.

    opened_ns: when its SYN was received; None if that was before the capture. accepted_ns: when the SYN-ACK was.
    """

    opened_ns: int | None = None
    accepted_ns: int | None = None
    exchanges: list[Exchange] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    """What was sent over the WebSocket that it became."""

    @property
    def tcp_ns(self) -> int:
        """Time from the SYN to the SYN-ACK, in nanoseconds.

        :raises ValueError: if the capture has not seen them.
        """
        if self.opened_ns is None or self.accepted_ns is None:
            raise ValueError("the capture has not seen the connection's beginning")
        return self.accepted_ns - self.opened_ns


def flows(packets: Iterable[Packet]) -> list[Flow]:
    """Return the TCP connections of a capture, in the order of their first packets."""
    by_port: dict[int, list[_Reading]] = {}
    for packet in sorted(packets, key=attrgetter("at_ns")):
        readings = by_port.setdefault(packet.client_port, [])
        if not readings or (packet.syn and packet.by_client and readings[-1].is_used):
            readings.append(_Reading())
        readings[-1].read(packet)
    return [reading.flow for readings in by_port.values() for reading in readings]


class _Side:
    """One direction of a connection: what arrives, in the order in which it was sent."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._ahead: dict[int, bytes] = {}

    def take(self, packet: Packet) -> bytes:
        """Return the bytes that can be read now: none if earlier ones are missing, or it was there before."""
        if packet.syn or self._next is None:
            self._next = (packet.seq + packet.syn) % _SEQUENCE_NUMBERS
        if packet.payload:
            self._ahead[packet.seq] = packet.payload
        found = b""
        while (piece := self._ahead.pop(self._next, None)) is not None:
            found += piece
            self._next = (self._next + len(piece)) % _SEQUENCE_NUMBERS
        return found


class _Reading:
    """Reads one connection as HTTP/1.1, and after a switch of protocols as a WebSocket."""

    def __init__(self) -> None:
        self.flow = Flow()
        self.is_used = False
        """Whether anything but its beginning was read."""
        self._sides = {by_client: _Side() for by_client in (True, False)}
        self._server, self._client = h11.Connection(h11.SERVER), h11.Connection(h11.CLIENT)
        self._request: h11.Request | None = None
        self._response: h11.Response | h11.InformationalResponse | None = None
        self._body = self._answer = b""
        self._started_ns: int | None = None
        self._sockets: dict[bool, Connection] | None = None
        self._partial: defaultdict[bool, bytes] = defaultdict(bytes)
        """What wsproto has handed out of a message that is not whole yet, by direction."""

    def read(self, packet: Packet) -> None:
        """Read the next packet."""
        # A SYN may be sent again.
        if packet.syn and packet.by_client and self.flow.opened_ns is None:
            self.flow.opened_ns = packet.at_ns
        elif packet.syn and not packet.by_client and self.flow.accepted_ns is None:
            self.flow.accepted_ns = packet.at_ns
        data = self._sides[packet.by_client].take(packet)
        if not data:
            return
        self.is_used = True
        if self._sockets is not None:
            self._read_messages(self._sockets[packet.by_client], packet, data)
        elif packet.by_client:
            self._read_request(packet.at_ns, data)
        else:
            self._read_answer(packet, data)

    def _read_request(self, at_ns: int, data: bytes) -> None:
        self._started_ns = at_ns if self._started_ns is None else self._started_ns
        self._server.receive_data(data)
        while isinstance(event := self._server.next_event(), h11.Event):
            self._client.send(event)
            if isinstance(event, h11.Request):
                self._request = event
            elif isinstance(event, h11.Data):
                self._body += bytes(event.data)
            else:
                break

    def _read_answer(self, packet: Packet, data: bytes) -> None:
        self._client.receive_data(data)
        while isinstance(event := self._client.next_event(), h11.Event):
            self._server.send(event)
            if isinstance(event, h11.Data):
                self._answer += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self._end_exchange(packet.at_ns)
                return
            elif isinstance(event, h11.Response | h11.InformationalResponse):
                self._response = event
                if event.status_code == _SWITCHING:
                    self._end_exchange(packet.at_ns)
                    self._switch(packet)
                    return

    def _end_exchange(self, at_ns: int) -> None:
        request, response = self._request, self._response
        assert request is not None
        assert response is not None
        assert self._started_ns is not None
        is_packed = (b"content-encoding", b"gzip") in response.headers
        self.flow.exchanges.append(
            Exchange(
                request.method.decode(),
                request.target.decode(),
                self._body,
                self._started_ns,
                response.status_code,
                gzip.decompress(self._answer) if is_packed else self._answer,
                at_ns,
            )
        )
        self._request = self._response = None
        self._body = self._answer = b""
        self._started_ns = None
        if response.status_code != _SWITCHING and self._client.our_state is h11.DONE:
            self._client.start_next_cycle()
            self._server.start_next_cycle()

    def _switch(self, packet: Packet) -> None:
        self._sockets = {True: Connection(ConnectionType.SERVER), False: Connection(ConnectionType.CLIENT)}
        rest, _ = self._client.trailing_data
        if rest:
            self._read_messages(self._sockets[False], packet, rest)

    def _read_messages(self, socket: Connection, packet: Packet, data: bytes) -> None:
        socket.receive_data(data)
        for event in socket.events():
            if isinstance(event, TextMessage | BytesMessage):
                data = event.data.encode() if isinstance(event, TextMessage) else bytes(event.data)
                self._partial[packet.by_client] += data
                if event.message_finished:
                    text = self._partial.pop(packet.by_client).decode(errors="replace")
                    self.flow.messages.append(Message(packet.at_ns, packet.by_client, text))
