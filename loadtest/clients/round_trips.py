"""Round trips through the backend, by a client that is connected."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from loadtest.backends.prometheus import contract
from loadtest.clients.answers import about
from loadtest.clients.latency import Latency

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.backends.base import Adapter
    from loadtest.backends.endpoint import Endpoint
    from loadtest.clients.inbox import Inbox
    from loadtest.transport.client import SocketIOClient


class RoundTrips:
    """What a client needs in order to make them."""

    __slots__ = ()

    _endpoint: Endpoint
    inbox: Inbox
    patience_s: float
    rooms: list[str]
    socket: SocketIOClient

    @property
    def adapter(self) -> Adapter:
        """What knows the backend."""
        return self._endpoint.adapter

    def emit(self, event: str, *arguments: Any) -> None:
        """Send an event."""
        raise NotImplementedError

    def call(self, event: str, data: Any = None, timeout_s: float | None = None) -> Any:
        """Send an event and wait for its acknowledgement."""
        raise NotImplementedError

    def ping(self, timeout_s: float | None = None) -> float:
        """One round trip through the backend's `ping`, in milliseconds.

        :raises EventTimeoutError: if no `pong` with what was sent comes back.
        """
        # In microseconds: JavaScript's numbers have 53 bits, and nanoseconds would come back rounded.
        sent = {"n": time.time_ns() // 1000}
        return self._round_trip(
            contract.PING, sent, contract.PONG, lambda answer=None, *_: answer == sent, timeout_s
        )

    def rejoin(self, timeout_s: float | None = None) -> float:
        """One round trip by joining again the room that was joined last, in milliseconds: for backends without
        a `ping`.

        :raises EventTimeoutError: if there is no answer.
        """
        room, words = self.rooms[-1], self.adapter.words
        return self._round_trip(words.join, room, words.joined, about(self.adapter, room), timeout_s)

    def acknowledgement(self, timeout_s: float | None = None) -> float:
        """Join again the room that was joined last; the milliseconds until that is acknowledged.

        :raises EventTimeoutError: if it is not.
        """
        watch = self.socket.eio.stopwatch()
        self.call(self.adapter.words.join, self.rooms[-1], timeout_s)
        return watch.until_ns(self.socket.ack_received_ns) / 1e6

    def measure_latency(self, rounds: int = 10, *, by_ping: bool = True) -> Latency:
        """Measure so many round trips, one after the other.

        :param by_ping: by `ping`; else by joining again, see `rejoin`.
        :raises EventTimeoutError: if one of them is not answered.
        """
        trip = self.ping if by_ping else self.rejoin
        return Latency([trip() for _ in range(rounds)])

    def _round_trip(
        self, event: str, data: Any, answer: str, match: Callable[..., bool], timeout_s: float | None
    ) -> float:
        expectation = self.inbox.expect(answer, match)
        watch = self.socket.eio.stopwatch()
        try:
            self.emit(event, data)
            expectation.wait(self.patience(timeout_s))
        finally:
            self.inbox.forget(expectation)
        return watch.until_ns(expectation.received_ns) / 1e6

    def patience(self, timeout_s: float | None) -> float:
        """How long to wait, in seconds: as long as is said, or as long as it does."""
        return self.patience_s if timeout_s is None else timeout_s
