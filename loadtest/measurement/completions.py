"""How long the work behind each trigger took: until any member first received its completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loadtest.measurement.first_receipts import FirstReceipts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loadtest.measurement.first_receipts import BroadcastKey

COMPLETION: Final = "completion"
"""Metric key of the times from when a trigger was due until the first receipt of its completion."""
_MAX_AGE_NS: Final = 300_000_000_000
"""A backend that recovers lost connections keeps what it sends again for about two minutes."""


class Completions:
    """The completions of a run, over all workers, each counted once: one may also be replayed much later.

    :param slots: slot's number -> whether it is a completion.
    """

    def __init__(self, slots: Sequence[bool] = ()) -> None:
        self._slots = frozenset(slot for slot, is_completion in enumerate(slots) if is_completion)
        self._known = FirstReceipts(max_age_ns=_MAX_AGE_NS)

    def take_us(self, first_ns: Mapping[BroadcastKey, tuple[int, int]]) -> list[int]:
        """Return the times in µs of the completions that are new among some broadcasts.

        :param first_ns: broadcast -> (when its trigger was due, when it was first received), by one clock.
        """
        times_us = []
        for broadcast, (due_ns, received_ns) in first_ns.items():
            if broadcast[3] in self._slots and not self._known.of(broadcast):
                self._known.note(broadcast, received_ns)
                times_us.append((received_ns - due_ns) // 1000)
        return times_us
