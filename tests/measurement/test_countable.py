"""Tests of counting members by ranges: the result is that of counting each broadcast, at a bounded cost."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.measurement import expected_parts
from loadtest.measurement.countable import Snapshot, ranges_of
from loadtest.measurement.expected_parts import classify, expected_by_moment
from loadtest.measurement.moments import Moment
from loadtest.measurement.owed import Ranges
from loadtest.measurement.presence import Counts, End, Owed, Presence, Span, ledger_key
from loadtest.measurement.sequence import SequenceLedger
from loadtest.measurement.settlement import count
from loadtest.measurement.triggers import Outcome, StreamLog

from .memberships import FLIGHT_NS, MEMBER, log_of, presences

if TYPE_CHECKING:
    from collections.abc import Sequence

REASONS = tuple(Owed)
KEY = ledger_key(1, 0)


@st.composite
def logs(draw: st.DrawFn) -> StreamLog:
    """Draw a stream: some broadcasts came late, or to nobody; some triggers were refused, or are unknown."""
    log = StreamLog([draw(st.booleans())], FLIGHT_NS)
    sent_ns = sorted(draw(st.lists(st.integers(1, 1000), max_size=30)))
    for seq, at_ns in enumerate(sent_ns):
        what = draw(st.sampled_from(["accepted"] * 6 + ["refused", "unknown"]))
        if what != "unknown":
            outcome = Outcome.REFUSED if what == "refused" else Outcome.ACCEPTED
            log.add(seq, at_ns, outcome, bound_ns=draw(st.integers(0, 3)))
            if draw(st.booleans()):
                late_ns = draw(st.sampled_from([3, 3, 50, 400]))
                log.made(0, seq, Moment(at_ns + late_ns, draw(st.sampled_from([0, FLIGHT_NS])), 2))
    return log


def plainly(presence: Presence, log: StreamLog, until_ns: int | None) -> list[tuple[int, Owed, str]]:
    """Return (number, reason, instance) of all that is expected, each looked at by itself."""
    windows = log.windows(0, FLIGHT_NS)
    end = log.end if until_ns is None else log.sent_before(until_ns)
    if log.follows(0):
        found = [
            (seq, part.owed, part.instance)
            for part in presence.parts(log, FLIGHT_NS)
            for seq in range(part.start, part.stop)
        ]
    elif not presence.spans:
        found = []
    else:
        reasons, numbers = classify(presence.spans, windows, FLIGHT_NS)
        found = [
            (seq, REASONS[reason], presence.spans[number].instance)
            for seq, (reason, number) in enumerate(zip(reasons.tolist(), numbers.tolist(), strict=True))
            if reason >= 0 and (until_ns is None or windows.received_ns[seq] < until_ns)
        ]
    return [one for one in found if one[0] < end and not log.not_owed(one[0], one[0] + 1)]


def has(ledger: SequenceLedger, seq: int) -> bool:
    return bool(ledger.count(seq, seq + 1))


@settings(max_examples=400)
@given(presences(), logs(), st.lists(st.integers(0, 35), max_size=30), st.none() | st.integers(0, 1500), st.data())
def test_a_member_is_counted_as_if_each_broadcast_was_looked_at(
    presence: Presence, log: StreamLog, received: list[int], until_ns: int | None, data: st.DataObject
) -> None:
    for seq in received:
        presence.ledger(KEY).record(seq)
    for seq in data.draw(st.sets(st.sampled_from(received))) if received else ():
        presence.replays.setdefault(KEY, SequenceLedger()).record(seq)
    ranges = Ranges()
    snapshot = None if until_ns is None else Snapshot(FLIGHT_NS, until_ns)
    ((_, _, found),) = count(presence, {1: log}, 1, FLIGHT_NS, ranges, snapshot)
    ledger, replays = presence.ledger(KEY), presence.replays.get(KEY, SequenceLedger())
    arrived = len(set(received))
    plain = Counts(arrived=arrived, unowed=arrived, duplicate=ledger.duplicates)
    if not log.is_completion(0):
        plain.reordered, plain.reorder_extent = ledger.reordered, ledger.extent
    lost: set[int] = set()
    owed: set[int] = set()
    for seq, why, _ in plainly(presence, log, until_ns):
        plain.unowed -= has(ledger, seq)
        if why is Owed.EDGE:
            plain.edge += 1
            continue
        owed.add(seq)
        plain.expected += 1
        plain.delivered += has(ledger, seq)
        plain.replayed += why in (Owed.OFFLINE, Owed.DROPPED) and has(replays, seq)
        if not has(ledger, seq):
            lost.add(seq)
            plain.lost += 1
            plain.missed_offline += why is not Owed.MEMBER
            plain.missed_dropped += why in (Owed.DROPPED, Owed.RETURNING)
    assert found == plain
    assert set(np.flatnonzero(ranges.lost(0, 1, log)).tolist()) == lost
    by_second = ranges.by_second(_LogOfOne(log), lambda _: 0)  # type: ignore[arg-type]
    assert by_second == ({0: (len(owed), len(lost))} if owed else {})


class _LogOfOne:
    def __init__(self, log: StreamLog) -> None:
        self._log = log

    def of_room(self, _: int) -> dict[int, StreamLog]:
        return {1: self._log}


@given(st.sets(st.integers(0, 30)))
def test_numbers_become_ranges(seqs: set[int]) -> None:
    ranges = list(ranges_of(np.array(sorted(seqs), dtype=np.int64)))
    assert [seq for start, stop in ranges for seq in range(start, stop)] == sorted(seqs)
    assert all(stop < start for (_, stop), (start, _) in itertools.pairwise(ranges))


def test_a_completion_that_is_just_being_delivered_is_not_lost_yet() -> None:
    log = log_of(110, 120, completion=True, n0=130, n1=150)
    ((_, _, found),) = count(MEMBER, {1: log}, 1, FLIGHT_NS, snapshot=Snapshot(FLIGHT_NS, 140))
    assert (found.expected, found.lost) == (1, 1)


def test_what_is_learnt_while_members_are_counted_does_not_count_for_some_of_them_only() -> None:
    log = log_of(110, 120, completion=True, n0=130)
    snapshot = Snapshot(FLIGHT_NS, 1000)
    for _ in range(2):
        ((_, _, found),) = count(MEMBER, {1: log}, 1, FLIGHT_NS, snapshot=snapshot)
        assert found.expected == 1
        log.made(0, 1, Moment(140, FLIGHT_NS))


@pytest.mark.parametrize("triggers", [10_000, 40_000])
@pytest.mark.parametrize(
    "spans",
    [
        [Span(5, 5)],
        [Span(2_000, 2_000)],
        [Span(2_000, 2_000, 4_000, End.LOST), Span(7_000, 6_990)],
        [Span(2_000, 2_000, 4_000, End.LEFT), Span(7_000, 7_000, 9_000, End.DROPPED)],
    ],
)
def test_only_broadcasts_near_a_border_of_a_membership_are_looked_at_one_by_one(
    monkeypatch: pytest.MonkeyPatch, spans: Sequence[Span], triggers: int
) -> None:
    """A trigger a nanosecond, whose work takes 100 ns; a member has up to five borders."""
    looked_at = 0

    def classify_few(spans: Sequence[Span], windows: expected_parts.Windows, flight_ns: int) -> object:
        nonlocal looked_at
        looked_at += len(windows.known)
        return classify(spans, windows, flight_ns)

    log = log_of(*range(10, 10 + triggers), completion=True)
    for seq in range(triggers):
        log.made(0, seq, Moment(110 + seq, FLIGHT_NS))
    windows = log.windows(0, FLIGHT_NS)
    monkeypatch.setattr(expected_parts, "classify", classify_few)
    numbers = sum(len(one.numbers) for one in expected_by_moment(spans, windows, FLIGHT_NS))
    assert numbers > 1_000
    assert looked_at <= 5 * 4 * FLIGHT_NS
