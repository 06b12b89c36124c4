"""Many clients of one backend: made, waited for, measured and disconnected together.

The guide's `WebSocketTestHelper`, for pytest and for the load alike:

    with Helper(Endpoint("https://staging.example.org")) as helper:
        clients = helper.create(20, token)
        helper.wait_for_connections(clients)
        helper.join(clients, project_id)
        result = helper.test_broadcast(lambda: create_task(), "taskStatusUpdate", clients)
        assert result.exact, result
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

import gevent

from loadtest.clients.client import Client
from loadtest.clients.connection import PATIENCE_S
from loadtest.clients.debug_clients import packet_log
from loadtest.clients.errors import FAILURES, ConnectFailedError, EventTimeoutError
from loadtest.clients.watcher import NOBODY
from loadtest.transport.receive_clock import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    from loadtest.backends.endpoint import Endpoint
    from loadtest.clients.credentials import Token
    from loadtest.clients.watcher import Watcher
    from loadtest.transport.packet_log import PacketLog

_WINDOW: Final = 256
"""Acts whose events have not come yet, at most: more would only fill the kernel's buffers."""
_PAUSE_S: Final = 0.001
_REST_S: Final = 2.0
_AGAIN_S: Final = 0.3
"""How long a broadcast is waited for that must not come again."""


@dataclass(frozen=True, slots=True)
class ConnectionStats:
    """How many clients there are, and how many of them are connected now."""

    total: int
    connected: int

    @property
    def disconnected(self) -> int:
        """The rest."""
        return self.total - self.connected


