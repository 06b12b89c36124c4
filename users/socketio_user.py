"""The base of all users that hold a Socket.IO connection."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from locust import User
from locust.exception import StopUser

from loadtest.clients.errors import FAILURES, ConnectFailedError
from loadtest.clients.reporting import report_act
from loadtest.tasks.context import current_context
from loadtest.users.accounting import watched_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.clients.client import Client
    from loadtest.clients.credentials import Token


class SocketIOUser(User):
    """Connects, authenticates, joins rooms, emits, and waits for events; everything it does is measured.

    Its connection is a `clients.client.Client`, which connects and joins again when it was lost.
    """

    abstract = True
    client: Client | None = None
    _user_number: int | None = None

    def on_start(self) -> None:
        """Take part in the run."""
        self.run_context = current_context(self.environment)

    def connect(self, token: Token | Callable[[], Token]) -> Client:
        """Connect and authenticate; a user that cannot is stopped.

        :param token: the JWT, or what gives it; None connects as a guest.
        """
        if self._user_number is None:
            self._user_number = self.run_context.user_number()
        name = type(self).__name__
        self.client = watched_client(self.environment, self.run_context, name, token, self._user_number)
        try:
            # A run that ends meanwhile waits for the answer, or for its time-out: either counts.
            with self.run_context.play():
                self.client.connect()
        except ConnectFailedError as error:
            raise StopUser(str(error)) from error
        return self.client

    def join(self, room: int, timeout_s: float | None = None) -> bool:
        """Join a room of the plan and wait for the answer; a refusal or silence is counted.

        :param room: the room's index in the plan.
        :returns: whether it was let in.
        """
        assert self.client is not None
        try:
            with self.run_context.play():
                self.client.join(self.run_context.plan.rooms[room].project_id, timeout_s)
        except FAILURES:
            return False
        return True

    def leave(self, room: int, timeout_s: float | None = None) -> None:
        """Leave a room where the backend can.

        :raises EventTimeoutError: if it does not answer.
        """
        assert self.client is not None
        self.client.leave(self.run_context.plan.rooms[room].project_id, timeout_s)

    def ping(self) -> None:
        """One round trip through the backend's `ping`; one that is not answered is counted."""
        assert self.client is not None
        meter = self.run_context.meter
        started_s = time.perf_counter()
        failure = ""
        try:
            meter.answered("ping", self.client.ping())
        except FAILURES as error:
            failure = str(error)
            meter.not_answered(f"ping: {failure}")
        report_act(self.environment, "WS", "ping", (time.perf_counter() - started_s) * 1000, failure)

    def on_stop(self) -> None:
        """Disconnect for good."""
        if self.client is not None:
            self.run_context.clients.discard(self.client)
            self.client.disconnect()
