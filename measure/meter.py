"""One worker's meter: takes what its sockets and publishers saw, gives reports and, at the end, the counts."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from .latency import fold, new_histogram
from .presence import Counts, End, Presence
from .recogniser import Broadcast, Kind, Recogniser
from .report import Totals, WorkerReport
from .triggers import Outcome, Trigger, TriggerLog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .latency import Samples
    from .sighting import FrameReader

FLIGHT_NS = 2_000_000_000
"""How long a broadcast may be in flight at the edge of a membership."""

CONNECT = "connect"
CONNECT_PHASE = "connect_"
JOIN = "join"
TRIGGER = "trigger"


@dataclass(slots=True, eq=False)
class Account:
    """One user's account: where it is a member, and what it received."""

    meter: Meter
    number: int
    presences: dict[int, Presence] = field(default_factory=dict)

    def receive(self, broadcast: Broadcast, received_ns: int) -> None:
        """A broadcast arrived that is not simply the next one of its stream."""
        if broadcast.kind is Kind.DELIVERY:
            self.deliver(broadcast, received_ns)
        else:
            self.meter.set_aside(self, broadcast, received_ns)

    def deliver(self, broadcast: Broadcast, received_ns: int) -> None:
        """A broadcast of a known trigger arrived: to a member, or to somebody who is none."""
        presence = self.presences.get(broadcast.room)
        if presence is not None and self.may_receive(broadcast.room, received_ns):
            presence.receive(broadcast, received_ns)
        else:
            self.meter.leaked[broadcast.room] += 1

    def joining(self, room: int) -> None:
        """The user asked to join: from now on a broadcast of this room is no leak."""
        if room not in self.presences:
            self.presences[room] = Presence(room, self.number, self.meter.lines[room])

    def joined(self, room: int, now_ns: int) -> None:
        """The backend answered that the user is in the room."""
        self.joining(room)
        self.presences[room].join(now_ns)

    def left(self, room: int, now_ns: int) -> None:
        """The user left the room."""
        if (presence := self.presences.get(room)) is not None:
            presence.close(now_ns, End.LEFT)

    def disconnected(self, now_ns: int, *, wanted: bool) -> None:
        """The connection ended; all memberships with it."""
        for presence in self.presences.values():
            presence.close(now_ns, End.LEFT if wanted else End.LOST)

    @property
    def is_member(self) -> bool:
        """Whether the user is in any room now."""
        return any(presence.open for presence in self.presences.values())

    def may_receive(self, room: int, now_ns: int) -> bool:
        """Whether a broadcast of a room that arrives now is none leaked."""
        presence = self.presences.get(room)
        if presence is None:
            return False
        if presence.open or not presence.spans:
            return True
        ended_ns = presence.spans[-1].ended_ns
        return ended_ns is not None and now_ns - ended_ns < FLIGHT_NS


