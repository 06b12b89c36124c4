"""One worker's meter: takes what its sockets and publishers saw, gives reports and, at the end, the counts."""

from __future__ import annotations

from collections import Counter, deque
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from loadtest.measurement.account import Account, go_on
from loadtest.measurement.clocks import Clock, ClockTable, worker_of
from loadtest.measurement.doings import Doings
from loadtest.measurement.interim import Count
from loadtest.measurement.members import Sockets
from loadtest.measurement.moments import Made, Moment
from loadtest.measurement.names import escape
from loadtest.measurement.outstanding import count_outstanding
from loadtest.measurement.recogniser import Kind, Recogniser
from loadtest.measurement.report import Totals, WorkerReport
from loadtest.measurement.settlement import Settlement
from loadtest.measurement.shards import pack, pack_all
from loadtest.measurement.taken import COMPLETION_LAG, Taken
from loadtest.measurement.triggers import Outcome, Stream, Trigger, TriggerLog
from loadtest.measurement.viewpoint import Viewpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from loadtest.measurement.latency import Samples
    from loadtest.measurement.presence import Line
    from loadtest.measurement.reading import Unreadable
    from loadtest.measurement.recogniser import Broadcast
    from loadtest.measurement.sighting import FrameReader
    from loadtest.measurement.taken import FanOut
    from loadtest.measurement.throttle import AddressBudget

TRIGGER = "trigger"
REPLAY = "replay"
CLOCK_BOUND = "clock_bound"
LEAKED_UNTRACED = "leaked_untraced"
"""Counter of the broadcasts that lead back to no trigger, and reached somebody who is in none of their rooms."""
_SECOND_NS = 1_000_000_000
MOST_EARLY = 65_536
"""Triggers that are not known yet, whose broadcasts were received: the newest."""
MAX_FLIGHT_NS = 60_000_000_000
"""To which the window of broadcasts in flight grows by itself: a clock that was set makes any latency."""
_EARLY_NS = 5_000_000
_REPORTS_KEPT = 150
"""How long a step of a clock may go unnoticed; see `clock.KEPT_NS`."""
"""By how much a timer may wake up before the second that it was set to."""


