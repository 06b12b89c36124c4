"""Shapes as Locust wants them: how many users there shall be, asked once a second."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from locust import LoadTestShape
from locust.runners import STATE_INIT

from loadtest.backends import base
from loadtest.measurement import interim
from loadtest.measurement.evidence import GENERATOR_DELAY, LOOP_LAG
from loadtest.measurement.figures import add_up
from loadtest.measurement.latency import count_above
from loadtest.measurement.names import key_of
from loadtest.shapes import choice
from loadtest.shapes.capacity import Search
from loadtest.shapes.statement import statement
from loadtest.shapes.trial import Moment, Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from loadtest.measurement.fleet import Fleet
    from loadtest.measurement.presence import Counts
    from loadtest.measurement.second import Second

_FAST: Final = 100.0
"""Users a second that a shape is followed with, if --spawn-rate does not say."""
_TROUBLE: Final = ("connect_failures", "reconnect_failures", "connections_lost", "join_failures", "refused")
_MOST_RATE: Final = 1000.0


class _Shape(LoadTestShape):
    """Publishers are always there.

    Until Locust's state says that the first users have come, the number stays as it begins: in one process, each
    change before that would have Locust begin the run once more.
    """

    _options: argparse.Namespace
    spawn_rate: float

    def tick(self) -> tuple[int, float] | None:
        """How many users, and how fast; None when the run is over."""
        begins = self.runner is not None and self.runner.state == STATE_INIT
        viewers = self._first() if begins else self._now()
        return None if viewers is None else (self._options.publishers + viewers, self.spawn_rate)

    def _first(self) -> int | None:
        """How many viewers it begins with."""
        raise NotImplementedError

    def _now(self) -> int | None:
        """How many viewers there are to be; None when the run is over."""
        raise NotImplementedError

    def _most(self) -> int:
        return (self._options.num_users or 1) - int(self._options.publishers)


class ProfileShape(_Shape):
    """A shape over time.

    :param storm: drops all connections.
    """

    def __init__(self, chosen: choice.Choice, options: argparse.Namespace, storm: Callable[[], None]) -> None:
        super().__init__()
        self._profile = chosen.profile(float(options.run_time))
        self._options = options
        self._storm = storm
        self._stormed = 0
        self.spawn_rate = _spawn_rate(options)
        self.marks = self._profile.marks
        self.began_s: float | None = None
        """Seconds since the epoch."""

    def reset_time(self) -> None:
        """A run begins."""
        super().reset_time()
        self._stormed = 0
        self.began_s = time.time()

    def _first(self) -> int | None:
        return self._profile.users(0.0, self._most())

    def _now(self) -> int | None:
        at_s = self.get_run_time()
        viewers = self._profile.users(at_s, self._most())
        due = sum(storm_s <= at_s for storm_s in self._profile.storms_s)
        if viewers is not None and due > self._stormed:
            self._stormed = due
            self._storm()
        return viewers


class CapacityShape(_Shape):
    """The search for the largest number of members, or the largest rate, that passes.

    :param fleet: what the workers have reported, and the ids of those that live; None before a run.
    :param change_rate: has publishers go on at another rate.
    """

    def __init__(
        self,
        chosen: choice.Choice,
        options: argparse.Namespace,
        fleet: Callable[[], tuple[Fleet, list[str]] | None],
        change_rate: Callable[[float], None],
    ) -> None:
        super().__init__()
        self._chosen = chosen
        self._options = options
        self.spawn_rate = _spawn_rate(options)
        self._fleet = fleet
        self._reader = base.load(options.backend).reader
        self._change_rate = change_rate
        self._limit_us = round(chosen.number("limit", 200.0) * 1000)
        self.by_users = chosen.by_users
        self.reset_time()

    def reset_time(self) -> None:
        """A run begins."""
        super().reset_time()
        chosen, options = self._chosen, self._options
        viewers = max(self._most(), 1)
        settings = Settings(
            least=chosen.number("least", min(10, viewers) if self.by_users else options.rate),
            most=chosen.number("most", viewers if self.by_users else _MOST_RATE),
            limit_ms=self._limit_us / 1000,
            allowed=1 - chosen.number("quantile", 0.99),
            resolution=chosen.number("resolution", 0.1),
            hold_s=round(chosen.number("hold", 8)),
            longest_s=3 * round(chosen.number("hold", 8)),
            members=self.by_users,
        )
        self.search = Search(settings)
        self._level: float | None = None
        self._fed_s = 0

    def _first(self) -> int | None:
        return int(self.search.level) if self.by_users else self._most()

    def _now(self) -> int | None:
        options = self._options
        if (found := self._fleet()) is not None:
            for moment in self._moments(*found):
                self.search.feed(moment)
        if self.search.done or (options.run_time and self.get_run_time() > float(options.run_time)):
            return None
        if self.search.level != self._level or self.search.waits:
            self._level = self.search.level
            if not self.by_users:
                self._change_rate(self.search.level)
            self.search.begin(int(time.time()) + self._seconds_to_go())
        return self._first()

    def _seconds_to_go(self) -> int:
        """How long Locust takes to start or stop the users that are missing or too many."""
        if not self.by_users:
            return 0
        now = self.get_current_user_count() - self._options.publishers
        return int(abs(self.search.level - max(now, 0)) / self.spawn_rate) + 1

    def _moments(self, fleet: Fleet, alive: list[str]) -> list[Moment]:
        seconds = fleet.whole_seconds(self._fed_s, alive)
        until_s, counted = _counted(fleet, alive)
        moments = [self._moment(second, fleet, until_s, counted) for second in seconds]
        if seconds:
            self._fed_s = seconds[-1].at_s
        return moments

    def _moment(self, second: Second, fleet: Fleet, counted_until_s: float, counted: Counts) -> Moment:
        keys = map(key_of, self._reader.events)
        delivered = [second.latencies[key] for key in keys if key in second.latencies]
        workers = second.gauges.values()
        lags = (f"{GENERATOR_DELAY}_p99_ms", f"{LOOP_LAG}_p99_ms")
        return Moment(
            at_s=second.at_s,
            count=sum(histogram.get_total_count() for histogram in delivered),
            late=sum(count_above(histogram, self._limit_us) for histogram in delivered),
            members=fleet.gauge("members"),
            counted_until_s=counted_until_s,
            expected=counted.expected,
            lost=counted.lost,
            due=fleet.counter("due"),
            missed=fleet.counter("missed"),
            trouble=sum(fleet.counter(name) for name in _TROUBLE),
            # Of the worst worker: in the p99 over all workers, the few samples of one that stood still are lost.
            generator_ms=max((worker.get(lag, 0.0) for worker in workers for lag in lags), default=0.0),
            cpu_percent=max((worker.get("cpu_percent", 0.0) for worker in workers), default=0.0),
        )

    def result(self, seconds: Mapping[int, tuple[int, int]]) -> dict[str, Any]:
        """Return the result of the search, with the losses of the run's final record.

        :param seconds: see `Search.reconcile`.
        """
        self.search.reconcile(seconds)
        found = self.search.result()
        unit = "viewers" if self.by_users else "triggers a second"
        return {
            "by": choice.USERS if self.by_users else choice.RATE,
            "statement": statement(found, unit),
            **found,
        }


def _counted(fleet: Fleet, alive: list[str]) -> tuple[float, Counts]:
    """Return the time up to which deliveries are counted, in seconds since the epoch, and the counts.

    The time is 0 until every live worker has reported its counts.
    """
    interims = {key: worker.interim for key, worker in fleet.workers.items() if worker.interim is not None}
    until_ns = min((interims[key].until_ns if key in interims else 0 for key in alive), default=0)
    return until_ns / 1e9, add_up(interim.merge(list(interims.values())).counts.values())


def _spawn_rate(options: argparse.Namespace) -> float:
    """Return how many users a second a shape starts: as given, and else fast. Locust puts a 1 there later."""
    return float(options.spawn_rate or _FAST)
