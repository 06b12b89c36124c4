"""The wait at the end of a run, for the deliveries that are still expected."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import gevent

from loadtest.errors import Fault
from loadtest.measurement.gathering import Finished
from loadtest.measurement.names import visible
from loadtest.run import messages
from loadtest.run.master import console

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from loadtest.backends.guard import GuardedProvision
    from loadtest.backends.plan import Room
    from loadtest.measurement.fleet import Fleet
    from loadtest.run.master.relay import Relay

logger = logging.getLogger("loadtest")

_LOOK_S: Final = 0.1
_ASK_S: Final = 2.0
"""How often the backend's own data are asked for what nobody received."""
_MOST_ASKING_S: Final = 10.0
"""How long an answer is waited for."""
_SAY_S: Final = 5.0
_SAY_FIRST_S: Final = 1.0


class Waiting(NamedTuple):
    """The last WAITING message of a worker.

    outstanding: number of deliveries that it still expects.
    rows: number of the feed's rows that it knew then.
    """

    outstanding: int
    rows: int


class LastDeliveries:
    """The deliveries that one run still expects at its end.

    :param limit_s: maximum time to wait for them, in seconds.
    """

    def __init__(self, fleet: Fleet, relay: Relay, limit_s: float) -> None:
        self._fleet = fleet
        self._relay = relay
        self._limit_s = limit_s
        self.words: dict[str, Waiting] = {}
        """Worker's id -> its last message."""
        self._given_up = False
        self._cannot_ask = False

    def give_up(self) -> None:
        """End the wait."""
        self._given_up = True

    def wait(
        self,
        source: GuardedProvision,
        rooms: Sequence[Room],
        alive: Callable[[], list[str]],
        tell: Callable[[str, dict[str, Any], str], None],
    ) -> None:
        """Wait until every expected delivery has arrived, the time is over, or the wait is given up.

        :param source: reads from the backend's own data which triggers' work is done.
        :param rooms: the run's rooms, by their numbers.
        :param alive: the ids of the workers that are there now.
        :param tell: sends (message type, data) to a worker.
        """
        began_s = time.monotonic()
        triggers = self._relay.feed.end
        told: set[str] = set()
        asked_s, said_s = began_s, began_s + _SAY_FIRST_S - _SAY_S
        while not self._given_up and (now_s := time.monotonic()) < began_s + self._limit_s:
            there = set(alive()) & set(self._fleet.workers)
            for worker_id in there - told:
                times = {"patience_s": self._limit_s, "flight_s": self._fleet.in_flight_window_s()}
                tell(messages.AWAIT, times, worker_id)
            told |= there
            words = [self.words.get(worker_id) for worker_id in there]
            known = [word for word in words if word is not None and word.rows >= triggers]
            outstanding = sum(word.outstanding for word in known)
            if len(known) == len(words) and not outstanding:
                break
            if outstanding and now_s - said_s >= _SAY_S:
                said_s = now_s
                left_s = began_s + self._limit_s - now_s
                unfinished = len(self._relay.gathering.at_work)
                console.say(
                    f"Waiting for {outstanding:,} deliveries that are still expected, "
                    f"{f'{unfinished:,} triggers are unfinished, ' if unfinished else ''}"
                    f"for up to {left_s:.0f} s (--drain-timeout); Ctrl-C ends the wait."
                )
            if outstanding and now_s - asked_s >= _ASK_S:
                asked_s = now_s
                self._ask(source, rooms)
            gevent.sleep(_LOOK_S)
        self._ask(source, rooms)

    def _ask(self, source: GuardedProvision, rooms: Sequence[Room]) -> None:
        """Ask the backend's own data which triggers are done whose completion nobody received.

        A fault, or an answer that does not come, ends these queries. The only cost is a longer wait.
        """
        at_work = self._relay.gathering.at_work
        if not at_work or self._cannot_ask:
            return
        found: Mapping[str, float | None] = {}
        why_not = f"no answer within {_MOST_ASKING_S:g} s"
        with gevent.Timeout(_MOST_ASKING_S, False):
            try:
                found = source.finished({key: rooms[room] for key, (_, room, _) in at_work.items()})
                why_not = ""
            except Fault as fault:
                why_not = str(fault)
        if why_not:
            self._cannot_ask = True
            logger.warning("Cannot find out which triggers' work is done: %s", visible(why_not))
        self._relay.finished((Finished(key, age_s) for key, age_s in found.items()), time.time_ns())