class Meter(Viewpoint, Doings):
    """All accounts of one worker; the viewpoint of sockets whose instance of the backend nobody knows.

    :param run: the run's 8 hexadecimal digits; what carries another run's trace is foreign.
    :param reader: tells what a frame is.
    :param clocks: what is known of the workers' clocks; None if there is one worker.
    :param flight_ns: how long a broadcast may be in flight at the edge of a membership.
    :param classes: of the rooms, see `room_classes`.
    :param adapter: the module that the reader is from, where it has another name than the reader's own.
    :param sources: source of broadcasts, see `sighting.Untraced` -> the rooms whose members may receive them.
    """

    def __init__(
        self,
        run: str,
        reader: FrameReader,
        clocks: ClockTable | None = None,
        flight_ns: int = 2_000_000_000,
        classes: Sequence[int] = (),
        adapter: str = "",
        sources: Mapping[str, frozenset[int]] | None = None,
    ) -> None:
        self._adapter = adapter or type(reader).__module__
        self.flight_ns = flight_ns
        self.members: Counter[str] = Counter()
        self.sockets = Sockets()
        self._classes = classes
        self._clocks = clocks or ClockTable(Clock(0, ""))
        # Accounts that are settled are not among them any more.
        recogniser = Recogniser(
            *(run, reader, self._clocks, classes),
            on_unreadable=self._note_unreadable,
            flight_ns=flight_ns,
            sources=sources or {},
        )
        self._leaked: Counter[str] = Counter()
        """Step of the burst -> leaks of broadcasts that lead back to no trigger."""
        Viewpoint.__init__(self, recogniser, {}, {})
        Doings.__init__(self)
        self._opened = 0
        self._closed = False
        self._completions = [slot.is_completion for slot in reader.slots]
        self._log = TriggerLog(self._completions, flight_ns)
        self._early: dict[tuple[int, int, int], dict[int, Made]] = {}
        """(publisher, room, seq) of triggers that are not known yet -> slot -> when it was made."""
        self._settlement = Settlement(self._log, len(reader.slots), flight_ns)
        self._complete_ns = 0
        self._in_flight: dict[tuple[Stream, int], int] = {}
        self._new_triggers: list[Trigger] = []
        self.budgets: list[AddressBudget] = []
        """Budgets of the triggers' source addresses, as the backend's throttle treats them."""
        self._timed: Counter[tuple[int, int]] = Counter()
        self._report_number = 0
        self._reported_ns = 0
        self._bounded: deque[tuple[int, int]] = deque(maxlen=_REPORTS_KEPT)
        """(when a report was taken, its number of latencies across clocks that are not doubtful)."""
        self._clock_was_set = False

    def open_account(self, label: str = "", user: int | None = None) -> Account:
        """An account for a new connection.

        :param label: of a canary, its name.
        :param user: the number of the user whose connection it is, the same for all of them; None if the user has
            no other.
        """
        account = self.accounts[self._opened] = Account(self, self._opened, label=label, user=user)
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
        if broadcast.kind is not Kind.DELIVERY:
            self._leaked[broadcast.name] += 1
            self.counters[LEAKED_UNTRACED] += 1
            return
        self._settlement.streams[broadcast.room, broadcast.publisher, broadcast.slot].leaked += 1

    def revive(self, broadcast: Broadcast) -> None:
        """A broadcast is received that was forgotten."""
        self.viewpoints[broadcast.viewpoint].recogniser.revive(broadcast)

    def replay(self, delay_ns: int) -> None:
        """A broadcast reached its member by a later connection, so long after it was due."""
        self.samples_us[REPLAY].append(delay_ns // 1000)

    def set_aside(self, broadcast: Broadcast) -> None:
        """A frame arrived that is corrupt, foreign or unreadable."""
        self.counters[broadcast.kind.value] += 1
        if broadcast.keyed:
            self.counters["unmatched"] += 1

    def _note_unreadable(self, unreadable: Unreadable) -> None:
        self.adapter_failed(f"read {unreadable.kind}", f"adapter {self._adapter}: `read` {unreadable.what}")

    # What the publishers do

    def trigger_due(self) -> None:
        """The schedule wanted a trigger."""
        self.counters["due"] += 1

    def trigger_missed(self) -> None:
        """A trigger that was due could not be sent in time, or at all."""
        self.counters["missed"] += 1

    def trigger_withheld(self) -> None:
        """Count a trigger that was missed because every source address had to be quiet."""
        self.counters["withheld"] += 1
        self.trigger_missed()

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
                early = self._early.pop((trigger.publisher, trigger.room, trigger.seq), {})
                for made in early.values():
                    self._note_made(made)
                for viewpoint in self.viewpoints.values():
                    resolved += viewpoint.recogniser.learn(trigger)
        go_on(resolved)

    def widen(self, flight_ns: int) -> None:
        """Take a broadcast to be in flight for as long as one was seen to be."""
        flight_ns = min(flight_ns, MAX_FLIGHT_NS)
        if flight_ns > self.flight_ns:
            self.flight_ns = self._settlement.flight_ns = flight_ns

    def learn_made(self, rows: Iterable[Made]) -> None:
        """Take in when broadcasts were made, by the master's clock; known moments change nothing."""
        own = self._clocks.own.estimate
        for made in rows:
            if made.slot >= len(self._completions):
                continue
            own_ns, own_bound_ns = made.ns, 0
            if own is not None:
                # On the master's machine, this bound is 0.
                own_ns = own.ours_ns(made.ns)
                own_bound_ns = round(own.bound_at_ns(own_ns))
            self._note_made(made._replace(ns=own_ns, bound_ns=made.bound_ns + own_bound_ns))

    def _note_made(self, made: Made) -> None:
        """Take in one moment by this worker's clock; if its trigger is not known yet, when it is.

        A backend may send a trace with any number in it: nothing is kept for numbers that no publisher has given.
        """
        log = self._log.of_room(made.room).get(made.publisher)
        if log is None or not log.knows(made.seq):
            early = self._early.setdefault((made.publisher, made.room, made.seq), {})
            early[made.slot] = min(made, early.get(made.slot, made), key=attrgetter("limit_ns"))
            if len(self._early) > MOST_EARLY:
                del self._early[next(iter(self._early))]
            return
        log.made(made.slot, made.seq, Moment(made.ns, made.width_ns, made.bound_ns))

    def outstanding(self, now_ns: int, patience_ns: int) -> Iterator[int]:
        """Return how many deliveries are still expected, in parts; see `outstanding`."""
        return count_outstanding(
            self.accounts.values(), self._log, self._completions, now_ns, self.flight_ns, patience_ns
        )

    def complete_until(self, master_ns: int) -> None:
        """All triggers of all workers are known that left before this moment of the master's clock."""
        own = self._clocks.own.estimate
        self._complete_ns = master_ns if own is None else own.ours_ns(master_ns)

    def settle_ended(self) -> Iterator[None]:
        """Count the users that have gone and of whom everything is known, one a step, and forget them."""
        return self._settlement.settle_ended(self.accounts, self._complete_ns)

    def clock_was_set(self, from_ns: int) -> None:
        """Count the latencies across clocks since a moment: their bound may be too narrow.

        :param from_ns: the moment, by this worker's clock.
        """
        self._clock_was_set = True
        for at, (reported_ns, bounded) in enumerate(self._bounded):
            if reported_ns >= from_ns:
                self.counters["doubtful_bounds"] += bounded
                self._bounded[at] = (reported_ns, 0)

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
        :returns: the report, and metric key -> raw latencies in µs of what was delivered, for Locust's own
            statistics.
        """
        taken, paths = self._take()
        self.widen(taken.longest_ns)
        for made in self._own_made(taken):
            self._note_made(made)
        own = self.take_samples()
        samples = {name: np.array(own_us) for name, own_us in own.items()} | dict(more_us) | taken.samples_us
        samples[CLOCK_BOUND] = np.array(taken.bounds_us)
        if self._clock_was_set:
            self.counters["doubtful_bounds"] += len(taken.bounds_us)
        self._bounded.append((now_ns, 0 if self._clock_was_set else len(taken.bounds_us)))
        self._clock_was_set = False
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
            fan_outs=[self._by_master(one) for one in taken.fan_outs],
            timed=dict(self._timed),
            counters={**self.counters, "received": self.received},
            gauges={"connected": came - went, "members": self.members.total()},
            instances={name: count for name, count in self.members.items() if count} if self._tells else {},
            paths=paths,
            overloads=self.overloads.take(),
            health={**health, "in_flight_window_s": self.flight_ns / 1e9},
        )
        return report, taken.by_event()

    def _by_master(self, fan_out: FanOut) -> FanOut:
        times_ns = (fan_out.due_ns, fan_out.first_ns, fan_out.last_ns)
        due_ns, first_ns, last_ns = map(self._clocks.master_ns, times_ns)
        return fan_out._replace(due_ns=due_ns, first_ns=first_ns, last_ns=last_ns)

    def _own_made(self, taken: Taken) -> Iterable[Made]:
        """Return when broadcasts received here were made, as far as this worker can know, the earliest first."""
        for one in sorted(taken.fan_outs, key=attrgetter("first_ns")):
            width_ns = self.flight_ns if self._completions[one.slot] else 0
            yield Made(one.publisher, one.room, one.seq, one.slot, one.first_ns, width_ns)

    def _take(self) -> tuple[Taken, dict[tuple[str, str], bytes]]:
        """What all viewpoints timed; and samples by (instance that was triggered, instance of the member)."""
        taken = Taken()
        paths: dict[tuple[str, str], Samples] = {}
        for viewpoint in self.viewpoints.values():
            go_on(viewpoint.recogniser.expire())
            taken.add(viewpoint.recogniser.take())
            for origin, values_us in viewpoint.recogniser.take_paths(self._origin_of).items():
                paths[origin, viewpoint.recogniser.instance] = values_us
        if taken.completions:
            taken.samples_us[COMPLETION_LAG] = self.recogniser.first_receipts.lags_us(taken.completions)
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
        for account in self.accounts.values():
            account.give_up_joins(0)
        self._closed = True

    def _untraced(self) -> Counter[str]:
        return sum((one.untraced for one in self.viewpoints.values()), Counter())

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
            memberships=self._settlement.memberships,
            brief_memberships=self._settlement.brief_memberships,
            sockets=dict(self.sockets.most),
            keys=self.recogniser.keys.counts(self._settlement.lost_of),
            untraced={escape(step): count for step, count in self._untraced().items()},
            leaked_untraced={escape(step): count for step, count in self._leaked.items()},
            failures=dict(self.failures),
            connects=self.connects.by(self._clocks.master_ns),
            checks=self.checks.to_rows(),
            canaries=self.canaries.to_rows(self._settlement.canaries),
            requests=self.requests.to_rows(),
            seconds=[(at_s, owed, lost) for at_s, (owed, lost) in seconds.items()],
            budgets=[budget.to_row() for budget in self.budgets],
            paths=[(*path, *counts) for path, counts in self._settlement.owed.by_path(self._log).items()],
        )
