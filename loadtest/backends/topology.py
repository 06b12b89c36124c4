"""Who goes into which room: evenly, room after room, or most of them into a few. Pure."""

from __future__ import annotations

import itertools
from bisect import bisect
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_GOLDEN: Final = 0.6180339887498949
"""Its multiples, without their whole parts, fill the range from 0 to 1 ever more evenly."""


@dataclass(frozen=True, slots=True)
class Topology:
    """How users are dealt out to rooms.

    size: users of a room before the next one is filled; 0 deals them out in turn. skew: the exponent s of Zipf's
    law, by which the k-th room is as popular as 1/k^s; 0 is even. Size counts only without skew. rooms_each: how
    many rooms in a row a viewer joins, of those that have the same owner. rooms_per_owner: how many rooms in a row
    have the same owner.
    """

    size: int = 0
    skew: float = 0.0
    rooms_each: int = 1
    rooms_per_owner: int = 1

    def room_of(self, user: int, rooms: int, worker: int = 0, workers: int = 1) -> int:
        """The room of a worker's n-th user: all workers together come out as the topology says."""
        if self.skew:
            place = ((user * workers + worker + 0.5) * _GOLDEN) % 1.0
            return bisect(_popularity(rooms, self.skew), place)
        if self.size:
            return (user * workers + worker) // self.size % rooms
        return (user + worker * rooms // workers) % rooms

    def rooms_of(self, user: int, rooms: int, worker: int = 0, workers: int = 1) -> list[int]:
        """All rooms of a worker's n-th user, that of `room_of` first."""
        first = self.room_of(user, rooms, worker, workers)
        start = first - first % self.rooms_per_owner
        owned = min(self.rooms_per_owner, rooms - start)
        return [start + (first - start + step) % owned for step in range(min(self.rooms_each, owned))]

    def members(self, users: int, rooms: int, workers: int = 1) -> list[int]:
        """How many of so many users, dealt out evenly to the workers, are in each room."""
        counts = [0] * rooms
        for number in range(users):
            user, worker = divmod(number, workers)
            for room in self.rooms_of(user, rooms, worker, workers):
                counts[room] += 1
        return counts


@lru_cache(maxsize=8)
def _popularity(rooms: int, skew: float) -> tuple[float, ...]:
    """For each room but the last, the share of users that go into it or one before."""
    weights = [(place + 1) ** -skew for place in range(rooms)]
    total = sum(weights)
    return tuple(weight / total for weight in itertools.accumulate(weights))[:-1]
