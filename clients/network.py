"""A bad network on one machine: a relay before the backend that is slow, loses, stalls, and is cut.

TCP repairs what a network loses; a lost segment is one that comes late, and so does all behind it. So does the
relay: a loss holds up its direction of that connection for a retransmission time-out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import gevent
from gevent import socket
from gevent.event import Event
from gevent.server import StreamServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random
    from types import TracebackType

    from backend.endpoint import Endpoint

RETRANSMISSION_S: Final = 0.2
"""Linux's least retransmission time-out."""
_READ_BYTES: Final = 65_536
_MOST_QUEUED: Final = 256


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a network does to each direction.

    latency_s: how long everything takes. jitter_s: up to so much longer, evenly drawn; order is kept. loss: share
    of the reads that are lost at first. bytes_per_s: no more than that goes through; 0 for all there is.
    """

    latency_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0
    bytes_per_s: float = 0.0

    def delay_s(self, size: int, random: Callable[[], float]) -> float:
        """How long one read takes, with what it lost."""
        delay_s = self.latency_s + self.jitter_s * random()
        if self.loss and random() < self.loss:
            delay_s += RETRANSMISSION_S
        return delay_s + (size / self.bytes_per_s if self.bytes_per_s else 0.0)


class Network:
    """See the module.

    :param endpoint: the backend; without TLS.
    :param random: makes the losses repeatable.
    """

    def __init__(self, endpoint: Endpoint, conditions: Conditions, random: Random) -> None:
        parts = urlsplit(endpoint.host)
        self._target = (parts.hostname or "", parts.port or 80)
        self._random = random.random
        self.conditions = conditions
        """May be changed at any time."""
        self._up = Event()
        self._up.set()
        self._sockets: set[Any] = set()
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()
        self.endpoint = replace(endpoint, host=f"http://127.0.0.1:{self._server.server_port}")
        """Where clients have to connect."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def stall(self) -> None:
        """Let nothing through, and tell nobody."""
        self._up.clear()

    def go_on(self) -> None:
        """Let through what has waited."""
        self._up.set()

    def cut(self) -> None:
        """Break all connections off; new ones can be made."""
        for connection in list(self._sockets):
            _shut(connection)

    def close(self) -> None:
        """End it."""
        self._up.set()
        self._server.stop()
        self.cut()

    def _serve(self, client: Any, _address: Any) -> None:
        try:
            backend = socket.create_connection(self._target)
        except OSError:
            client.close()  # the client sees what it would see of a backend that is not there
            return
        pair = (client, backend)
        self._sockets.update(pair)
        for connection in pair:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ways = [gevent.spawn(self._carry, client, backend), gevent.spawn(self._carry, backend, client)]
        gevent.joinall(ways, count=1)
        for connection in pair:
            _shut(connection)
        gevent.joinall(ways)
        for connection in pair:
            self._sockets.discard(connection)
            connection.close()

    def _carry(self, source: Any, sink: Any) -> None:
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
                self._up.wait()
                if not data:
                    return
                sink.sendall(data)

        writer = gevent.spawn(write)
        due_s = 0.0
        try:
            while data := source.recv(_READ_BYTES):
                clock.update_now()
                # Nothing overtakes: what is late holds up what follows.
                due_s = max(due_s, clock.now() + self.conditions.delay_s(len(data), self._random))
                queue.append((due_s, data))
                more.set()
                while len(queue) > _MOST_QUEUED:
                    gevent.sleep(0.001)
        except OSError:
            pass  # one side is gone, which ends the connection for the other
        queue.append((due_s, b""))
        more.set()
        writer.join(timeout=self.conditions.latency_s + 1)
        writer.kill()


def _shut(connection: Any) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is shut already
