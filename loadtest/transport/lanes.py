"""Runs handlers in order, connection by connection, in greenlets that all connections share.

A connection has no greenlet of its own: when something arrives for it, its lane is served by an idle one, or by
a new one if all are busy. So one slow handler delays its own connection and nobody else.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import gevent
from gevent.queue import SimpleQueue

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

_MOST_IDLE: Final = 16


class Servers:
    """The shared greenlets."""

    def __init__(self) -> None:
        self._lanes: SimpleQueue[Lane] = SimpleQueue()
        self._idle = 0

    def serve(self, lane: Lane) -> None:
        """Have a lane served soon."""
        self._lanes.put(lane)
        if self._lanes.qsize() > self._idle:
            gevent.spawn(self._run)

    def _run(self) -> None:
        while True:
            if self._lanes.empty() and self._idle >= _MOST_IDLE:
                return
            self._idle += 1
            try:
                lane = self._lanes.get()
            finally:
                self._idle -= 1
            lane.run()


class Lane:
    """The calls of one connection: one after the other, in the order of submission."""

    __slots__ = ("_calls", "_servers")

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._calls: deque[tuple[Callable[..., object], tuple[Any, ...]]] | None = None

    def submit(self, call: Callable[..., object], *arguments: Any) -> None:
        """Run a call when those before it are done; may be called from the hub."""
        if self._calls is None:
            self._calls = deque()
            self._servers.serve(self)
        self._calls.append((call, arguments))

    def alone(self, call: Callable[..., object], *arguments: Any) -> None:
        """Run a call soon, without waiting for those before it."""
        Lane(self._servers).submit(call, *arguments)

    def run(self) -> None:
        """Run what there is. A call that raises is logged and stops nothing."""
        while self._calls:
            call, arguments = self._calls.popleft()
            try:
                call(*arguments)
            except Exception:
                logger.exception("a handler failed")
        self._calls = None
