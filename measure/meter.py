"""One worker's meter: takes what its sockets and publishers saw, gives reports and, at the end, the counts."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .latency import fold, new_histogram
from .presence import Counts, End, Presence
from .report import Totals, WorkerReport
from .sighting import Corrupt, Keyed, Traced
from .triggers import Outcome, Trigger, TriggerLog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .sighting import FrameReader
    from .trace import Trace

FLIGHT_NS = 2_000_000_000
"""How long a broadcast may be in flight at the edge of a membership."""

CONNECT = "connect"
JOIN = "join"
TRIGGER = "trigger"


@dataclass(slots=True, eq=False)
class Account:
    """One user's account: where it is a member, and what it received. Implements the transport's observer."""

    meter: Meter
    presences: dict[int, Presence] = field(default_factory=dict)

    def observe(self, event: str, frame: bytes, received_ns: int) -> None:
        """A frame with a broadcast arrived at this user's socket."""
        self.meter.observe(self, event, frame, received_ns)

    def joining(self, room: int) -> None:
        """The user asked to join: from now on a broadcast of this room is no leak."""
        if room not in self.presences:
            self.presences[room] = Presence(room)

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
    """All accounts of one worker.

    :param run: the run's 8 hexadecimal digits; what carries another run's trace is foreign.
    :param reader: tells what a frame is.
    """

    def __init__(self, run: str, reader: FrameReader) -> None:
        self._run = run
        self._reader = reader
        self._accounts: list[Account] = []
        self._log = TriggerLog()
        self._keys: dict[str, Trigger] = {}
        self._unresolved: dict[str, list[tuple[Account, int, int]]] = {}
        self._new_triggers: list[Trigger] = []
        self._samples_us: dict[str, array[int]] = defaultdict(lambda: array("q"))
        self._report_number = 0
        self._connects: list[tuple[int, int]] = []
        self._leaked: Counter[int] = Counter()
        self.counters: Counter[str] = Counter()
        """Cumulative: see `WorkerReport.counters`."""
        self.untraced: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        """What users could not do, by one-line reason."""

    def open_account(self) -> Account:
        """An account for a new user."""
        account = Account(self)
        self._accounts.append(account)
        return account

    # What arrives

    def observe(self, account: Account, event: str, frame: bytes, received_ns: int) -> None:
        """A frame with a broadcast arrived at an account's socket."""
        self.counters["received"] += 1
        sighting = self._reader.read(event, frame)
        if isinstance(sighting, Traced):
            self._record(account, sighting.slot, sighting.trace, received_ns)
        elif isinstance(sighting, Keyed):
            trigger = self._keys.get(sighting.key)
            if trigger is None:
                waiting = self._unresolved.setdefault(sighting.key, [])
                waiting.append((account, sighting.slot, received_ns))
            else:
                self._record_trigger(account, sighting.slot, trigger, received_ns)
        elif isinstance(sighting, Corrupt):
            self.counters["corrupt"] += 1
        else:
            self.untraced[event] += 1

    def _record(self, account: Account, slot: int, trace: Trace, received_ns: int) -> None:
        run, room, publisher, seq, due_ns = trace
        if run != self._run:
            self.counters["foreign"] += 1
            return
        self._deliver(account, slot, room, publisher, seq, received_ns - due_ns, received_ns)

    def _record_trigger(self, account: Account, slot: int, trigger: Trigger, received_ns: int) -> None:
        latency_ns = received_ns - trigger.due_ns
        self._deliver(account, slot, trigger.room, trigger.publisher, trigger.seq, latency_ns, received_ns)

    def _deliver(
        self,
        account: Account,
        slot: int,
        room: int,
        publisher: int,
        seq: int,
        latency_ns: int,
        received_ns: int,
    ) -> None:
        if not account.may_receive(room, received_ns):
            self._leaked[room] += 1
            return
        if account.presences[room].ledger(publisher, slot).record(seq):
            if latency_ns < 0:
                self.counters["negative_latency"] += 1
            self._samples_us[self._reader.slots[slot].event].append(latency_ns // 1000)

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
        for trigger in triggers:
            self._log.add(trigger)
            if trigger.key:
                self._keys[trigger.key] = trigger
                for account, slot, received_ns in self._unresolved.pop(trigger.key, ()):
                    self._record_trigger(account, slot, trigger, received_ns)

    # What the users do

    def connected(self, started_ns: int, finished_ns: int) -> None:
        """A connection was made, from the first packet of TCP to the Socket.IO answer."""
        self.counters["connects"] += 1
        self._connects.append((started_ns, finished_ns))
        self._samples_us[CONNECT].append((finished_ns - started_ns) // 1000)

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
        self, at_s: int, health: Mapping[str, float], more_us: Mapping[str, array[int]]
    ) -> tuple[WorkerReport, dict[str, array[int]]]:
        """What happened since the last report.

        :param health: of the worker process itself.
        :param more_us: further samples in µs, measured elsewhere.
        :returns: the report, and the raw latencies in µs for Locust's own statistics.
        """
        samples, self._samples_us = self._samples_us, defaultdict(lambda: array("q"))
        triggers, self._new_triggers = self._new_triggers, []
        encoded = {}
        for name, values in {**samples, **more_us}.items():
            histogram = new_histogram()
            fold(histogram, values)
            encoded[name] = histogram.encode()
        self._report_number += 1
        gauges = {
            "connected": self.counters["connects"]
            - self.counters["connections_lost"]
            - self.counters["disconnects"],
            "members": sum(account.is_member for account in self._accounts),
        }
        report = WorkerReport(
            number=self._report_number,
            at_s=at_s,
            triggers=triggers,
            latencies=encoded,
            counters=dict(self.counters),
            gauges=gauges,
            health=dict(health),
        )
        return report, samples

    def settle(self) -> Totals:
        """Count everything against what was owed. Call when all triggers are known and nothing is in flight."""
        slots = self._reader.slots
        rooms: dict[int, list[Counts]] = {}
        members: Counter[int] = Counter()
        logs = {}
        for account in self._accounts:
            for room, presence in account.presences.items():
                if room not in logs:
                    logs[room] = self._log.of_room(room)
                counts = rooms.setdefault(room, [Counts() for _ in slots])
                for slot, settled in presence.settle(logs[room], len(slots), FLIGHT_NS).items():
                    counts[slot].add(settled)
                members[room] += bool(presence.spans)
        unresolved = sum(len(waiting) for waiting in self._unresolved.values())
        counters = dict(self.counters)
        counters["foreign"] = counters.get("foreign", 0) + unresolved
        return Totals(
            reports=self._report_number,
            counters=counters,
            rooms=rooms,
            members=dict(members),
            leaked=dict(self._leaked),
            untraced=dict(self.untraced),
            failures=dict(self.failures),
            connects=self._connects,
        )
