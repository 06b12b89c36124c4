"""Whoever plays scenarios: what a load's user, or a test, has to give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from random import Random

    from loadtest.backends.endpoint import Endpoint
    from loadtest.backends.plan import Cast, Room
    from loadtest.backends.rest import Answer
    from loadtest.clients.helper import Helper
    from loadtest.scenarios.capabilities import Capabilities
    from loadtest.scenarios.hearing import Task


class SkipError(Exception):
    """Something that the scenario needs is not there; the message says what."""


class Company(Protocol):
    """What a load's user, or a test, gives to its scenarios."""

    endpoint: Endpoint
    cast: Cast
    capabilities: Capabilities
    random: Random
    patience_s: float
    """How long something is waited for that has to come."""
    session_s: float
    """How long a session is that has to be long."""

    @property
    def rooms(self) -> Sequence[Room]:
        """The run's."""
        ...

    def helper(self) -> Helper:
        """What makes clients, for one play."""
        ...

    def token(self, room: int) -> str:
        """The token of a room's owner that is good now."""
        ...

    def choose_room(self) -> int:
        """The room to play in, by the run's topology."""
        ...

    def create_task(self, room: int) -> Task:
        """Have the backend broadcast a burst to one of `rooms`.

        :raises SkipError: if it refuses.
        :raises NoAnswerError: if it does not answer, or fails.
        """
        ...

    def request(self, method: str, path: str, token: str | None = None, body: Any = None) -> Answer:
        """A REST call.

        :raises SkipError: if it is throttled.
        :raises NoAnswerError: if it is not answered.
        """
        ...

    def is_ending(self) -> bool:
        """Whether the run ends, so that nothing is waited for that may take minutes."""
        ...

    def overload(self, scenario: str) -> AbstractContextManager[None]:
        """While it lasts, a scenario overloads the backend on purpose: see `measurement.overload`."""
        ...

    def answered(self, question: str, took_ms: float) -> None:
        """A time to be kept."""
        ...

    def find(self, name: str, evidence: str) -> None:
        """Something was found that should not be; see `findings.SEEN`."""
        ...

    def check(self, scenario: str, check: str, passed: bool | None, evidence: str, hint: str = "") -> None:
        """A check was made, or could not be made (None).

        :param hint: the remedy, if the check failed.
        """
        ...
