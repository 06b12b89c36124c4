"""One timer for the time-outs of all connections, without I/O: time comes in as an argument."""

from __future__ import annotations

from typing import Final, Generic, Protocol, TypeVar

SLOTS: Final = 128


class Timed(Protocol):
    """What can time out. Its deadline may be moved at any time, for nothing: the wheel looks when it comes by."""

    deadline_s: float


T = TypeVar("T", bound=Timed)


class TimerWheel(Generic[T]):
    """Items in slots of one second by their deadlines; deadlines further away than the wheel wait a round.

    Moving a deadline forward costs nothing: an item is looked at once each time its slot comes by, and put into
    the slot of its new deadline if that is later.
    """

    def __init__(self, now_s: float) -> None:
        self._slots: list[set[T]] = [set() for _ in range(SLOTS)]
        self._where: dict[T, int] = {}
        self._seen_s = int(now_s)

    def __len__(self) -> int:
        return len(self._where)

    def add(self, item: T) -> None:
        """Watch an item."""
        slot = max(int(item.deadline_s) + 1, self._seen_s + 1) % SLOTS
        self._slots[slot].add(item)
        self._where[item] = slot

    def remove(self, item: T) -> None:
        """Watch an item no longer; one that is not watched is no error."""
        slot = self._where.pop(item, None)
        if slot is not None:
            self._slots[slot].discard(item)

    def expired(self, now_s: float) -> list[T]:
        """The items whose deadline is over; they are watched no longer."""
        found = []
        first = max(self._seen_s + 1, int(now_s) - SLOTS + 1)
        self._seen_s = max(self._seen_s, int(now_s))
        for second in range(first, int(now_s) + 1):
            slot = second % SLOTS
            items, self._slots[slot] = self._slots[slot], set()
            for item in items:
                del self._where[item]
                if item.deadline_s <= now_s:
                    found.append(item)
                else:
                    self.add(item)
        return found
