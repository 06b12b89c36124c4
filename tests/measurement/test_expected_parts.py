"""Tests of which broadcasts a member expects if each was made at its own moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.measurement.expected_parts import expected_by_moment
from loadtest.measurement.moments import Moment
from loadtest.measurement.presence import End, Owed, Part, Presence, Span
from loadtest.measurement.triggers import StreamLog

from .memberships import FLIGHT_NS, MEMBER, log_of, presences

if TYPE_CHECKING:
    from collections.abc import Iterable


def reasons(parts: Iterable[Part]) -> dict[int, tuple[Owed, str]]:
    found = {}
    for part in parts:
        for seq in range(part.start, part.stop):
            assert seq not in found, "no part overlaps another"
            found[seq] = (part.owed, part.instance)
    return found


def by_moment(presence: Presence, log: StreamLog) -> dict[int, tuple[Owed, str]]:
    found = {}
    windows = log.windows(0, FLIGHT_NS)
    for why, instance, numbers in expected_by_moment(presence.spans, windows, FLIGHT_NS):
        for seq in map(int, numbers):
            if windows.known[seq]:
                assert seq not in found, "no part overlaps another"
                found[seq] = (why, instance)
    return found


@given(presences(), st.lists(st.integers(1, 1000), max_size=20))
def test_where_all_follow_their_triggers_the_parts_are_the_same(presence: Presence, sent_ns: list[int]) -> None:
    log = log_of(*sorted(sent_ns), **{f"n{seq}": at_ns + 3 for seq, at_ns in enumerate(sorted(sent_ns))})
    assert log.follows(0)
    assert by_moment(presence, log) == reasons(list(presence.parts(log, FLIGHT_NS)))


@pytest.mark.parametrize(
    ("sent_ns", "made_ns", "expected"),
    [
        # Sent long before the member came, but made while it was there: the trigger's time does not matter.
        (5, 150, Owed.MEMBER),
        (5, 111, Owed.MEMBER),
        # It may have been made just before the member came.
        (5, 109, Owed.EDGE),
        (5, 95, Owed.EDGE),
        (5, 89, None),
        # Made when it was about to leave, or may have just left.
        (150, 189, Owed.MEMBER),
        (150, 195, Owed.EDGE),
        (150, 215, Owed.EDGE),
        # Sent while it was a member, but made after it left: it missed nothing.
        (150, 221, None),
        (150, 5000, None),
    ],
)
def test_a_completion_counts_by_when_it_was_made(sent_ns: int, made_ns: int, expected: Owed | None) -> None:
    found = by_moment(MEMBER, log_of(sent_ns, completion=True, n0=made_ns))
    assert found == ({} if expected is None else {0: (expected, "i")})


@pytest.mark.parametrize(
    ("sent_ns", "made_ns", "expected"),
    [
        (110, 185, Owed.MEMBER),
        # Made at an unknown moment between the trigger and the first receipt.
        (50, 150, Owed.EDGE),
        (150, 250, Owed.EDGE),
        (5, 89, None),
        (211, 300, None),
    ],
)
def test_a_broadcast_that_came_late_was_made_at_any_time_since_its_trigger(
    sent_ns: int, made_ns: int, expected: Owed | None
) -> None:
    log = log_of(sent_ns, n0=made_ns)
    assert not log.follows(0)
    assert by_moment(MEMBER, log) == ({} if expected is None else {0: (expected, "i")})


def test_nobody_expects_a_completion_that_nobody_is_known_to_have_received() -> None:
    assert by_moment(MEMBER, log_of(120, 130, 140, completion=True, n1=150)) == {1: (Owed.MEMBER, "i")}


def test_another_broadcast_that_nobody_received_is_expected_since_its_trigger() -> None:
    log = log_of(120, 130, n1=170)
    assert by_moment(MEMBER, log) == {0: (Owed.MEMBER, "i"), 1: (Owed.MEMBER, "i")}


def test_a_completion_made_while_a_connection_was_gone_was_missed_because_of_that() -> None:
    spans = [Span(100, 100, 200, End.LOST, "a"), Span(310, 300, instance="b")]
    presence = Presence(0, spans=spans)
    log = log_of(*[120] * 4, completion=True, n0=150, n1=250, n2=305, n3=400)
    assert by_moment(presence, log) == {
        0: (Owed.MEMBER, "a"),
        1: (Owed.OFFLINE, "a"),
        2: (Owed.REJOINING, "b"),
        3: (Owed.MEMBER, "b"),
    }


@given(presences(), st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 600)), max_size=12))
def test_what_a_member_surely_expects_was_made_while_it_was_one(
    presence: Presence, triggers: list[tuple[int, int]]
) -> None:
    """A loss counts only if the member was there for the whole window of the broadcast."""
    triggers.sort()
    log = log_of(*(sent_ns for sent_ns, _ in triggers))
    for seq, (sent_ns, late_ns) in enumerate(triggers):
        log.made(0, seq, Moment(sent_ns + late_ns))
    for seq, (why, _) in by_moment(presence, log).items():
        if why is Owed.MEMBER:
            sent_ns, late_ns = triggers[seq]
            window = (sent_ns, sent_ns + late_ns if late_ns > FLIGHT_NS else sent_ns)
            assert any(
                span.joined_ns <= window[0] and (span.ended_ns is None or window[1] < span.ended_ns)
                for span in presence.spans
            )


def test_a_moment_by_a_clock_that_is_far_off_is_not_before_the_trigger() -> None:
    assert by_moment(MEMBER, log_of(150, completion=True, n0=20)) == {0: (Owed.MEMBER, "i")}
