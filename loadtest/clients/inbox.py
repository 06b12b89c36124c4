"""Waiting for events: say what you expect, act, then wait for it with a deadline."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import AsyncResult

from loadtest.clients.errors import EventTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.transport.client import SocketIOClient


@dataclass(slots=True)
class Heard:
    """An event that arrived. at_ns: when it was handled, in nanoseconds since the epoch."""

    event: str
    arguments: tuple[Any, ...]
    at_ns: int = field(default_factory=time.time_ns)

    @property
    def data(self) -> Any:
        """Its first argument; None if it has none."""
        return self.arguments[0] if self.arguments else None

    def __str__(self) -> str:
        return f"{self.event} {self.data}"


class Expectation:
    """One event that somebody waits for."""

    def __init__(self, event: str, match: Callable[..., bool] | None) -> None:
        self.event = event
        self._match = match
        self.result: AsyncResult = AsyncResult()
        self.received_ns = 0
        """Receive timestamp of the event that met the condition."""

    def offer(self, arguments: tuple[Any, ...], received_ns: int) -> bool:
        """Whether this is the event that was waited for."""
        if self._match is not None and not self._match(*arguments):
            return False
        self.received_ns = received_ns
        self.result.set(arguments)
        return True

    def wait(self, timeout_s: float) -> tuple[Any, ...]:
        """The event's arguments.

        :raises EventTimeoutError: if it does not come in time.
        """
        try:
            arguments: tuple[Any, ...] = self.result.get(timeout=timeout_s)
        except gevent.Timeout as error:
            raise EventTimeoutError(f"no {self.event} within {timeout_s:g} s") from error
        return arguments


class Inbox:
    """The expectations of one client, and who hears all of an event."""

    __slots__ = ("_client", "_subscribers", "_waiting")

    def __init__(self, client: SocketIOClient) -> None:
        self._client = client
        self._waiting: dict[str, list[Expectation]] = {}
        self._subscribers: dict[str, Callable[..., None]] = {}

    def expect(self, event: str, match: Callable[..., bool] | None = None) -> Expectation:
        """Begin to wait for the next event of a name whose arguments match. Call before acting."""
        self._open(event)
        expectation = Expectation(event, match)
        self._waiting[event].append(expectation)
        return expectation

    def forget(self, expectation: Expectation) -> None:
        """Stop to wait."""
        waiting = self._waiting[expectation.event]
        if expectation in waiting:
            waiting.remove(expectation)

    def subscribe(self, event: str, hear: Callable[..., None]) -> None:
        """Have all events of a name heard, by one hearer each, from now on."""
        self._open(event)
        self._subscribers[event] = hear

    def unsubscribe(self, event: str) -> None:
        """Nobody hears all of an event any more."""
        self._subscribers.pop(event, None)

    def _open(self, event: str) -> None:
        if event not in self._waiting:
            self._waiting[event] = []
            self._client.on(event, lambda *arguments: self._arrived(event, arguments))

    def _arrived(self, event: str, arguments: tuple[Any, ...]) -> None:
        received_ns = self._client.event_received_ns
        if (hear := self._subscribers.get(event)) is not None:
            hear(*arguments)
        waiting = self._waiting[event]
        waiting[:] = [expectation for expectation in waiting if not expectation.offer(arguments, received_ns)]


def first_of(timeout_s: float, *expectations: Expectation) -> Expectation | None:
    """The first of several expectations that is met, or None if none is in time."""
    gevent.wait([expectation.result for expectation in expectations], timeout=timeout_s, count=1)
    return next((expectation for expectation in expectations if expectation.result.ready()), None)
