"""What was owed and what came, added up account by account; those whose users have gone, while the run goes on."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from .owed import Ranges
from .presence import Counts, Owed, ledger_key
from .sequence import SequenceLedger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .account import Account
    from .presence import Presence
    from .report import StreamSlot
    from .triggers import StreamLog, TriggerLog

_EMPTY: Final = SequenceLedger()


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
        """Room -> users that were ever in it."""
        self.owed = Ranges()
        self.canaries: defaultdict[str, Counts] = defaultdict(Counts)
        self.settled_ns = 0
        """A trigger that left before, and is learnt of only now, may be missing in what was counted already."""

    def settle(self, account: Account) -> None:
        """Count one account."""
        for room, presence in account.presences.items():
            found = count(presence, self.log.of_room(room), self.slots, self.flight_ns, self.owed)
            for publisher, slot, counts in found:
                self.streams[room, publisher, slot].add(counts)
                if account.label:
                    self.canaries[account.label].add(counts)
            self.members[room] += bool(presence.spans)

    def settle_ended(self, accounts: dict[int, Account], complete_ns: int) -> None:
        """Count those that ended, and forget them.

        :param complete_ns: all triggers are known that left before.
        """
        ready = [
            account
            for account in accounts.values()
            if account.ended_ns is not None
            and account.ended_ns + self.flight_ns < complete_ns
            and not account.held
        ]
        for account in ready:
            self.settle(account)
            self.settled_ns = max(self.settled_ns, (account.ended_ns or 0) + self.flight_ns)
            del accounts[account.number]


def count(
    presence: Presence,
    logs: Mapping[int, StreamLog],
    slots: int,
    flight_ns: int,
    ranges: Ranges | None = None,
    until_ns: int | None = None,
) -> Iterator[tuple[int, int, Counts]]:
    """Count what came to one user in one room against what was owed.

    :param logs: publisher -> the log of its stream to this room.
    :param slots: how many traced broadcasts each trigger makes.
    :param flight_ns: how long a broadcast may be in flight.
    :param ranges: where is written down when it was sent, and which way it had to go; None for nowhere.
    :param until_ns: what left at or after this moment is not owed yet; None if everything is.
    :returns: (publisher, slot, counts).
    """
    presence.catch_up()
    for publisher, log in logs.items():
        end = log.end if until_ns is None else log.sent_before(until_ns)
        cut = (part._replace(stop=min(part.stop, end)) for part in presence.parts(log, flight_ns))
        parts = [(part, log.not_owed(part.start, part.stop)) for part in cut if part.start < part.stop]
        for (start, stop, owed, instance), _ in parts:
            if owed is not Owed.EDGE and ranges is not None:
                ranges.owe(presence.room, publisher, start, stop, slots, instance)
        for slot in range(slots):
            key = ledger_key(publisher, slot)
            ledger = presence.ledgers.get(key) or _EMPTY
            replays = presence.replays.get(key) or _EMPTY
            arrived = ledger.count(0, ledger.next)
            counts = Counts(
                arrived=arrived,
                unowed=arrived,
                duplicate=ledger.duplicates,
                reordered=ledger.reordered,
                reorder_extent=ledger.extent,
            )
            for (start, stop, owed, instance), not_owed in parts:
                expected = stop - start - len(not_owed)
                delivered = ledger.count(start, stop) - sum(ledger.count(seq, seq + 1) for seq in not_owed)
                counts.unowed -= delivered
                _count(counts, expected, delivered, owed)
                if owed is not Owed.EDGE and delivered < expected and ranges is not None:
                    for begin, behind in ledger.missing(start, stop):
                        ranges.lose(presence.room, publisher, begin, behind, instance)
                if owed is Owed.OFFLINE:
                    counts.replayed += replays.count(start, stop)
            yield publisher, slot, counts


def _count(counts: Counts, expected: int, delivered: int, why: Owed) -> None:
    if why is Owed.EDGE:
        counts.edge += expected
        return
    counts.expected += expected
    counts.delivered += delivered
    counts.lost += expected - delivered
    if why is not Owed.MEMBER:
        counts.missed_offline += expected - delivered
