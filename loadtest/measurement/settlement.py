"""What was owed and what came, added up account by account; those whose users have gone, while the run goes on."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from loadtest.measurement.countable import parts_of
from loadtest.measurement.expected_parts import Expected, expected_by_moment
from loadtest.measurement.members import Users
from loadtest.measurement.owed import Ranges
from loadtest.measurement.presence import Counts, Owed, ledger_key
from loadtest.measurement.sequence import SequenceLedger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy as np
    import numpy.typing as npt

    from loadtest.measurement.account import Account
    from loadtest.measurement.countable import Countable, Snapshot
    from loadtest.measurement.presence import Part, Presence
    from loadtest.measurement.report import StreamSlot
    from loadtest.measurement.triggers import StreamLog, Trigger, TriggerLog

_EMPTY: Final = SequenceLedger()
DECIDED_AFTER_NS: Final = 30_000_000_000
"""How long after a user left a broadcast that nobody has received counts as lost for that user."""


class Settlement:
    """Counts of the accounts that were settled.

    :param log: of all triggers; an account may be settled when all are in it that left before its end.
    :param slots: how many traced broadcasts each trigger makes.
    :param flight_ns: how long a broadcast may be in flight.
    """

    def __init__(self, log: TriggerLog, slots: int, flight_ns: int) -> None:
        self.log = log
        self.flight_ns = flight_ns
        self.slots = slots
        self.streams: dict[StreamSlot, Counts] = defaultdict(Counts)
        self.members: Counter[int] = Counter()
        """Room -> different users that were ever in it."""
        self.users = Users()
        self.memberships = 0
        self.brief_memberships = 0
        """Those that were shorter than a broadcast may be in flight: whatever came is an edge."""
        self.owed = Ranges()
        self.canaries: defaultdict[str, Counts] = defaultdict(Counts)
        self._lost: dict[tuple[int, int], npt.NDArray[np.int64]] = {}
        """(room, publisher) -> what `lost_of` looks up; once all accounts are settled it changes no more."""
        self.settled_ns = 0
        """A trigger that left before, and is learnt of only now, may be missing in what was counted already."""

    def settle(self, account: Account) -> None:
        """Count one account."""
        for _ in self._steps(account):
            pass

    def _steps(self, account: Account) -> Iterator[None]:
        """Count one account in steps, each of one slot of a stream; what was found is entered in the last one."""
        owed = Ranges()
        streams: list[tuple[StreamSlot, Counts]] = []
        for room, presence in account.presences.items():
            logs = dict(self.log.of_room(room))
            for publisher, slot, counts in count(presence, logs, self.slots, self.flight_ns, owed):
                streams.append(((room, publisher, slot), counts))
                yield
        self.owed.add(owed)
        for stream, counts in streams:
            self.streams[stream].add(counts)
            if account.label:
                self.canaries[account.label].add(counts)
        for room, presence in account.presences.items():
            self.memberships += len(presence.spans)
            self.brief_memberships += sum(span.is_brief(self.flight_ns) for span in presence.spans)
            self.members[room] += bool(presence.spans) and self.users.is_new(room, account.user)

    def lost_of(self, trigger: Trigger) -> int:
        """Return how many deliveries of a trigger were lost by the accounts that were settled."""
        stream = (trigger.room, trigger.publisher)
        if stream not in self._lost:
            self._lost[stream] = self.owed.lost(*stream, self.log.of_room(trigger.room)[trigger.publisher])
        lost = self._lost[stream]
        return int(lost[trigger.seq]) if trigger.seq < len(lost) else 0

    def settle_ended(self, accounts: dict[int, Account], complete_ns: int) -> Iterator[None]:
        """Count those that ended, and forget them, in small steps.

        :param complete_ns: all triggers are known that left before.
        """
        ended = [(account, account.ended_ns) for account in accounts.values() if account.ended_ns is not None]
        for account, ended_ns in ended:
            is_over = ended_ns + self.flight_ns < complete_ns and not account.held
            if is_over and self._is_decided(account, ended_ns, complete_ns):
                self.settled_ns = max(self.settled_ns, ended_ns + self.flight_ns)
                yield from self._steps(account)
                # No step between: whoever else counts finds the account here or there.
                del accounts[account.number]
            yield

    def _is_decided(self, account: Account, ended_ns: int, complete_ns: int) -> bool:
        """Return whether all broadcasts that an ended account may have expected have a known moment.

        A broadcast that nobody has received yet may be made after the user left, or it is lost.
        """
        if ended_ns + DECIDED_AFTER_NS < complete_ns:
            return True
        logs = (log for room in account.presences for log in self.log.of_room(room).values())
        return all(log.is_seen_before(ended_ns) for log in logs)


def count(
    presence: Presence,
    logs: Mapping[int, StreamLog],
    slots: int,
    flight_ns: int,
    ranges: Ranges | None = None,
    snapshot: Snapshot | None = None,
) -> Iterator[tuple[int, int, Counts]]:
    """Count what came to one user in one room against what was owed.

    :param logs: publisher -> the log of its stream to this room.
    :param slots: how many traced broadcasts each trigger makes.
    :param flight_ns: how long a broadcast may be in flight.
    :param ranges: where is written down when it was sent, and which way it had to go; None for nowhere.
    :param snapshot: what counts; None for all that is known now.
    :returns: (publisher, slot, counts).
    """
    presence.catch_up()
    for publisher, log in logs.items():
        following = list(presence.parts(log, flight_ns))
        for slot in range(slots):
            countable = snapshot.of(log, slot) if snapshot else log.countable(slot, flight_ns)
            key = ledger_key(publisher, slot)
            ledger = presence.ledgers.get(key) or _EMPTY
            replays = presence.replays.get(key) or _EMPTY
            arrived = ledger.count(0, ledger.next)
            counts = Counts(
                arrived=arrived,
                unowed=arrived,
                duplicate=ledger.duplicates,
                # Work that began first may end later.
                reordered=0 if log.is_completion(slot) else ledger.reordered,
                reorder_extent=0 if log.is_completion(slot) else ledger.extent,
            )
            if countable.windows is None:
                expected = _of_parts(following, countable.end)
            else:
                expected = expected_by_moment(presence.spans, countable.windows, flight_ns)
            _count_expected(counts, expected, countable, ledger, replays, ranges, (presence.room, publisher))
            yield publisher, slot, counts


def _of_parts(parts: Iterable[Part], end: int) -> Iterator[Expected]:
    """Return parts of a stream as far as they are below a number; those that are empty are left out."""
    for start, stop, owed, instance in parts:
        if start < min(stop, end):
            yield Expected(owed, instance, range(start, min(stop, end)))


def _count_expected(
    counts: Counts,
    expected: Iterable[Expected],
    countable: Countable,
    ledger: SequenceLedger,
    replays: SequenceLedger,
    ranges: Ranges | None,
    stream: tuple[int, int],
) -> None:
    for owed, instance, numbers in expected:
        parts, missing = parts_of(numbers), ledger.missing_of(numbers)
        total = countable.count(parts)
        delivered = total - countable.count(missing)
        counts.unowed -= delivered
        _count(counts, total, delivered, owed)
        if owed in (Owed.OFFLINE, Owed.DROPPED) and replays is not _EMPTY:
            counts.replayed += total - countable.count(replays.missing_of(numbers))
        if owed is Owed.EDGE or ranges is None:
            continue
        for start, stop in countable.made(parts):
            ranges.owe(*stream, start, stop, 1, instance)
        for start, stop in countable.made(missing):
            ranges.lose(*stream, start, stop, instance)


def _count(counts: Counts, expected: int, delivered: int, why: Owed) -> None:
    if why is Owed.EDGE:
        counts.edge += expected
        return
    counts.expected += expected
    counts.delivered += delivered
    counts.lost += expected - delivered
    if why is not Owed.MEMBER:
        counts.missed_offline += expected - delivered
    if why in (Owed.DROPPED, Owed.RETURNING):
        counts.missed_dropped += expected - delivered
