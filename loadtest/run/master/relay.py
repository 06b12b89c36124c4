"""The relay by which the master sends triggers and the moments of broadcasts to all workers, in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement.gathering import Gathering, rows_of
from loadtest.run import messages
from loadtest.run.trigger_feed import Feed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from loadtest.measurement.fleet import Fleet
    from loadtest.measurement.gathering import Finished
    from loadtest.measurement.report import WorkerReport

_SECOND_NS: Final = 1_000_000_000
_LEAST_PAUSE_S: Final = 0.05
_WORKERS_A_SECOND: Final = 2000
"""So many messages leave the master in a second at most, whatever the number of workers."""


class Relay:
    """The relay of one run.

    :param fleet: whose reports are handed on.
    :param completions: slot's number -> whether it is a completion.
    :param flight_ns: how long a broadcast may be in flight, in nanoseconds.
    """

    def __init__(self, fleet: Fleet, completions: Sequence[bool] = (), flight_ns: int = 0) -> None:
        self._fleet = fleet
        self.gathering = Gathering(completions, flight_ns)
        self.feed = Feed()
        self._handed_on = 0
        self._complete_ns = 0

    @property
    def known(self) -> dict[str, int]:
        """What workers should know by now; see TIME in `messages`."""
        return {"triggers": self._handed_on, "complete_ns": self._complete_ns}

    def take(self, worker_id: str, report: WorkerReport, rows: list[Any]) -> None:
        """Keep a report's triggers and receipts until the next turn.

        :param rows: the report's triggers, as they came.
        """
        clock = self._fleet.enlist(worker_id).clock
        estimate = None if clock is None else clock.estimate
        bound_ns = 0 if estimate is None else round(estimate.bound_ns)
        self.gathering.take(report.at_s, report.fan_outs, bound_ns)
        self.gathering.sent(report.triggers)
        self.feed.add(rows)

    def finished(self, found: Iterable[Finished], now_ns: int) -> None:
        """Take in the triggers whose work is done, by the backend's own data."""
        self.feed.add(rows_of(self.gathering.finished(found, now_ns)))

    def close(self) -> None:
        """Wait for no further report: keep all known moments for the next turn."""
        self.feed.add(rows_of(self.gathering.until(None)))

    def turn(self, alive: Sequence[str], tell: Callable[[str, dict[str, Any], str], None]) -> None:
        """Hand on what came since the last turn.

        :param alive: the workers that are there.
        :param tell: sends (message type, data) to a worker.
        """
        # In this order: what was reported until that moment is among the rows that are handed on now.
        reported_s = self._fleet.reported_until_s(set(alive))
        self._complete_ns = min(self._fleet.complete_ns(set(alive)), reported_s * _SECOND_NS)
        self.feed.add(rows_of(self.gathering.until(reported_s)))
        for message in self.feed.since(self._handed_on):
            for worker_id in alive:
                tell(messages.TRIGGERS, message, worker_id)
        self._handed_on = self.feed.end

    @staticmethod
    def pause_s(workers: int) -> float:
        """How long to wait between two turns."""
        return max(workers / _WORKERS_A_SECOND, _LEAST_PAUSE_S)