@dataclass(slots=True)
class BroadcastResult:
    """Who got a broadcast.

    received_ms: client's index -> milliseconds from just before the trigger until the event was received.
    missing: indexes of the clients that did not get it in time. repeated: index of a client that got the very same
    event again -> how often it came in all. different: indexes of the clients whose event had another payload than
    the first client's. spread_ms: from the first receipt to the last.
    """

    received_ms: dict[int, float] = field(default_factory=dict)
    missing: list[int] = field(default_factory=list)
    repeated: dict[int, int] = field(default_factory=dict)
    different: list[int] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether everybody got it."""
        return not self.missing

    @property
    def exact(self) -> bool:
        """Whether everybody got the same, and once."""
        return self.complete and not self.repeated and not self.different

    @property
    def spread_ms(self) -> float:
        """From the first client that got it to the last."""
        return max(self.received_ms.values()) - min(self.received_ms.values()) if self.received_ms else 0.0

    def __str__(self) -> str:
        everybody = len(self.received_ms) + len(self.missing)
        text = (
            f"{len(self.received_ms)} of {everybody} clients got it within {self.spread_ms:.1f} ms of each other"
        )
        text += f"; not numbers {self.missing[:10]}" if self.missing else ""
        text += f"; more than once, by number: {dict(list(self.repeated.items())[:10])}" if self.repeated else ""
        return text + (f"; another payload: numbers {self.different[:10]}" if self.different else "")


class Helper:
    """See the module. Whatever it made is disconnected when it is closed.

    :param endpoint: where the backend is.
    :param watcher: gives each client who is told of what it does.
    :param source_address: gives each client the local address to leave from.
    :param patience_s: how long is waited where a call does not say otherwise.
    :param packet_log: gives each client where it logs its packets; None for no log.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        watcher: Callable[[], Watcher] = lambda: NOBODY,
        source_address: Callable[[], str | None] = lambda: None,
        patience_s: float = PATIENCE_S,
        packet_log: Callable[[], PacketLog | None] = lambda: None,
    ) -> None:
        self._packet_log = packet_log
        self._patience_s = patience_s
        self._endpoint = endpoint
        self._watcher = watcher
        self._source_address = source_address
        self.clients: list[Client] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def client(
        self,
        token: Token | Callable[[], Token] = None,
        *,
        endpoint: Endpoint | None = None,
        measured: bool = True,
        reconnects: bool = False,
        log_packets: bool = False,
    ) -> Client:
        """A new client that is not connected yet.

        :param endpoint: another place, as that of a simulated network.
        :param measured: whether its watcher is told; not what is meant to be refused, late or lost.
        :param log_packets: whether all its packets are logged, by the logger `loadtest.packets`.
        """
        made = Client(
            endpoint or self._endpoint,
            token,
            watcher=self._watcher() if measured else NOBODY,
            source_address=self._source_address(),
            reconnects=reconnects,
            patience_s=self._patience_s,
            packet_log=packet_log(f"client {len(self.clients) + 1}") if log_packets else self._packet_log(),
        )
        self.clients.append(made)
        return made

    def create(self, number: int, token: Token | Callable[[], Token] = None, **options: Any) -> list[Client]:
        """So many new clients; see `client`."""
        return [self.client(token, **options) for _ in range(number)]

    def wait_for_connections(
        self, clients: Sequence[Client] | None = None, timeout_s: float | None = None
    ) -> float:
        """Connect all of them at once, and wait until they are; how long that took, in milliseconds.

        :raises ConnectFailedError: if one of them cannot; the first reason, and how many there are.
        """
        started_s = time.perf_counter()
        waiting = [client for client in (self.clients if clients is None else clients) if not client.connected]
        failures = self._all_at_once([partial(one.connect, timeout_s) for one in waiting])
        if failures:
            raise ConnectFailedError(f"{len(failures)} of {len(waiting)} could not connect: {failures[0]}")
        return (time.perf_counter() - started_s) * 1000

    def join(self, clients: Iterable[Client], project_id: str, timeout_s: float | None = None) -> None:
        """Let all of them join one room, at once.

        :raises EventTimeoutError: if one of them is refused or not answered; the first reason.
        """
        failures = self._all_at_once([partial(one.join, project_id, timeout_s) for one in clients])
        if failures:
            raise EventTimeoutError(f"{len(failures)} could not join: {failures[0]}")

    def test_broadcast(
        self,
        trigger: Callable[[], Any],
        event: str,
        clients: Sequence[Client] | None = None,
        *,
        match: Callable[..., bool] | None = None,
        timeout_s: float | None = None,
    ) -> BroadcastResult:
        """Do what makes the backend broadcast, and see who gets it, and whether somebody gets it again.

        The broadcast is the first event that matches, at each client.

        :param trigger: what to do.
        :param match: tells the event from others of its name.
        """
        receivers = list(self.clients if clients is None else clients)
        expectations = [client.expect(event, match) for client in receivers]
        came: list[list[tuple[Any, ...]]] = [[] for _ in receivers]
        counting = [client.expect(event, partial(_note, own)) for client, own in zip(receivers, came, strict=True)]
        started_s = time.perf_counter()
        watch = Stopwatch()
        try:
            trigger()
            patience_s = self._patience_s if timeout_s is None else timeout_s
            left_s = max(started_s + patience_s - time.perf_counter(), 0.0)
            gevent.wait([expectation.result for expectation in expectations], timeout=left_s)
            gevent.sleep(_AGAIN_S)
        finally:
            for client, *own in zip(receivers, expectations, counting, strict=True):
                for expectation in own:
                    client.inbox.forget(expectation)
        result = BroadcastResult()
        first: tuple[Any, ...] | None = None
        for index, expectation in enumerate(expectations):
            if expectation.result.ready():
                result.received_ms[index] = watch.until_ns(expectation.received_ns) / 1e6
                arguments = expectation.result.get()
                first = arguments if first is None else first
                if arguments != first:
                    result.different.append(index)
                if (times := came[index].count(arguments)) > 1:
                    result.repeated[index] = times
            else:
                result.missing.append(index)
        return result

    def measure_events_per_second(
        self, act: Callable[[], Any], client: Client, event: str, for_s: float = 1.0
    ) -> float:
        """Do something again and again for a while, without waiting for what comes of it; how many events of a
        name the client got for it, a second.

        :param act: what to do; it has to return at once.
        """
        heard = 0

        def hear(*_: Any) -> None:
            nonlocal heard
            heard += 1

        client.inbox.subscribe(event, hear)
        started_s = time.perf_counter()
        sent = 0
        try:
            while time.perf_counter() - started_s < for_s:
                act()
                sent += 1
                gevent.sleep(0)
                while sent - heard >= _WINDOW and time.perf_counter() - started_s < for_s:
                    gevent.sleep(_PAUSE_S)
            deadline_s = time.perf_counter() + _REST_S
            while heard < sent and time.perf_counter() < deadline_s:
                gevent.sleep(_PAUSE_S)
        finally:
            client.inbox.unsubscribe(event)
        return heard / (time.perf_counter() - started_s)

    def connection_stats(self) -> ConnectionStats:
        """Of all clients that were made."""
        return ConnectionStats(len(self.clients), sum(client.connected for client in self.clients))

    def close(self) -> None:
        """Disconnect all clients and forget them."""
        made, self.clients = self.clients, []
        for client in made:
            client.disconnect()

    @staticmethod
    def _all_at_once(acts: list[Callable[[], object]]) -> list[Exception]:
        """What went wrong."""
        running = [gevent.spawn(_reason, act) for act in acts]
        gevent.joinall(running, raise_error=True)
        return [one.value for one in running if one.value is not None]


def _reason(act: Callable[[], object]) -> Exception | None:
    """Why it went wrong; None if it did not."""
    try:
        act()
    except FAILURES as error:
        return error
    return None


def _note(came: list[tuple[Any, ...]], *arguments: Any) -> bool:
    """Keep what came, and wait on."""
    came.append(arguments)
    return False
