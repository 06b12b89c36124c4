"""What was owed and what came, added up account by account; those whose users have gone, while the run goes on."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from .presence import Counts

if TYPE_CHECKING:
    from .account import Account
    from .report import StreamSlot
    from .triggers import TriggerLog


class Settlement:
    """Counts of the accounts that were settled.

    :param log: of all triggers; an account may be settled when all are in it that left before its end.
    :param slots: how many traced broadcasts each trigger makes.
    :param flight_ns: how long a broadcast may be in flight.
    """

    def __init__(self, log: TriggerLog, slots: int, flight_ns: int) -> None:
        self._log = log
        self._flight_ns = flight_ns
        self._slots = slots
        self.streams: dict[StreamSlot, Counts] = defaultdict(Counts)
        self.members: Counter[int] = Counter()
        """Room -> users that were ever in it."""
        self.settled_ns = 0
        """A trigger that left before, and is learnt of only now, may be missing in what was counted already."""

    def settle(self, account: Account) -> None:
        """Count one account."""
        for room, presence in account.presences.items():
            for publisher, slot, counts in presence.settle(self._log.of_room(room), self._slots, self._flight_ns):
                self.streams[room, publisher, slot].add(counts)
            self.members[room] += bool(presence.spans)

    def settle_ended(self, accounts: dict[int, Account], complete_ns: int) -> None:
        """Count those that ended, and forget them.

        :param complete_ns: all triggers are known that left before.
        """
        ready = [
            account
            for account in accounts.values()
            if account.ended_ns is not None
            and account.ended_ns + self._flight_ns < complete_ns
            and not account.held
        ]
        for account in ready:
            self.settle(account)
            self.settled_ns = max(self.settled_ns, (account.ended_ns or 0) + self._flight_ns)
            del accounts[account.number]
