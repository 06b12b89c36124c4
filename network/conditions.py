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
    of the reads that are lost at first. bytes_per_s: no more than that goes through; 0 for all there is.
    """

    latency_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0
    bytes_per_s: float = 0.0

    def delay_s(self, size: int, random: Callable[[], float]) -> float:
        """How long one read takes, with what it lost."""
        delay_s = self.latency_s + self.jitter_s * random()
        if self.loss and random() < self.loss:
            delay_s += RETRANSMISSION_S
        return delay_s + (size / self.bytes_per_s if self.bytes_per_s else 0.0)
