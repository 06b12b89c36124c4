"""Requests to join a room: until one is answered, what arrives for that room waits for the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loadtest.measurement.presence import Presence, Span
    from loadtest.measurement.recogniser import Broadcast


class Answer(Enum):
    """What the backend answered to a request to join."""

    PENDING = "pending"
    """Nothing yet."""
    JOINED = "joined"
    REFUSED = "refused"
    """Whatever arrives for the room from now on is leaked."""
    NONE = "none"
    """Nothing, and nobody waits any longer: the socket may be in the room or not."""


@dataclass(slots=True)
class Join:
    """One request to join a room.

    number: counts the account's requests; an arrival belongs to the latest request made before it.
    spans: how many memberships there had been before.
    refused_ns: when the refusal came.
    waiting: (broadcast, received_ns) of what arrived before the answer, in order.
    """

    number: int
    spans: int
    answer: Answer = Answer.PENDING
    refused_ns: int = 0
    waiting: list[tuple[Broadcast, int]] = field(default_factory=list)


def pending(presence: Presence) -> Join | None:
    """Return the request to join a room that is not answered yet."""
    latest = presence.joins[-1] if presence.joins else None
    return latest if latest is not None and latest.answer is Answer.PENDING else None


def is_refused(presence: Presence) -> bool:
    """Return whether the backend refused the latest request to join a room."""
    return presence.joins is not None and presence.joins[-1].answer is Answer.REFUSED


def governing(presence: Presence, requests: int) -> tuple[Join | None, list[Span]]:
    """Return what an arrival in a room depends on, if its account had made so many requests to join until then.

    :returns: the latest of these requests that was for this room, and the memberships until the next one.
    """
    spans = presence.spans
    for join in reversed(presence.joins or ()):
        if join.number <= requests:
            return join, spans
        spans = presence.spans[: join.spans]
    return None, spans
