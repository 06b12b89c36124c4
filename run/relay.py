"""The master hands on what publishers sent: to all workers, in turns rather than report by report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from . import messages
from .trigger_feed import Feed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from measure.fleet import Fleet

_LEAST_PAUSE_S: Final = 0.05
_WORKERS_A_SECOND: Final = 2000
"""So many messages leave the master in a second at most, whatever the number of workers."""


class Relay:
    """One run's.

    :param fleet: whose reports are handed on.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.feed = Feed()
        self._handed_on = 0
        self._complete_ns = 0

    @property
    def known(self) -> dict[str, int]:
        """What workers should know by now; see TIME in `messages`."""
        return {"triggers": self._handed_on, "complete_ns": self._complete_ns}

    def turn(self, alive: Sequence[str], tell: Callable[[str, dict[str, Any], str], None]) -> None:
        """Hand on what came since the last turn.

        :param alive: the workers that are there.
        :param tell: sends (message type, data) to a worker.
        """
        # In this order: what was reported until that moment is among the rows that are handed on now.
        self._complete_ns = self._fleet.complete_ns(set(alive))
        for message in self.feed.since(self._handed_on):
            for worker_id in alive:
                tell(messages.TRIGGERS, message, worker_id)
        self._handed_on = self.feed.end

    @staticmethod
    def pause_s(workers: int) -> float:
        """How long to wait between two turns."""
        return max(workers / _WORKERS_A_SECOND, _LEAST_PAUSE_S)
