"""Watching: a dashboard that sits in its project's room and receives."""

from __future__ import annotations

import time
from functools import partial
from operator import itemgetter
from random import Random
from typing import TYPE_CHECKING, cast

from locust import TaskSet, task
from locust.exception import StopUser

from loadtest.scenarios import capabilities as can
from loadtest.scenarios.capabilities import Capabilities
from loadtest.tasks.always import always

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.users.socketio_user import SocketIOUser


class Watching(TaskSet):
    """Connects, joins, now and then pings or loses its connection, and stays until the run is over.

    Its user is a `SocketIOUser`.
    """

    def on_start(self) -> None:
        """Connect as the rooms' owner and join."""
        self._watcher = cast("SocketIOUser", self.user)
        context = self._watcher.run_context
        rooms = context.plan.rooms_of(context.number("viewer"))
        context.arrivals.take_turn()
        # With an expiry in sight, what is good now has to be asked for at each connect.
        self._watcher.connect(partial(context.tokens.__getitem__, rooms[0]))
        for room in rooms:
            self._watcher.join(room)

    @always
    @task
    def watch(self) -> None:
        """Wait for the end; what arrives is observed without waking this greenlet."""
        context = self._watcher.run_context
        plan = context.plan
        now_s = time.monotonic()
        due: list[tuple[float, float, Callable[[], None]]] = []
        if plan.ping_every_s and Capabilities.from_message(plan.cast.capabilities).can(can.PING):
            due.append((now_s + plan.ping_every_s, plan.ping_every_s, self._watcher.ping))
        if plan.drop_every_s:
            chance = Random(f"{plan.run}/drops/{plan.worker}/{context.number('drops')}")  # noqa: S311 - repeatable
            due.append((now_s + plan.drop_every_s * chance.random(), plan.drop_every_s, self._lose_connection))
        while due:
            due.sort(key=itemgetter(0))
            at_s, every_s, act = due.pop(0)
            if context.closing.wait(max(at_s - time.monotonic(), 0)):
                break
            act()
            due.append((max(at_s + every_s, time.monotonic()), every_s, act))
        context.over.wait()
        raise StopUser

    def _lose_connection(self) -> None:
        """Nothing is counted before it is back: what it missed is on its way until then."""
        client = self._watcher.client
        context = self._watcher.run_context
        if client is not None and client.connected and context.publishing.is_set():
            with context.play():
                client.drop(wanted=False)
                client.wait_until_back()
