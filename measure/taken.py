"""What was timed since the last report."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from . import room_classes

if TYPE_CHECKING:
    from .latency import Samples

ACROSS: Final = "@across"
"""Marks the latencies of deliveries whose publisher has another clock than their receiver."""


class FanOut(NamedTuple):
    """What one worker knows of one broadcast's way to its members; times by the master's clock."""

    publisher: int
    room: int
    seq: int
    slot: int
    first_ns: int
    last_ns: int
    deliveries: int


@dataclass(slots=True)
class Taken:
    """What was timed since it was last taken.

    samples_us: name -> latencies in µs; a name is the event's + the mark of its room's class, if there are rooms
    of several, + `ACROSS` if the deliveries are across clocks. timed: (room, slot) -> deliveries. negative:
    deliveries that came before they were due, by more than the clocks may be wrong. unbounded: those of clocks of
    which nothing is known. bounds_us: by how much each latency across clocks may be wrong.
    """

    samples_us: dict[str, Samples] = field(default_factory=dict)
    timed: Counter[tuple[int, int]] = field(default_factory=Counter)
    fan_outs: list[FanOut] = field(default_factory=list)
    negative: int = 0
    unbounded: int = 0
    bounds_us: array[int] = field(default_factory=lambda: array("q"))

    def add(self, other: Taken) -> None:
        """Add what another viewpoint timed."""
        for name, values_us in other.samples_us.items():
            own_us = self.samples_us.get(name)
            self.samples_us[name] = values_us if own_us is None else np.concatenate([own_us, values_us])
        self.timed.update(other.timed)
        self.fan_outs += other.fan_outs
        self.negative += other.negative
        self.unbounded += other.unbounded
        self.bounds_us.extend(other.bounds_us)

    def by_event(self) -> dict[str, Samples]:
        """Event -> all its latencies in µs."""
        merged: dict[str, Samples] = {}
        for name, values_us in self.samples_us.items():
            event, _ = room_classes.split(name.removesuffix(ACROSS))
            merged[event] = np.concatenate([merged[event], values_us]) if event in merged else values_us
        return merged