class Meter:
    """All accounts of one worker. Implements the transport's observer; a member's number is its account's.

    :param run: the run's 8 hexadecimal digits; what carries another run's trace is foreign.
    :param reader: tells what a frame is.
    """

    def __init__(self, run: str, reader: FrameReader) -> None:
        self._reader = reader
        self._recogniser = Recogniser(run, reader)
        self.accounts: list[Account] = []
        """By number."""
        self._log = TriggerLog()
        self._new_triggers: list[Trigger] = []
        self._samples_us: dict[str, array[int]] = defaultdict(lambda: array("q"))
        self._report_number = 0
        self._connects: list[tuple[int, int]] = []
        self.known = self._recogniser.known
        self.lines = self._recogniser.lines
        self.received = 0
        self.leaked: Counter[int] = Counter()
        self.counters: Counter[str] = Counter()
        """Cumulative: see `WorkerReport.counters`."""
        self.untraced: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        """What users could not do, by one-line reason."""

    def open_account(self) -> Account:
        """An account for a new user."""
        account = Account(self, len(self.accounts))
        self.accounts.append(account)
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
        else:
            self.accounts[member].receive(broadcast, received_ns)

    def set_aside(self, account: Account, broadcast: Broadcast, received_ns: int) -> None:
        """A frame arrived that is no delivery, or not yet."""
        if broadcast.kind is Kind.WAITING:
            broadcast.waiting.append((self.received, account, received_ns))
        elif broadcast.kind is Kind.UNTRACED:
            self.untraced[broadcast.event] += 1
        else:
            self.counters[broadcast.kind.value] += 1

    # What the publishers do

    def trigger_due(self) -> None:
        """The schedule wanted a trigger."""
        self.counters["due"] += 1

    def trigger_missed(self) -> None:
        """A trigger that was due could not be sent in time, or at all."""
        self.counters["missed"] += 1

    def trigger_sent(self) -> None:
        """A trigger left."""
        self.counters["sent"] += 1

    def trigger_answered(self, trigger: Trigger, answer_ms: float | None) -> None:
        """A trigger came to its end.

        :param answer_ms: how long the backend took to answer; None if it did not.
        """
        if trigger.outcome is not Outcome.ACCEPTED:
            self.counters[trigger.outcome.name.lower()] += 1
        if answer_ms is not None:
            self._samples_us[TRIGGER].append(int(answer_ms * 1000))
        self._new_triggers.append(trigger)
        self.learn([trigger])

    def learn(self, triggers: Iterable[Trigger]) -> None:
        """Take in triggers, our own or another worker's; one that is known already changes nothing."""
        learnt = list(triggers)
        for trigger in learnt:
            self._log.add(trigger)
        arrived = []
        for broadcast in self._recogniser.learn(learnt):
            waiting, broadcast.waiting = broadcast.waiting, []
            arrived += [(*arrival, broadcast) for arrival in waiting]
        # In their order of arrival, not in that of the triggers: otherwise nothing would ever be reordered.
        for _, account, received_ns, broadcast in sorted(arrived, key=itemgetter(0)):
            account.deliver(broadcast, received_ns)

    # What the users do

    def connected(self, started_ns: int, finished_ns: int, phases_ns: Mapping[str, int]) -> None:
        """A connection was made, from the first packet of TCP to the Socket.IO answer.

        :param phases_ns: what the transport's phases of it took; the rest is Socket.IO's own.
        """
        self.counters["connects"] += 1
        self._connects.append((started_ns, finished_ns))
        took_ns = finished_ns - started_ns
        self._samples_us[CONNECT].append(took_ns // 1000)
        for phase, phase_ns in {**phases_ns, "socketio": took_ns - sum(phases_ns.values())}.items():
            self._samples_us[CONNECT_PHASE + phase].append(phase_ns // 1000)

    def connect_failed(self, reason: str) -> None:
        """A connection could not be made."""
        self.counters["connect_failures"] += 1
        self.failures[reason] += 1

    def connection_lost(self, reason: str) -> None:
        """A connection ended that nobody wanted to end."""
        self.counters["connections_lost"] += 1
        self.failures[reason] += 1

    def join_answered(self, duration_ns: int) -> None:
        """The backend answered a join."""
        self._samples_us[JOIN].append(duration_ns // 1000)

    def join_failed(self, reason: str) -> None:
        """A room could not be joined."""
        self.counters["join_failures"] += 1
        self.failures[reason] += 1

    def user_failed(self, reason: str) -> None:
        """A user raised what nobody expected: the load test itself is wrong."""
        self.counters["user_errors"] += 1
        self.failures[f"error in our own user: {reason}"] += 1

    # What goes to the master

    def take_report(
        self, at_s: int, health: Mapping[str, float], more_us: Mapping[str, Samples]
    ) -> tuple[WorkerReport, dict[str, Samples]]:
        """What happened since the last report.

        :param health: of the worker process itself.
        :param more_us: further samples in µs, measured elsewhere.
        :returns: the report, and the raw latencies of the traced events in µs, for Locust's own statistics.
        """
        own, self._samples_us = self._samples_us, defaultdict(lambda: array("q"))
        latencies = self._recogniser.take_samples_us()
        samples = {name: np.array(taken_us) for name, taken_us in own.items()} | dict(more_us) | latencies
        self.counters["negative_latency"] += sum(
            int(np.count_nonzero(latencies_us < 0)) for latencies_us in latencies.values()
        )
        encoded = {}
        for name, values_us in samples.items():
            if not len(values_us):
                continue
            histogram = new_histogram()
            fold(histogram, values_us)
            encoded[name] = histogram.encode()
        triggers, self._new_triggers = self._new_triggers, []
        self._report_number += 1
        gauges = {
            "connected": self.counters["connects"]
            - self.counters["connections_lost"]
            - self.counters["disconnects"],
            "members": sum(account.is_member for account in self.accounts),
        }
        report = WorkerReport(
            number=self._report_number,
            at_s=at_s,
            triggers=triggers,
            latencies=encoded,
            counters=self._all_counters(),
            gauges=gauges,
            health=dict(health),
        )
        return report, latencies

    def _all_counters(self) -> dict[str, int]:
        return {**self.counters, "received": self.received}

    def settle(self) -> Totals:
        """Count everything against what was owed. Call when all triggers are known and nothing is in flight."""
        slots = self._reader.slots
        rooms: dict[int, list[Counts]] = {}
        members: Counter[int] = Counter()
        logs = {}
        for account in self.accounts:
            for room, presence in account.presences.items():
                if room not in logs:
                    logs[room] = self._log.of_room(room)
                counts = rooms.setdefault(room, [Counts() for _ in slots])
                for slot, settled in presence.settle(logs[room], len(slots), FLIGHT_NS).items():
                    counts[slot].add(settled)
                members[room] += bool(presence.spans)
        counters = self._all_counters()
        counters["foreign"] = counters.get("foreign", 0) + self._recogniser.still_waiting()
        return Totals(
            reports=self._report_number,
            counters=counters,
            rooms=rooms,
            members=dict(members),
            leaked=dict(self.leaked),
            untraced=dict(self.untraced),
            failures=dict(self.failures),
            connects=self._connects,
        )
