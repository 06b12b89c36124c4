"""What can go wrong for a client that is the backend's answer, or its silence, and no fault of the test."""

from __future__ import annotations

from typing import Final

from socketio.exceptions import SocketIOError


class ConnectFailedError(Exception):
    """The backend could not be reached, or did not let the client in; the message is the reason."""


class JoinRefusedError(Exception):
    """The backend did not let the client into a room; the message is what it said."""


class EventTimeoutError(Exception):
    """An event did not come in time."""


class NoAnswerError(Exception):
    """A REST call that has to be answered was not, or with a failure of the backend's own."""


FAILURES: Final = (ConnectFailedError, JoinRefusedError, EventTimeoutError, NoAnswerError, SocketIOError)
"""All of them, and python-socketio's own, as of a connection that is gone."""
