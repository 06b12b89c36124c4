"""The viewer: a dashboard of a project's owner."""

from __future__ import annotations

from loadtest.tasks.watching import Watching
from loadtest.users.socketio_user import SocketIOUser


class Viewer(SocketIOUser):
    """Sits in one project's room for as long as the run lasts."""

    tasks = [Watching]  # noqa: RUF012 - Locust's way to name them
