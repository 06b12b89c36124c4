"""What became of each event in rooms of each class: counts, latencies, fan-out."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from loadtest.measurement import room_classes
from loadtest.measurement.latency import fold, new_histogram, summarise
from loadtest.measurement.names import key_of
from loadtest.measurement.presence import Counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ClassSlot = tuple[int, int]
"""(class, slot)."""


class ByClass:
    """Latencies and fan-outs by event and class.

    :param classes: of the rooms, by their numbers.
    :param events: of the slots, by their numbers.
    """

    def __init__(self, classes: Sequence[int] = (), events: Sequence[str] = ()) -> None:
        self._classes = classes
        self._events = events
        self._keys = frozenset(map(key_of, events))
        self.latencies: dict[tuple[str, int], Any] = defaultdict(new_histogram)
        """(metric key, class) -> histogram in µs, where there are several classes."""
        self._fan_outs: dict[tuple[str, int], Any] = defaultdict(new_histogram)

    def of_room(self, room: int) -> int:
        """The class of a room."""
        return room_classes.of_room(self._classes, room)

    def is_delivered(self, key: str) -> bool:
        """Whether latencies of this metric key are those of deliveries."""
        return key in self._keys

    def add_fan_outs(self, spreads_us: Mapping[tuple[int, int], list[int]]) -> None:
        """Take in what became of a second's broadcasts.

        :param spreads_us: (room, slot) -> from the first delivery to the last, of each.
        """
        grouped: dict[tuple[str, int], list[int]] = defaultdict(list)
        for (room, slot), values_us in spreads_us.items():
            if slot < len(self._events):
                grouped[self._events[slot], self.of_room(room)] += values_us
        for key, values_us in grouped.items():
            fold(self._fan_outs[key], values_us)

    def rows(
        self,
        counts: Mapping[ClassSlot, Counts],
        members: Mapping[int, int],
        latencies: Mapping[str, Any],
    ) -> list[dict[str, Any]]:
        """One row for each event and class that has rooms; latencies and fan-outs in milliseconds.

        :param counts: what was owed and came.
        :param members: class -> memberships.
        :param latencies: metric key -> histogram, which is the class's own where there is just one.
        """
        rooms = Counter(self._classes)
        empty = new_histogram()
        rows = []
        for event in dict.fromkeys(self._events):
            key = key_of(event)
            for one in sorted(rooms):
                total = Counts()
                for slot, name in enumerate(self._events):
                    if name == event and (one, slot) in counts:
                        total.add(counts[one, slot])
                own = self.latencies.get((key, one), empty) if len(rooms) > 1 else latencies.get(key, empty)
                rows.append(
                    {
                        "event": event,
                        "room_class": room_classes.NAMES[one],
                        "rooms": rooms[one],
                        "members": members.get(one, 0),
                        **asdict(total),
                        "latency_ms": summarise(own),
                        "fan_out_ms": summarise(self._fan_outs.get((event, one), empty)),
                    }
                )
        return rows
