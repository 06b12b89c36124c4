"""What was owed and what came so far: the accounts, counted while the run goes on, without changing them.

A run's losses are known for sure when it is over. Meanwhile everything counts that left so long ago that it should
have arrived: the triggers of before a horizon, which every account is counted up to, by the very rules of the end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Any

from loadtest.measurement import room_classes
from loadtest.measurement.countable import Snapshot
from loadtest.measurement.presence import Counts
from loadtest.measurement.settlement import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from loadtest.measurement.account import Account
    from loadtest.measurement.by_class import ClassSlot
    from loadtest.measurement.settlement import Settlement


@dataclass(slots=True)
class Interim:
    """What one worker counted so far.

    until_ns: up to which moment of the master's clock triggers count. members: class -> users, counted in each
    room. failures: what users could not do, by reason.
    """

    until_ns: int = 0
    counts: dict[ClassSlot, Counts] = field(default_factory=lambda: defaultdict(Counts))
    members: Counter[int] = field(default_factory=Counter)
    failures: dict[str, int] = field(default_factory=dict)

    def to_message(self) -> dict[str, Any]:
        """As a message."""
        return {
            "until_ns": self.until_ns,
            "counts": [[*key, *astuple(counts)] for key, counts in self.counts.items()],
            "members": list(self.members.items()),
            "failures": self.failures,
        }

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Interim:
        """From a message."""
        counts = {(one, slot): Counts(*rest) for one, slot, *rest in message["counts"]}
        return cls(message["until_ns"], counts, Counter(dict(message["members"])), message["failures"])


class Count:
    """One count of all accounts, a few at a time: between two of them the event loop may go on.

    :param settled: those that were counted for good.
    :param accounts: all others.
    :param classes: of the rooms.
    :param complete_ns: all triggers are known that left before.
    """

    def __init__(
        self,
        settled: Settlement,
        accounts: Sequence[Account],
        classes: Sequence[int],
        complete_ns: int,
    ) -> None:
        self._rules = settled
        self._accounts = accounts
        self._classes = classes
        self.until_ns = complete_ns - settled.flight_ns
        self.found = Interim()
        for (room, _, slot), counts in settled.streams.items():
            self.found.counts[self._class(room), slot].add(counts)
        for room, members in settled.members.items():
            self.found.members[self._class(room)] += members
        self._users = settled.users.copy()
        self._snapshot = Snapshot(settled.flight_ns, self.until_ns)

    def _class(self, room: int) -> int:
        return room_classes.of_room(self._classes, room)

    def steps(self) -> Iterator[None]:
        """Count one account each."""
        for account in self._accounts:
            for room, presence in account.presences.items():
                one = self._class(room)
                logs = self._rules.log.of_room(room)
                found = count(presence, logs, self._rules.slots, self._rules.flight_ns, snapshot=self._snapshot)
                for _, slot, counts in found:
                    self.found.counts[one, slot].add(counts)
                self.found.members[one] += bool(presence.spans) and self._users.is_new(room, account.user)
            yield


def merge(interims: Sequence[Interim]) -> Interim:
    """Several workers' as one: as old as the oldest."""
    merged = Interim(until_ns=min((one.until_ns for one in interims), default=0))
    failures: Counter[str] = Counter()
    for one in interims:
        for key, counts in one.counts.items():
            merged.counts[key].add(counts)
        merged.members.update(one.members)
        failures.update(one.failures)
    merged.failures = dict(failures.most_common())
    return merged
