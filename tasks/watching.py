"""Watching: a dashboard that sits in its project's room and receives."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from locust import TaskSet, task
from locust.exception import StopUser

if TYPE_CHECKING:
    from users.socketio_user import SocketIOUser


class Watching(TaskSet):
    """Connects, joins, and stays until the run is over. Its user is a `SocketIOUser`."""

    def on_start(self) -> None:
        """Connect as the room's owner and join."""
        user = cast("SocketIOUser", self.user)
        plan = user.run_context.plan
        room = plan.room_of(user.run_context.number("viewer"))
        user.connect(plan.rooms[room].token)
        user.join(room)

    @task
    def watch(self) -> None:
        """Wait for the end; what arrives is observed without waking this greenlet."""
        cast("SocketIOUser", self.user).run_context.over.wait()
        raise StopUser
