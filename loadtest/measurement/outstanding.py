"""The number of deliveries that current members still expect; the end of a run waits for them."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np

from loadtest.measurement.presence import ledger_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loadtest.measurement.account import Account
    from loadtest.measurement.presence import Presence
    from loadtest.measurement.triggers import StreamLog, TriggerLog

_MEMBERS_AT_ONCE: Final = 1000


def count_outstanding(
    accounts: Iterable[Account],
    log: TriggerLog,
    completions: Sequence[bool],
    now_ns: int,
    flight_ns: int,
    patience_ns: int,
) -> Iterator[int]:
    """Return how many deliveries may still come to current members, in parts that take milliseconds each.

    A broadcast that somebody received is expected as long as it may be in flight. One that nobody received is
    expected until `patience_ns` after its trigger, by members that had joined when the trigger left; a completion
    without limit and by all members, because its work goes on.

    :param completions: slot's number -> whether it is a completion.
    :param flight_ns: how long a broadcast may be in flight, in nanoseconds.
    """
    present: dict[int, list[Presence]] = defaultdict(list)
    for account in accounts:
        for room, presence in account.presences.items():
            if presence.open:
                present[room].append(presence)
    for room, members in present.items():
        joined_ns = np.sort([member.spans[-1].joined_ns for member in members])
        for publisher, stream in list(log.of_room(room).items()):
            for slot, is_completion in enumerate(completions):
                if is_completion:
                    yield len(stream.unseen(slot, 0)) * len(members)
                else:
                    unseen = stream.unseen(slot, stream.sent_before(now_ns - patience_ns))
                    sent_ns = stream.sent_ns(stream.end)[unseen]
                    yield int(joined_ns.searchsorted(sent_ns, side="right").sum())
                yield from _missing(stream, members, ledger_key(publisher, slot), slot, now_ns - flight_ns)


def _missing(stream: StreamLog, members: list[Presence], key: int, slot: int, since_ns: int) -> Iterator[int]:
    """Return how many deliveries members still lack of the broadcasts that others received since a moment.

    :param key: see `ledger_key`.
    """
    recent, made_ns = stream.seen_since(slot, since_ns)
    if not len(recent):
        return
    numbers = recent.tolist()
    start, stop, oldest_ns = numbers[0], numbers[-1] + 1, int(made_ns.min())
    for first in range(0, len(members), _MEMBERS_AT_ONCE):
        missing = 0
        for member in members[first : first + _MEMBERS_AT_ONCE]:
            for begin, end in member.missing(key, start, stop):
                low, high = bisect_left(numbers, begin), bisect_left(numbers, end)
                joined_ns = member.spans[-1].joined_ns
                if joined_ns <= oldest_ns:
                    missing += high - low
                else:
                    missing += int(np.count_nonzero(made_ns[low:high] >= joined_ns))
        yield missing
