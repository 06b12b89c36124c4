"""Rooms by how many members they are meant to have: what is told of thousands of rooms in a few lines."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from loadtest.measurement.names import MARK

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_BORDERS: Final = (2, 20, 100, 1_000, 10_000)
"""Members with which the next class begins. The guide's own figure for a room that counts is 20."""
NAMES: Final = ("up to 1", "2–19", "20–99", "100–999", "1,000–9,999", "10,000 and more")
FIRST_CROWDED: Final = 2
"""The rooms of this class, and of all above, have 20 members or more."""
CLASS: Final = f"{MARK}class"
"""Before the number of a class, in the name of the latencies of its rooms."""


def class_of(members: int) -> int:
    """The class of a room; its name is in `NAMES`."""
    return bisect_right(_BORDERS, members)


def classes_of(members: Iterable[int]) -> tuple[int, ...]:
    """The class of each room, by its number."""
    return tuple(class_of(count) for count in members)


def of_room(classes: Sequence[int], room: int) -> int:
    """The class of one room; rooms that nobody classified are all of the first."""
    return classes[room] if room < len(classes) else 0


def split(name: str) -> tuple[str, int | None]:
    """(metric key of the event, class) of the name of latencies."""
    key, marked, number = name.partition(CLASS)
    return key, int(number) if marked else None
