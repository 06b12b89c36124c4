"""Watching: a dashboard that sits in its project's room and receives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from locust import TaskSet, task
from locust.exception import StopUser

if TYPE_CHECKING:
    from .context import RunContext


class Watching(TaskSet):
    """Connects, joins, and stays until the run is over. Its user is a `SocketIOUser`."""

    def on_start(self) -> None:
        """Connect as the room's owner and join."""
        context: RunContext = self.user.context
        self._room = context.plan.room_of(context.number("viewer"))
        self.user.connect(context.plan.rooms[self._room].token)
        self.user.join(self._room)

    @task
    def watch(self) -> None:
        """Wait for the end; what arrives is observed without waking this greenlet."""
        self.user.context.over.wait()
        raise StopUser
