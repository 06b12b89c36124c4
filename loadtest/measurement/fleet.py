"""What the master knows of all workers: reports merged as they come, totals at the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from loadtest.measurement import owed, room_classes
from loadtest.measurement.by_class import ByClass
from loadtest.measurement.checks import Checks
from loadtest.measurement.columns import Columns
from loadtest.measurement.completions import COMPLETION, Completions
from loadtest.measurement.doings import ANSWER
from loadtest.measurement.evidence import GENERATOR_DELAY, LOOP_LAG
from loadtest.measurement.figures import ACK, ROUND_TRIPS
from loadtest.measurement.instances import Instances
from loadtest.measurement.latency import counts_of, fold, new_histogram
from loadtest.measurement.overload import OverloadedSeconds
from loadtest.measurement.presence import Counts
from loadtest.measurement.requests import RequestCounts
from loadtest.measurement.second import Second, Spread
from loadtest.measurement.shards import merge_packed
from loadtest.measurement.taken import ACROSS, COALESCED, EARLIEST
from loadtest.measurement.worker_state import WorkerState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from loadtest.measurement.clocks import Clock
    from loadtest.measurement.first_receipts import BroadcastKey
    from loadtest.measurement.interim import Interim
    from loadtest.measurement.latency import Samples
    from loadtest.measurement.report import StreamSlot, Totals, WorkerReport
    from loadtest.measurement.taken import FanOut

FAN_OUT: Final = "fan_out"
FAN_OUT_BOUND: Final = "fan_out_bound"

_NOT_IN_OVERLOAD: Final = frozenset(
    (*(ANSWER + question for question in (*ROUND_TRIPS, ACK)), LOOP_LAG, GENERATOR_DELAY)
)
"""Metric keys, beside those of deliveries, of what is apart while a scenario overloads the backend on purpose: the
round trips that are figures, and what the burst does to the load generator itself, which casts no doubt on others.
"""
_OPEN_SECONDS = 10
"""A second of the time line is closed, and its histograms are dropped, when it is this old."""
AWAY_S = 4.0
"""A worker that reports every second and was not heard for longer was away."""


class Fleet:
    """All workers of one run.

    :param phase_of: a second since the epoch -> the phase of the run that it belongs to, None for none.
    :param on_second: is told each second when no more reports of it are waited for, in order.
    :param by_class: what is kept apart by the class of the room.
    :param counts: whether what was delivered in a second counts in figures.
    :param completions: slot's number -> whether it is a completion.
    """

    def __init__(
        self,
        phase_of: Callable[[int], str | None] = lambda _: None,
        on_second: Callable[[Second], object] = lambda _: None,
        by_class: ByClass | None = None,
        counts: Callable[[int], bool] = lambda _: True,
        completions: Sequence[bool] = (),
    ) -> None:
        self._completions = Completions(completions)
        self._counts = counts
        self.by_class = by_class or ByClass()
        self._phase_of = phase_of
        self._on_second = on_second
        self.instances = Instances()
        self.overloaded = OverloadedSeconds()
        self.workers: dict[str, WorkerState] = {}
        self.latencies: dict[str, Any] = defaultdict(new_histogram)
        """Metric key -> histogram in µs; see `names`."""
        self.timeline = Columns()
        self.phases: dict[str, dict[str, Any]] = defaultdict(lambda: defaultdict(new_histogram))
        """Phase -> metric key -> histogram in µs."""
        self.most_connected = 0
        self._connected = 0
        self._since_s: float | None = None
        """Looked up once a second: each of many workers would ask all of them."""
        self._seconds: dict[int, Second] = {}
        self._gauges: dict[str, dict[str, float]] = {}
        self._fan_outs: dict[BroadcastKey, Spread] = {}
        """Of all seconds that are open: the same objects as theirs."""

    def enlist(self, worker_id: str) -> WorkerState:
        """A worker takes part in the run."""
        return self.workers.setdefault(worker_id, WorkerState(len(self.workers)))

    def take(self, worker_id: str, report: WorkerReport, now_s: float) -> bool:
        """Merge a report; False if it was merged before.

        :param now_s: when it came, by any clock that only goes forward.
        """
        worker = self.enlist(worker_id)
        if worker.heard_s is not None and now_s - worker.heard_s > AWAY_S:
            worker.away_s += now_s - worker.heard_s
        worker.heard_s = now_s
        if report.number <= worker.last_report:
            worker.repeats += 1
            return False
        worker.gaps += report.number - worker.last_report - 1
        worker.last_report = report.number
        worker.last_at_s = report.at_s
        if (second := self._seconds.get(report.at_s)) is None:
            second = self._seconds[report.at_s] = Second(report.at_s)
            self._since_s = None
        self.overloaded.note(report.at_s, report.overloads)
        is_overloaded = report.at_s in self.overloaded
        counts = self._counts(report.at_s)
        for name, packed in report.latencies.items():
            if name.endswith((COALESCED, EARLIEST)):
                if counts:
                    merge_packed(packed, self.latencies[name])
                continue
            key, room_class = room_classes.split(name.removesuffix(ACROSS))
            histograms = [second.latencies[key]]
            is_judged = counts or not self.by_class.is_delivered(key)
            if is_judged and not (is_overloaded and key in _NOT_IN_OVERLOAD):
                histograms.append(self.latencies[key])
                if name.endswith(ACROSS):
                    histograms.append(self.latencies[key + ACROSS])
                if room_class is not None:
                    histograms.append(self.by_class.latencies[key, room_class])
            merge_packed(packed, *histograms)
        self.instances.take(worker_id, report.at_s, report.instances, report.paths if counts else {})
        self._spread(report.fan_outs, second)
        second.received += report.counters.get("received", 0) - worker.counters.get("received", 0)
        second.gauges[worker_id] = {**report.gauges, **report.health}
        before = worker.gauges.get("connected", 0)
        worker.take(report)
        self._connected += report.gauges.get("connected", 0) - before
        self.most_connected = max(self.most_connected, self._connected)
        self._close_seconds(report.at_s - _OPEN_SECONDS)
        return True

    def _spread(self, fan_outs: Iterable[FanOut], second: Second) -> None:
        """Join what several workers, or several reports, know of the same broadcasts."""
        for publisher, room, seq, slot, due_ns, first_ns, last_ns, count, slack_ns in fan_outs:
            if not count:
                continue
            broadcast = (publisher, room, seq, slot)
            known = self._fan_outs.get(broadcast)
            if known is None:
                known = self._fan_outs[broadcast] = second.fan_outs[broadcast] = Spread(due_ns, first_ns, last_ns)
            known.add(first_ns, last_ns, count, slack_ns)

    def complete_ns(self, alive: Collection[str]) -> int:
        """Before this moment of the master's clock, the triggers of all workers that live are known."""
        workers = [worker for worker_id, worker in self.workers.items() if worker_id in alive]
        return min((worker.complete_ns for worker in workers), default=0)

    def in_flight_window_s(self) -> float:
        """Seconds that a broadcast may be in flight: the larger of the option and the longest time observed."""
        return max((worker.health.get("in_flight_window_s", 0.0) for worker in self.workers.values()), default=0.0)

    def latency_of(self, keys: Iterable[str]) -> Any:
        """Return the latencies of several metric keys in one histogram."""
        merged = new_histogram()
        for key in keys:
            merged.add(self.latencies[key])
        return merged

    def earliest_counts(self, keys: Iterable[str]) -> Samples:
        """Return the counts of latencies as if each delivery had arrived as early as possible.

        :param keys: metric keys of events.
        """
        counts = np.zeros_like(counts_of(new_histogram()))
        for key in keys:
            for name, sign in ((key, 1), (key + EARLIEST, 1), (key + COALESCED, -1)):
                if name in self.latencies:
                    counts += sign * counts_of(self.latencies[name])
        return counts

    def reported_until_s(self, alive: Collection[str]) -> int:
        """The last second that all workers that live have reported."""
        workers = [worker for key, worker in self.workers.items() if key in alive and worker.last_report]
        return min((worker.last_at_s for worker in workers), default=0)

    def whole_seconds(self, after_s: int, alive: Collection[str]) -> list[Second]:
        """The seconds after one that all workers that live have reported, in order, if they are still open."""
        until_s = self.reported_until_s(alive)
        return [second for at_s, second in sorted(self._seconds.items()) if after_s < at_s <= until_s]

    def rows_after(self, after_s: int, alive: Collection[str], most: int) -> list[tuple[int, dict[str, Any]]]:
        """(second, row of the time line), in order, of the seconds after one that need not be waited for.

        :param most: how many rows of closed seconds are looked at, the last ones.
        """
        rows = {row["at_s"]: row for row in self.timeline[-most:] if row["at_s"] > after_s}
        for second in self.whole_seconds(max(rows, default=after_s), alive):
            rows[second.at_s] = second.row(self._gauges | second.gauges)
        return sorted(rows.items(), key=itemgetter(0))

    def timed(self) -> int:
        """Deliveries that were timed so far, over all workers."""
        return sum(sum(worker.timed.values()) for worker in self.workers.values())

    def publishing_since_s(self) -> float | None:
        """When the first publishers began, in seconds since the epoch; None if none did."""
        if self._since_s is None:
            publish = (worker for worker in self.workers.values() if worker.due)
            self._since_s = min((worker.publishing_since_s for worker in publish), default=None)
        return self._since_s

    def clocks(self) -> int:
        """How many different clocks the workers run on."""
        found: list[Clock] = []
        for worker in self.workers.values():
            if worker.clock is not None and not any(worker.clock.is_that_of(other) for other in found):
                found.append(worker.clock)
        return max(len(found), 1)

    def timed_by_the_lost(self) -> Counter[tuple[int, int]]:
        """(room, slot) -> deliveries that workers without totals had timed until their last report."""
        merged: Counter[tuple[int, int]] = Counter()
        for worker in self.workers.values():
            if worker.totals is None:
                merged.update(worker.timed)
        return merged

    def keep_only(self, alive: Collection[str]) -> None:
        """Forget what the workers that are gone last said of their connections."""
        alive = set(alive)
        for worker_id, worker in self.workers.items():
            if worker_id not in alive:
                self._connected -= worker.gauges.get("connected", 0)
                worker.gauges = {}
                self._gauges.pop(worker_id, None)

    def finish(self, worker_id: str, totals: Totals) -> None:
        """Take a worker's totals."""
        self.enlist(worker_id).totals = totals

    def close(self) -> None:
        """No more reports will come."""
        self._close_seconds(None)

    def take_interim(self, worker_id: str, interim: Interim) -> None:
        """Take what a worker counted so far."""
        self.enlist(worker_id).interim = interim

    def counter(self, name: str) -> int:
        """A counter over all workers: from the totals where there are any, else from the last report."""
        return sum(
            (worker.totals.counters if worker.totals else worker.counters).get(name, 0)
            for worker in self.workers.values()
        )

    def gauge(self, name: str) -> int:
        """A gauge over all workers, as last reported."""
        return sum(worker.gauges.get(name, 0) for worker in self.workers.values())

    def totals(self) -> list[Totals]:
        """The totals that came."""
        return [worker.totals for worker in self.workers.values() if worker.totals is not None]

    def streams(self) -> dict[StreamSlot, Counts]:
        """What the members of each stream were owed and got, over all workers."""
        merged: dict[StreamSlot, Counts] = defaultdict(Counts)
        for totals in self.totals():
            for stream, counts in totals.streams.items():
                merged[stream].add(counts)
        return merged

    def rooms(self, slots: int) -> dict[int, list[Counts]]:
        """Room -> counts of each slot, over all workers and publishers.

        :param slots: how many traced broadcasts each trigger makes.
        """
        merged = {room: [Counts() for _ in range(slots)] for room in self.by_key("members")}
        for (room, _, slot), counts in self.streams().items():
            merged.setdefault(room, [Counts() for _ in range(slots)])[slot].add(counts)
        return merged

    def checks(self) -> Checks:
        """What the scenarios found, over all workers."""
        merged = Checks()
        for totals in self.totals():
            merged.add(totals.checks)
        return merged

    def requests(self) -> RequestCounts:
        """Return the requests of user classes that are not ours, over all workers."""
        merged = RequestCounts()
        for totals in self.totals():
            merged.add(totals.requests)
        return merged

    def owed_by_second(self) -> dict[int, tuple[int, int]]:
        """Second -> (deliveries owed of what was sent in it, those of them that were lost), over all workers."""
        return owed.merge(totals.seconds for totals in self.totals())

    def by_key(self, name: str) -> Counter[Any]:
        """A map of counts (members, untraced, failures) over all workers."""
        merged: Counter[Any] = Counter()
        for totals in self.totals():
            merged.update(getattr(totals, name))
        return merged

    def _close_seconds(self, before_s: int | None) -> None:
        for at_s in sorted(self._seconds):
            if before_s is None or at_s < before_s:
                second = self._seconds.pop(at_s)
                self._gauges |= second.gauges
                for broadcast in second.fan_outs:
                    del self._fan_outs[broadcast]
                if by_broadcast_us := second.fan_outs_us():
                    spreads_us = [value_us for values_us in by_broadcast_us.values() for value_us in values_us]
                    fold(second.latencies[FAN_OUT], spreads_us)
                    if self._counts(at_s):
                        fold(self.latencies[FAN_OUT], spreads_us)
                        fold(self.latencies[FAN_OUT_BOUND], second.fan_out_bounds_us())
                        self.by_class.add_fan_outs(by_broadcast_us)
                if completions_us := self._completions.take_us(second.first_receipts()):
                    fold(second.latencies[COMPLETION], completions_us)
                    fold(self.latencies[COMPLETION], completions_us)
                phase = self._phase_of(at_s)
                if phase is not None:
                    for name, histogram in second.latencies.items():
                        self.phases[phase][name].add(histogram)
                self.timeline.append({"at_s": at_s, "phase": phase or "", **second.row(self._gauges)})
                self._on_second(second)
