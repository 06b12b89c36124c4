"""The broadcasts of a slot that one member should receive, where each was made at its own moment.

The rules are those of `presence`, with two moments instead of the trigger's one: the broadcast was made no earlier
than `Windows.earliest_ns`, and no later than `Windows.latest_ns`. If the rules give different results within that
time, the broadcast is an edge.

Nearly all broadcasts of a long stream were made well within a membership, or between two. They are returned as
ranges; only those near the beginning or the end of a membership are looked at one by one.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from loadtest.measurement.presence import End, Owed, offline_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from loadtest.measurement.countable import Numbers
    from loadtest.measurement.moments import Windows
    from loadtest.measurement.presence import Span

_REASONS: Final = tuple(Owed)
_OPEN: Final = -1
_NOT_EXPECTED: Final = -2


class Expected(NamedTuple):
    """Broadcasts that one member expects; also those that nobody made, which the caller leaves out."""

    owed: Owed
    instance: str
    numbers: Numbers


class _Clear(NamedTuple):
    """The numbers [start, stop), all of which count alike.

    owed: None if they do not count. span: number of the span that they belong to.
    """

    start: int
    stop: int
    owed: Owed | None
    span: int


def expected_by_moment(spans: Sequence[Span], windows: Windows, flight_ns: int) -> Iterator[Expected]:
    """Return which broadcasts one member expects, without overlap.

    :param spans: the memberships, in order.
    :param flight_ns: how long a broadcast may be in flight, in nanoseconds; the windows' own.
    """
    if not spans:
        return
    done = 0
    unclear: list[npt.NDArray[np.int64]] = []
    clear = _clear(spans, windows, flight_ns) if _are_in_order(spans) else ()
    for start, stop, owed, number in clear:
        if done < start < stop:
            unclear.append(np.arange(done, start))
        if max(done, start) < stop and owed is not None:
            yield Expected(owed, spans[number].instance, range(max(done, start), stop))
        if start < stop:
            done = max(done, stop)
    if done < len(windows.known):
        unclear.append(np.arange(done, len(windows.known)))
    if not unclear:
        return
    seqs = np.concatenate(unclear)
    reasons, numbers = classify(spans, windows.of(seqs), flight_ns)
    # Each reason has a number of its own within each span.
    kinds = np.where(reasons >= 0, numbers.astype(np.int64) * len(_REASONS) + reasons, -1)
    for kind in np.unique(kinds).tolist():
        if kind >= 0:
            number, reason = divmod(kind, len(_REASONS))
            yield Expected(_REASONS[reason], spans[number].instance, seqs[kinds == kind])


def _are_in_order(spans: Sequence[Span]) -> bool:
    """Return whether the spans follow one another: they do not if the clock was set back."""
    return all(
        span.resumed_ns <= span.joined_ns and (span.ended_ns is None or span.joined_ns <= span.ended_ns)
        for span in spans
    ) and all(
        before.ended_ns is not None and before.ended_ns <= span.resumed_ns for before, span in pairwise(spans)
    )


def _clear(spans: Sequence[Span], windows: Windows, flight_ns: int) -> Iterator[_Clear]:
    """Return the numbers that certainly count alike, in order; some of the ranges are empty or begin too early."""
    yield _Clear(0, windows.all_before(spans[0].joined_ns), None, 0)
    for number, span in enumerate(spans):
        since = windows.none_before(span.joined_ns)
        if span.ended_ns is None:
            yield _Clear(since, len(windows.known), Owed.MEMBER, number)
            return
        yield _Clear(since, windows.all_before(span.ended_ns), Owed.MEMBER, number)
        after = spans[number + 1] if number + 1 < len(spans) else None
        if span.end is End.LEFT:
            since = windows.none_before(span.ended_ns + flight_ns)
            until = len(windows.known) if after is None else windows.all_before(after.joined_ns)
            yield _Clear(since, until, None, number)
        else:
            since = windows.none_before(span.ended_ns)
            # `all_before` includes the time in flight; whoever is back by then has missed it all the same.
            until = len(windows.known) if after is None else windows.all_before(after.resumed_ns + flight_ns)
            yield _Clear(since, until, offline_by(span), number)


def classify(
    spans: Sequence[Span], windows: Windows, flight_ns: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int32]]:
    """Return, by sequence number, the index of the reason, or a mark below 0 for none; and the span's number."""
    reasons = np.full(len(windows.known), _OPEN, dtype=np.int8)
    reasons[~windows.known] = _NOT_EXPECTED
    numbers = np.zeros(len(reasons), dtype=np.int32)

    def put(which: npt.NDArray[np.bool_], reason: Owed | None, number: int) -> None:
        chosen = which & (reasons == _OPEN)
        reasons[chosen] = _NOT_EXPECTED if reason is None else _REASONS.index(reason)
        numbers[chosen] = number

    for number, span in enumerate(spans):
        before = spans[number - 1] if number else None
        if before is None or before.end is End.LEFT:
            put(windows.latest_ns < span.joined_ns, None, number)
            put(windows.earliest_ns < span.joined_ns, Owed.EDGE, number)
        else:
            put(windows.received_ns < span.resumed_ns, offline_by(before), number - 1)
            back = Owed.RETURNING if before.end is End.DROPPED else Owed.REJOINING
            put(windows.earliest_ns < span.joined_ns, back, number)
        if span.ended_ns is None:
            put(windows.known, Owed.MEMBER, number)
            break
        put(windows.received_ns + flight_ns < span.ended_ns, Owed.MEMBER, number)
        if span.end is End.LEFT:
            until_ns = span.ended_ns + flight_ns
            if number + 1 < len(spans):
                until_ns = min(until_ns, spans[number + 1].joined_ns)
            put(windows.earliest_ns < until_ns, Owed.EDGE, number)
    last = len(spans) - 1
    if spans[last].end in (End.LOST, End.DROPPED):
        put(windows.known, offline_by(spans[last]), last)
    reasons[reasons == _OPEN] = _NOT_EXPECTED
    return reasons, numbers
