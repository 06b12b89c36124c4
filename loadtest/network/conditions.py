"""What a network does to what goes through it. Pure: chance comes in as a function.

TCP repairs what a network loses; a lost segment is one that comes late, and so does all behind it. So here: a loss
holds up its direction of that connection for a retransmission time-out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

RETRANSMISSION_S: Final = 0.2
"""Linux's least retransmission time-out."""


class Direction(StrEnum):
    """Of what goes through a connection."""

    UP = "up"
    """From whoever connected to the server."""
    DOWN = "down"
    """From the server."""


BOTH: Final = tuple(Direction)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a network does to one direction.

    latency_s: how long everything takes. jitter_s: up to so much longer, evenly drawn; order is kept. loss: share
    of the reads that are lost at first. bytes_per_s: no more than that goes through, of each connection; 0 for all
    there is.
    """

    latency_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0
    bytes_per_s: float = 0.0

    def delay_s(self, random: Callable[[], float]) -> float:
        """How long one read is on its way, with what it lost."""
        delay_s = self.latency_s + self.jitter_s * random()
        return delay_s + (RETRANSMISSION_S if self.loss and random() < self.loss else 0.0)


class Way:
    """One direction of one connection: when what is sent arrives, all of it in order.

    What has a rate is sent piece after piece: one that comes while others wait is sent after them.
    """

    def __init__(self) -> None:
        self.sent_s = 0.0
        """When the last of what was taken has been sent; on the clock of `now_s`."""
        self.due_s = 0.0
        """When it arrives."""

    def take(self, now_s: float, size: int, conditions: Conditions, random: Callable[[], float]) -> float:
        """One read, of so many bytes: when it arrives."""
        takes_s = size / conditions.bytes_per_s if conditions.bytes_per_s else 0.0
        self.sent_s = max(self.sent_s, now_s) + takes_s if takes_s else now_s
        # Nothing overtakes: what is late holds up what follows.
        self.due_s = max(self.due_s, self.sent_s + conditions.delay_s(random))
        return self.due_s
