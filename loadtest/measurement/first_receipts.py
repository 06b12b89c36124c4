"""When completions were first received, by any member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loadtest.measurement.latency import Samples

BroadcastKey = tuple[int, int, int, int]
"""(publisher, room, seq, slot)."""
_MAX_AGE_NS: Final = 120_000_000_000
_MAX_ENTRIES: Final = 65_536


class FirstReceipts:
    """First receipts by one clock, in nanoseconds since the epoch; the newest are kept.

    :param max_entries: maximum number of broadcasts.
    :param max_age_ns: a broadcast first received that much earlier than another is forgotten.
    """

    def __init__(self, max_entries: int = _MAX_ENTRIES, max_age_ns: int = _MAX_AGE_NS) -> None:
        self._max_entries = max_entries
        self._max_age_ns = max_age_ns
        self._first_ns: dict[BroadcastKey, int] = {}

    def of(self, broadcast: BroadcastKey) -> int:
        """Return when a broadcast was first received; 0 if that is not known."""
        return self._first_ns.get(broadcast, 0)

    def note(self, broadcast: BroadcastKey, received_ns: int) -> None:
        """Take in a receipt. The earliest of several counts."""
        first_ns = self._first_ns.setdefault(broadcast, received_ns)
        if received_ns < first_ns:
            self._first_ns[broadcast] = received_ns
        oldest = next(iter(self._first_ns))
        if len(self._first_ns) > self._max_entries or self._first_ns[oldest] < received_ns - self._max_age_ns:
            del self._first_ns[oldest]

    def lags_us(self, receipts: Iterable[tuple[BroadcastKey, Samples]]) -> Samples:
        """Return the time in µs from the first receipt of each broadcast to each of its receipts.

        :param receipts: broadcast -> when it was received; several rows may have the same broadcast.
        """
        receipts = list(receipts)
        for broadcast, received_ns in receipts:
            self.note(broadcast, int(received_ns.min()))
        # Only now: another instance's members may have received it earlier.
        lags_ns = [received_ns - self.of(broadcast) for broadcast, received_ns in receipts]
        return np.concatenate(lags_ns) // 1000 if lags_ns else np.array([], dtype=np.int64)
