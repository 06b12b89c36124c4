"""One worker's meter: takes what its sockets and publishers saw, gives reports and, at the end, the counts."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from .account import Account, go_on
from .checks import Checks
from .clocks import Clock, ClockTable, worker_of
from .connects import ConnectTimes
from .interim import Count
from .reasons import Reasons
from .recogniser import Kind, Recogniser
from .report import Totals, WorkerReport
from .settlement import Settlement
from .shards import pack_all
from .triggers import Outcome, Stream, Trigger, TriggerLog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .latency import Samples
    from .presence import Line
    from .recogniser import Broadcast
    from .sighting import FrameReader

CONNECT = "connect"
CONNECT_PHASE = "connect_"
JOIN = "join"
ANSWER = "answer_"
"""Before the name of a question that users asked."""
TRIGGER = "trigger"
REPLAY = "replay"
CLOCK_BOUND = "clock_bound"
_SECOND_NS = 1_000_000_000
_EARLY_NS = 5_000_000
"""By how much a timer may wake up before the second that it was set to."""


class Meter:
    """All accounts of one worker. Implements the transport's observer; a member's number is its account's.

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
        self._classes = classes
        self._clocks = clocks or ClockTable(Clock(0, ""))
        self._recogniser = Recogniser(run, reader, self._clocks, classes)
        self.accounts: dict[int, Account] = {}
        """By number; those that are not settled yet."""
        self._opened = 0
        self._log = TriggerLog()
        self._settlement = Settlement(self._log, len(reader.slots), flight_ns)
        self._complete_ns = 0
        self._in_flight: dict[tuple[Stream, int], int] = {}
        self._new_triggers: list[Trigger] = []
        self._samples_us: dict[str, array[int]] = defaultdict(lambda: array("q"))
        self._timed: Counter[tuple[int, int]] = Counter()
        self._report_number = 0
        self._reported_ns = 0
        self._connects = ConnectTimes()
        self.known = self._recogniser.known
        self.received = 0
        self.counters: Counter[str] = Counter()
        """Cumulative: see `WorkerReport.counters`."""
        self.untraced: Counter[str] = Counter()
        """By the step of the burst."""
        self.failures = Reasons()
        """What users could not do, by one-line reason."""
        self.checks = Checks()

    def open_account(self) -> Account:
        """An account for a new user."""
        account = self.accounts[self._opened] = Account(self, self._opened)
        self._opened += 1
        return account

    # What arrives

    def observe(self, member: int, event: str, frame: bytes, received_ns: int) -> None:
        """A frame with a broadcast arrived at an account's socket."""
        self.received += 1
        broadcast = self.known.get(frame) or self._recogniser.recognise(event, frame)
        if broadcast.line.get(member) == broadcast.seq:
            # Nearly all: nothing of the member's own needs to be looked at.
            broadcast.line[member] = broadcast.next_seq
            broadcast.latencies_ns.append(received_ns - broadcast.due_ns)
        elif broadcast.kind is Kind.UNTRACED:
            self.untraced[broadcast.name] += 1
        else:
            self.accounts[member].receive(broadcast, received_ns)

    # What an account tells: `account.Books`

    def lines_of(self, room: int) -> dict[int, Line]:
        """A room's lines."""
        return self._recogniser.lines[room]

    def leak(self, broadcast: Broadcast) -> None:
        """A broadcast reached somebody who is no member."""
        self._settlement.streams[broadcast.room, broadcast.publisher, broadcast.slot].leaked += 1

    def revive(self, broadcast: Broadcast) -> None:
        """A broadcast is received that was forgotten."""
        self._recogniser.revive(broadcast)

    def replay(self, delay_ns: int) -> None:
        """A broadcast reached its member by a later connection, so long after it was due."""
        self._samples_us[REPLAY].append(delay_ns // 1000)

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
            self._samples_us[TRIGGER].append(int(answer_ms * 1000))
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
                resolved += self._recogniser.learn(trigger)
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

    # What the users do

    def connected(self, started_ns: int, finished_ns: int, phases_ns: Mapping[str, int]) -> None:
        """A connection was made, from the first packet of TCP to the Socket.IO answer.

        :param phases_ns: what the transport's phases of it took; the rest is Socket.IO's own.
        """
        self.counters["connects"] += 1
        self._connects.add(started_ns, finished_ns)
        took_ns = finished_ns - started_ns
        self._samples_us[CONNECT].append(took_ns // 1000)
        for phase, phase_ns in {**phases_ns, "socketio": took_ns - sum(phases_ns.values())}.items():
            self._samples_us[CONNECT_PHASE + phase].append(phase_ns // 1000)

    def connect_failed(self, reason: str) -> None:
        """A connection could not be made."""
        self.counters["connect_failures"] += 1
        self.failures.note(reason)

    def connection_lost(self, reason: str) -> None:
        """A connection ended that nobody wanted to end."""
        self.counters["connections_lost"] += 1
        self.failures.note(reason)

    def join_answered(self, duration_ns: int) -> None:
        """The backend answered a join."""
        self._samples_us[JOIN].append(duration_ns // 1000)

    def join_failed(self, reason: str) -> None:
        """A room could not be joined."""
        self.counters["join_failures"] += 1
        self.failures.note(reason)

    def answered(self, question: str, took_ms: float) -> None:
        """The backend answered a user's question, e.g. a `ping`."""
        self._samples_us[ANSWER + question.replace(" ", "_")].append(round(took_ms * 1000))

    def not_answered(self, reason: str) -> None:
        """It did not."""
        self.counters["unanswered"] += 1
        self.failures.note(reason)

    def user_failed(self, reason: str) -> None:
        """A user raised what nobody expected: the load test itself is wrong."""
        self.counters["user_errors"] += 1
        self.failures.note(f"error in our own user: {reason}")

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
        go_on(self._recogniser.expire())
        own, self._samples_us = self._samples_us, defaultdict(lambda: array("q"))
        taken = self._recogniser.take()
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
        members = sum(account.is_member for account in self.accounts.values())
        report = WorkerReport(
            number=self._report_number,
            at_s=(self._clocks.master_ns(began_ns) + _EARLY_NS) // _SECOND_NS,
            complete_ns=self._clocks.master_ns(min(self._in_flight.values(), default=now_ns)),
            triggers=triggers,
            latencies=pack_all(samples),
            fan_outs=taken.fan_outs,
            timed=dict(self._timed),
            counters={**self.counters, "received": self.received},
            gauges={"connected": came - went, "members": members},
            health=dict(health),
        )
        return report, taken.by_event()

    def close(self) -> None:
        """All triggers are known and nothing is in flight: what still waits for its trigger is not of this run."""
        go_on(self._recogniser.expire(-1))

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
            untraced=dict(self.untraced),
            failures=dict(self.failures),
            connects=self._connects.by(self._clocks.master_ns),
            checks=self.checks.to_rows(),
            seconds=[(at_s, owed, lost) for at_s, (owed, lost) in seconds.items()],
        )
