"""Who is told what a client does, so that the load can account for it; nobody, in a test of somebody else's."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtest.transport.client import SocketIOClient


class LossCause(Enum):
    """Who ended a connection."""

    BACKEND = "backend"
    """The backend or the network; the user wants to be back."""
    LOAD_TEST = "load test"
    """The load test, as a network that fails; the user wants to be back."""
    USER = "user"
    """The user itself, which does not count on anything until it is back."""


class Watcher(Protocol):
    """All times are nanoseconds since the epoch; a room is named by its project's id."""

    def attach(self, socket: SocketIOClient) -> None:
        """A client was made; it is not connected yet."""
        ...

    def connected(self, started_ns: int, now_ns: int, phases_ns: Mapping[str, int]) -> None:
        """It has connected.

        :param now_ns: when the last answer was received.
        :param phases_ns: what each phase took, until its answer was received.
        """
        ...

    def connect_failed(self, started_ns: int, now_ns: int, reason: str) -> None:
        """It could not connect."""
        ...

    def reconnect_failed(self, started_ns: int, now_ns: int, reason: str) -> None:
        """It could not connect again: refused, not answered, or nobody there. It will try again, as a rule."""
        ...

    def resumed(self, started_ns: int, now_ns: int) -> None:
        """It has connected again by itself, after a connection was lost."""
        ...

    def recovered(self, now_ns: int) -> None:
        """The same, and the backend restored its rooms and has sent again what it missed. Must not block."""
        ...

    def returned(self, lost_ns: int, now_ns: int) -> None:
        """It is in all its rooms again, after a connection was lost."""
        ...

    def lost(self, now_ns: int, reason: str, cause: LossCause) -> None:
        """Its connection was lost."""
        ...

    def ended(self, now_ns: int, *, connected: bool) -> None:
        """It disconnects for good."""
        ...

    def joining(self, project_id: str) -> None:
        """It is about to ask for a room."""
        ...

    def joined(self, project_id: str, started_ns: int, now_ns: int) -> None:
        """It was let in."""
        ...

    def join_failed(self, project_id: str, started_ns: int, now_ns: int, reason: str, *, refused: bool) -> None:
        """It could not join a room.

        :param refused: whether the backend said so; otherwise it may be in the room and not know it.
        """
        ...

    def leaving(self, project_id: str, now_ns: int) -> None:
        """It is about to leave a room."""
        ...


class _Nobody:
    def attach(self, socket: SocketIOClient) -> None: ...
    def connected(self, started_ns: int, now_ns: int, phases_ns: Mapping[str, int]) -> None: ...
    def connect_failed(self, started_ns: int, now_ns: int, reason: str) -> None: ...
    def reconnect_failed(self, started_ns: int, now_ns: int, reason: str) -> None: ...
    def resumed(self, started_ns: int, now_ns: int) -> None: ...
    def recovered(self, now_ns: int) -> None: ...
    def returned(self, lost_ns: int, now_ns: int) -> None: ...
    def lost(self, now_ns: int, reason: str, cause: LossCause) -> None: ...
    def ended(self, now_ns: int, *, connected: bool) -> None: ...
    def joining(self, project_id: str) -> None: ...
    def joined(self, project_id: str, started_ns: int, now_ns: int) -> None: ...
    def join_failed(
        self, project_id: str, started_ns: int, now_ns: int, reason: str, *, refused: bool
    ) -> None: ...
    def leaving(self, project_id: str, now_ns: int) -> None: ...


NOBODY: Final[Watcher] = _Nobody()
"""Where nobody watches."""
