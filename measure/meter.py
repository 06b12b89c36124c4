"""One worker's meter: takes what its sockets and publishers saw, gives reports and, at the end, the counts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from .account import Account, go_on
from .clocks import Clock, ClockTable, worker_of
from .doings import Doings
from .interim import Count
from .recogniser import Recogniser
from .report import Totals, WorkerReport
from .settlement import Settlement
from .shards import pack, pack_all
from .taken import Taken
from .triggers import Outcome, Stream, Trigger, TriggerLog
from .viewpoint import Viewpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .latency import Samples
    from .presence import Line
    from .recogniser import Broadcast
    from .sighting import FrameReader

TRIGGER = "trigger"
REPLAY = "replay"
CLOCK_BOUND = "clock_bound"
_SECOND_NS = 1_000_000_000
_EARLY_NS = 5_000_000
"""By how much a timer may wake up before the second that it was set to."""


class Meter(Viewpoint, Doings):
    """All accounts of one worker; the viewpoint of sockets whose instance of the backend nobody knows.

    :param run: the run's 8 hexadecimal digits; what carries another run's trace is foreign.
    :param reader: tells what a frame is.
    :param clocks: what is known of the workers' clocks; None if there is one worker.
    :param flight_ns: how long a broadcast may be in flight at the edge of a membership.
    :param classes: of the rooms, see `room_classes`.
    """

    def __init__(
        self,
        run: str,
        reader: FrameReader,
        clocks: ClockTable | None = None,
        flight_ns: int = 2_000_000_000,
        classes: Sequence[int] = (),
    ) -> None:
        self.flight_ns = flight_ns
        self.members: Counter[str] = Counter()
        self._classes = classes
        self._clocks = clocks or ClockTable(Clock(0, ""))
        # Accounts that are settled are not among them any more.
        Viewpoint.__init__(self, Recogniser(run, reader, self._clocks, classes), {}, {})
        Doings.__init__(self)
        self._opened = 0
        self._closed = False
        self._log = TriggerLog()
        self._settlement = Settlement(self._log, len(reader.slots), flight_ns)
        self._complete_ns = 0
        self._in_flight: dict[tuple[Stream, int], int] = {}
        self._new_triggers: list[Trigger] = []
        self._timed: Counter[tuple[int, int]] = Counter()
        self._report_number = 0
        self._reported_ns = 0

    def open_account(self, label: str = "") -> Account:
        """An account for a new user.

        :param label: of a canary, its name.
        """
        account = self.accounts[self._opened] = Account(self, self._opened, label=label)
        self._opened += 1
        return account

    @property
    def received(self) -> int:
        """Broadcasts that arrived at any socket."""
        return sum(viewpoint.seen for viewpoint in self.viewpoints.values())

    # What an account tells: `account.Books`

    def lines_of(self, room: int) -> dict[int, Line]:
        """A room's lines."""
        return self.recogniser.lines[room]

    def leak(self, broadcast: Broadcast) -> None:
        """A broadcast reached somebody who is no member."""
        self._settlement.streams[broadcast.room, broadcast.publisher, broadcast.slot].leaked += 1

    def revive(self, broadcast: Broadcast) -> None:
        """A broadcast is received that was forgotten."""
        self.viewpoints[broadcast.viewpoint].recogniser.revive(broadcast)

    def replay(self, delay_ns: int) -> None:
        """A broadcast reached its member by a later connection, so long after it was due."""
        self.samples_us[REPLAY].append(delay_ns // 1000)

    def set_aside(self, broadcast: Broadcast) -> None:
        """A frame arrived that is corrupt or foreign."""
        self.counters[broadcast.kind.value] += 1

    # What the publishers do

    def trigger_due(self) -> None:
        """The schedule wanted a trigger."""
        self.counters["due"] += 1

    def trigger_missed(self) -> None:
        """A trigger that was due could not be sent in time, or at all."""
        self.counters["missed"] += 1

    def trigger_sent(self, publisher: int, room: int, seq: int, sent_ns: int) -> None:
        """A trigger left."""
        self.counters["sent"] += 1
        self._in_flight[(publisher, room), seq] = sent_ns

    def trigger_answered(self, trigger: Trigger, answer_ms: float | None) -> None:
        """A trigger came to its end.

        :param answer_ms: how long the backend took to answer; None if it did not.
        """
        self._in_flight.pop(((trigger.publisher, trigger.room), trigger.seq), None)
        if trigger.outcome is Outcome.UNSENT:
            self.counters["sent"] -= 1
            self.trigger_missed()
        elif trigger.outcome is not Outcome.ACCEPTED:
            self.counters[trigger.outcome.name.lower()] += 1
        if answer_ms is not None:
            self.samples_us[TRIGGER].append(int(answer_ms * 1000))
        self._new_triggers.append(trigger)
        self.learn([trigger])

    @property
    def in_flight(self) -> int:
        """How many triggers left and were not answered."""
        return len(self._in_flight)

    def learn(self, triggers: Iterable[Trigger]) -> None:
        """Take in triggers, our own or another worker's; one that is known already changes nothing."""
        resolved = []
        for trigger in triggers:
            sent = self._clocks.here(worker_of(trigger.publisher), trigger.sent_ns)
            if self._log.add(trigger, sent.ns, sent.bound_ns or 0):
                self.counters["late_triggers"] += sent.ns < self._settlement.settled_ns
                for viewpoint in self.viewpoints.values():
                    resolved += viewpoint.recogniser.learn(trigger)
        go_on(resolved)

    def complete_until(self, master_ns: int) -> None:
        """All triggers of all workers are known that left before this moment of the master's clock."""
        own = self._clocks.own.estimate
        self._complete_ns = master_ns if own is None else own.ours_ns(master_ns)
        self._settlement.settle_ended(self.accounts, self._complete_ns)

    def count_so_far(self) -> Count:
        """A count of what is known now; the run goes on meanwhile."""
        return Count(self._settlement, list(self.accounts.values()), self._classes, self._complete_ns)

    def master_ns(self, ns: int) -> int:
        """A moment of this worker's clock by the master's."""
        return self._clocks.master_ns(ns)

    # What goes to the master

    def take_report(
        self, now_ns: int, health: Mapping[str, float], more_us: Mapping[str, Samples]
    ) -> tuple[WorkerReport, dict[str, Samples]]:
        """What happened since the last report.

        :param now_ns: by this worker's clock.
        :param health: of the worker process itself.
        :param more_us: further samples in µs, measured elsewhere.
        :returns: the report, and the raw latencies of the traced events in µs, for Locust's own statistics.
        """
        taken, paths = self._take()
        own = self.take_samples()
        samples = {name: np.array(own_us) for name, own_us in own.items()} | dict(more_us) | taken.samples_us
        samples[CLOCK_BOUND] = np.array(taken.bounds_us)
        self.counters["negative_latency"] += taken.negative
        self.counters["unbounded_latency"] += taken.unbounded
        self._timed.update(taken.timed)
        triggers, self._new_triggers = self._new_triggers, []
        self._report_number += 1
        began_ns, self._reported_ns = self._reported_ns or now_ns - _SECOND_NS, now_ns
        came = self.counters["connects"] + self.counters["reconnects"]
        went = self.counters["connections_lost"] + self.counters["disconnects"]
        report = WorkerReport(
            number=self._report_number,
            at_s=(self._clocks.master_ns(began_ns) + _EARLY_NS) // _SECOND_NS,
            complete_ns=self._clocks.master_ns(min(self._in_flight.values(), default=now_ns)),
            triggers=triggers,
            latencies=pack_all(samples),
            fan_outs=taken.fan_outs,
            timed=dict(self._timed),
            counters={**self.counters, "received": self.received},
            gauges={"connected": came - went, "members": self.members.total()},
            instances={name: count for name, count in self.members.items() if count} if self._tells else {},
            paths=paths,
            health=dict(health),
        )
        return report, taken.by_event()

    def _take(self) -> tuple[Taken, dict[tuple[str, str], bytes]]:
        """What all viewpoints timed; and samples by (instance that was triggered, instance of the member)."""
        taken = Taken()
        paths: dict[tuple[str, str], Samples] = {}
        for viewpoint in self.viewpoints.values():
            go_on(viewpoint.recogniser.expire())
            taken.add(viewpoint.recogniser.take())
            for origin, values_us in viewpoint.recogniser.take_paths(self._origin_of).items():
                paths[origin, viewpoint.recogniser.instance] = values_us
        return taken, {path: pack(values_us) for path, values_us in paths.items()}

    def _origin_of(self, broadcast: Broadcast) -> str | None:
        origin = self._log.origin(broadcast.room, broadcast.publisher, broadcast.seq)
        return "" if origin is None and self._closed else origin

    @property
    def _tells(self) -> bool:
        """Whether the backend's instances say their names."""
        return any(viewpoint.recogniser.instance for viewpoint in self.viewpoints.values())

    def close(self) -> None:
        """All triggers are known and nothing is in flight: what still waits for its trigger is not of this run."""
        for viewpoint in self.viewpoints.values():
            go_on(viewpoint.recogniser.expire(-1))
        self._closed = True

    def settle(self) -> Totals:
        """Count everything against what was owed. Call after `close` and the last report."""
        for account in self.accounts.values():
            self._settlement.settle(account)
        self.accounts.clear()
        seconds = self._settlement.owed.by_second(self._log, lambda ns: self._clocks.master_ns(ns) // _SECOND_NS)
        return Totals(
            reports=self._report_number,
            counters={**self.counters, "received": self.received},
            streams=dict(self._settlement.streams),
            members=dict(self._settlement.members),
            untraced=dict(sum((one.untraced for one in self.viewpoints.values()), Counter())),
            failures=dict(self.failures),
            connects=self.connects.by(self._clocks.master_ns),
            checks=self.checks.to_rows(),
            canaries=self.canaries.to_rows(self._settlement.canaries),
            seconds=[(at_s, owed, lost) for at_s, (owed, lost) in seconds.items()],
            paths=[(*path, *counts) for path, counts in self._settlement.owed.by_path(self._log).items()],
        )
