"""Counts who is in the rooms: different users, and sockets at once."""

from __future__ import annotations

from collections import Counter, defaultdict


class Users:
    """Tells the accounts of one user in a room apart from those of another."""

    def __init__(self) -> None:
        self._seen: defaultdict[int, set[int]] = defaultdict(set)
        """Room -> numbers of users that may have several accounts."""

    def is_new(self, room: int, user: int | None) -> bool:
        """Return whether a user is seen in a room for the first time.

        :param user: its number; None if it has just one account.
        """
        if user is None:
            return True
        seen = self._seen[room]
        before = len(seen)
        seen.add(user)
        return len(seen) > before

    def copy(self) -> Users:
        """Return an independent copy."""
        copied = Users()
        copied._seen.update((room, set(users)) for room, users in self._seen.items())
        return copied


class Sockets:
    """Counts the sockets that are in each room at once."""

    def __init__(self) -> None:
        self._now: Counter[int] = Counter()
        self.most: Counter[int] = Counter()
        """Room -> the most at any time."""

    def enter(self, room: int) -> None:
        """Count a socket that entered a room."""
        self._now[room] += 1
        if self._now[room] > self.most[room]:
            self.most[room] = self._now[room]

    def leave(self, room: int) -> None:
        """Count a socket that left a room."""
        self._now[room] -= 1
