"""The relay: whoever connects to it is connected with the server behind it, as far as the network lets them."""

from __future__ import annotations

import struct
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Final, Self

import gevent
from gevent import socket
from gevent.event import Event
from gevent.server import StreamServer

from loadtest.network.conditions import BOTH, Conditions, Direction, Way

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random
    from types import TracebackType

_READ_BYTES: Final = 65_536
_MOST_QUEUED: Final = 256
_BACKLOG: Final = 4096
_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""For SO_LINGER: to close is to reset."""
_CONNECT_S: Final = 10.0
_BUFFER_S: Final = 0.2
"""What may wait where there is a rate: as much as is sent in that time."""


class Relay:
    """A server of its own. It carries bytes: TLS goes through as it is.

    :param target: host and port of the server behind it.
    :param random: makes losses repeatable.
    :param port: where it listens; 0 for any that is free.
    """

    def __init__(
        self,
        target: tuple[str, int],
        random: Random,
        conditions: Conditions | None = None,
        port: int = 0,
    ) -> None:
        self._target = target
        self._random = random.random
        self.conditions: dict[Direction, Conditions] = dict.fromkeys(BOTH, conditions or Conditions())
        """May be changed at any time."""
        self._open = {direction: Event() for direction in BOTH}
        for gate in self._open.values():
            gate.set()
        self._pairs: list[tuple[Any, Any]] = []
        self.counts: Counter[str] = Counter()
        """connections, refused by the server; up_bytes, down_bytes; broken."""
        self.port = port
        self._listen()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._pairs)

    def stall(self, directions: Iterable[Direction] = BOTH) -> None:
        """Let nothing through, and tell nobody."""
        for direction in directions:
            self._open[direction].clear()

    def go_on(self, directions: Iterable[Direction] = BOTH) -> None:
        """Let through what has waited."""
        for direction in directions:
            self._open[direction].set()

    def cut(self) -> None:
        """End all connections (FIN); new ones can be made."""
        for pair in self._break():
            for connection in pair:
                _shut(connection)

    def reset(self) -> None:
        """Reset all connections (RST), as a load balancer that restarts, or a table of states that is full."""
        for pair in self._break():
            for connection in pair:
                _reset(connection)

    def half_open(self, side: str) -> None:
        """One end of all connections goes away, and the other is not told.

        :param side: `client` or `server`: whose end goes.
        """
        for client, server in self._break():
            _reset(client if side == "client" else server)

    def refuse(self) -> None:
        """Take no new connections: they are refused, as where nobody listens."""
        self._server.stop()

    def accept(self) -> None:
        """Take connections again, at the same port."""
        if not self._server.started:
            self._listen()

    def close(self) -> None:
        """End it."""
        self.go_on()
        self._server.stop()
        for pair in self._pairs:
            for connection in pair:
                _shut(connection)

    def _listen(self) -> None:
        self._server = StreamServer(("127.0.0.1", self.port), self._serve, backlog=_BACKLOG)
        self._server.start()
        self.port = self._server.server_port

    def _break(self) -> list[tuple[Any, Any]]:
        """The connections that there are; their ends stay with whoever breaks them."""
        self.counts["broken"] += len(self._pairs)
        return list(self._pairs)

    def _serve(self, client: Any, _address: Any) -> None:
        self.counts["connections"] += 1
        try:
            server = socket.create_connection(self._target, timeout=_CONNECT_S)
        except OSError:
            self.counts["refused by the server"] += 1
            client.close()  # the client sees what it would see of a server that is not there
            return
        server.settimeout(None)
        pair = (client, server)
        self._pairs.append(pair)
        for connection in pair:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ways = [
            gevent.spawn(self._carry, Direction.UP, client, server),
            gevent.spawn(self._carry, Direction.DOWN, server, client),
        ]
        gevent.joinall(ways, count=1)
        # Where we have taken one end away, the other must not notice.
        half_open = client.closed != server.closed
        if not half_open:
            for connection in pair:
                _shut(connection)
        gevent.joinall(ways)
        self._pairs.remove(pair)
        for connection in pair:
            connection.close()

    def _carry(self, direction: Direction, source: Any, sink: Any) -> None:
        """One direction: reads go out in order, each when it is due."""
        queue: deque[tuple[float, bytes]] = deque()
        more = Event()
        clock = gevent.get_hub().loop

        def write() -> None:
            while True:
                while not queue:
                    more.clear()
                    more.wait()
                due_s, data = queue.popleft()
                clock.update_now()
                gevent.sleep(max(due_s - clock.now(), 0.0))
                self._open[direction].wait()
                if not data:
                    return
                try:
                    sink.sendall(data)
                except OSError:
                    # It is gone. What is sent to it is lost, as it is on a way that ends nowhere.
                    continue
                self.counts[f"{direction}_bytes"] += len(data)

        writer = gevent.spawn(write)
        way = Way()
        try:
            while data := source.recv(_READ_BYTES):
                clock.update_now()
                queue.append((way.take(clock.now(), len(data), self.conditions[direction], self._random), data))
                more.set()
                # A sender notices a narrow way, as its bytes are not taken any more.
                gevent.sleep(max(way.sent_s - clock.now() - _BUFFER_S, 0.0))
                while len(queue) > _MOST_QUEUED:
                    gevent.sleep(0.001)
        except OSError:
            pass  # one side is gone, which ends the connection for the other
        queue.append((way.due_s, b""))
        more.set()
        clock.update_now()
        writer.join(timeout=max(way.due_s - clock.now(), 0.0) + 1)
        writer.kill()


def _shut(connection: Any) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is shut already


def _reset(connection: Any) -> None:
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    except OSError:
        return  # it is gone already
    connection.close()
