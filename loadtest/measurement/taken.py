"""What was timed since the last report."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from loadtest.measurement import room_classes
from loadtest.measurement.names import MARK

if TYPE_CHECKING:
    from loadtest.measurement.first_receipts import BroadcastKey
    from loadtest.measurement.latency import Samples

ACROSS: Final = f"{MARK}across"
"""Marks the latencies of deliveries whose publisher has another clock than their receiver."""
COALESCED: Final = f"{MARK}coalesced"
"""Marks the latencies of deliveries that were read together with later ones: they may be too long."""
EARLIEST: Final = f"{MARK}earliest"
"""Marks the minimum of each of these latencies."""
COMPLETION_LAG: Final = "completion_lag"
"""Metric of completions: from the first receipt in this worker to each receipt in it."""


class FanOut(NamedTuple):
    """What one worker knows of one broadcast's way to its members; times by the worker's clock.

    In reports the times are by the master's clock.

    due_ns: when its trigger was due. slack_ns: by how much any of its receive times may be too late, at most.
    deliveries: 0 if the times are those of receivers that are timed apart. They show that the broadcast was made,
    and do not count in its fan-out.
    """

    publisher: int
    room: int
    seq: int
    slot: int
    due_ns: int
    first_ns: int
    last_ns: int
    deliveries: int
    slack_ns: int = 0


@dataclass(slots=True)
class Taken:
    """What was timed since it was last taken.

    samples_us: name -> latencies in µs; a name is the event's metric key + the mark of its room's class, if there
    are rooms of several, + `ACROSS` if the deliveries are across clocks; or `COMPLETION_LAG`;
    or the event's metric key + `COALESCED` or `EARLIEST`.
    timed: (room, slot) -> deliveries.
    longest_ns: the largest latency.
    completions: (which, when members received it) by this worker's clock.
    negative: deliveries that came before they were due, by more than the clocks may be wrong. unbounded: those of
    clocks of which nothing is known. bounds_us: by how much each latency across clocks may be wrong.
    """

    samples_us: dict[str, Samples] = field(default_factory=dict)
    timed: Counter[tuple[int, int]] = field(default_factory=Counter)
    fan_outs: list[FanOut] = field(default_factory=list)
    negative: int = 0
    unbounded: int = 0
    bounds_us: array[int] = field(default_factory=lambda: array("q"))
    longest_ns: int = 0
    completions: list[tuple[BroadcastKey, Samples]] = field(default_factory=list)

    def add(self, other: Taken) -> None:
        """Add what another viewpoint timed."""
        for name, values_us in other.samples_us.items():
            own_us = self.samples_us.get(name)
            self.samples_us[name] = values_us if own_us is None else np.concatenate([own_us, values_us])
        self.timed.update(other.timed)
        self.fan_outs += other.fan_outs
        self.completions += other.completions
        self.longest_ns = max(self.longest_ns, other.longest_ns)
        self.negative += other.negative
        self.unbounded += other.unbounded
        self.bounds_us.extend(other.bounds_us)

    def by_event(self) -> dict[str, Samples]:
        """Return metric key of an event or a canary -> all its latencies in µs; completions have none."""
        merged: dict[str, Samples] = {}
        for name, values_us in self.samples_us.items():
            if name == COMPLETION_LAG or name.endswith((COALESCED, EARLIEST)):
                continue
            key, _ = room_classes.split(name.removesuffix(ACROSS))
            merged[key] = np.concatenate([merged[key], values_us]) if key in merged else values_us
        return merged
