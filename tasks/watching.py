"""Watching: a dashboard that sits in its project's room and receives."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from locust import TaskSet, task
from locust.exception import StopUser

from scenarios import capabilities as can
from scenarios.capabilities import Capabilities

from .always import always

if TYPE_CHECKING:
    from users.socketio_user import SocketIOUser


class Watching(TaskSet):
    """Connects, joins, now and then pings, and stays until the run is over. Its user is a `SocketIOUser`."""

    def on_start(self) -> None:
        """Connect as the rooms' owner and join."""
        self._watcher = cast("SocketIOUser", self.user)
        context = self._watcher.run_context
        rooms = context.plan.rooms_of(context.number("viewer"))
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
        if plan.ping_every_s and Capabilities.from_message(plan.cast.capabilities).can(can.PING):
            while not context.closing.wait(plan.ping_every_s):
                self._watcher.ping()
        context.over.wait()
        raise StopUser
