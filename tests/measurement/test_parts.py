"""The parts of a stream that count for one user: their borders, why they count, and by which instance."""

from __future__ import annotations

import pytest

from loadtest.measurement.presence import End, Owed, Part, Presence
from loadtest.measurement.triggers import StreamLog

from .logs import FLIGHT, log_of

MEMBER, OFFLINE, REJOINING, EDGE = Owed.MEMBER, Owed.OFFLINE, Owed.REJOINING, Owed.EDGE


def parts(presence: Presence, log: StreamLog) -> list[Part]:
    return [part for part in presence.parts(log, FLIGHT) if part.start < part.stop]


def test_each_part_knows_the_instance_that_was_to_deliver_it() -> None:
    presence = Presence(0)
    presence.join(100, "a")
    presence.close(200, End.LOST)
    presence.resumed_ns = 300
    presence.join(330, "b")
    presence.close(400, End.LEFT)
    presence.join(500, "c")
    presence.close(600, End.LOST)
    #             0   1    2    3    4    5    6    7    8    9    10   11   12
    log = log_of(95, 110, 195, 250, 310, 340, 395, 405, 450, 495, 510, 595, 700)
    assert parts(presence, log) == [
        Part(0, 1, EDGE, "a"),
        Part(1, 2, MEMBER, "a"),
        Part(2, 3, OFFLINE, "a"),
        Part(3, 4, OFFLINE, "a"),
        Part(4, 5, REJOINING, "b"),
        Part(5, 6, MEMBER, "b"),
        Part(6, 8, EDGE, "b"),
        Part(9, 10, EDGE, "c"),
        Part(10, 11, MEMBER, "c"),
        Part(11, 12, OFFLINE, "c"),
        Part(12, 13, OFFLINE, "c"),
    ]


def test_another_clock_widens_every_border() -> None:
    presence = Presence(0)
    presence.join(100)
    presence.close(200, End.LEFT)
    presence.join(300)
    presence.close(400, End.LOST)
    presence.resumed_ns = 500
    presence.join(530)
    bound_ns = 5
    near = FLIGHT + bound_ns
    #  before all, at the edge of the join, in it, at the edge of leaving and after it, between, …
    moments = (
        *(100 - near - 1, 100 - near, 100 + bound_ns - 1, 100 + bound_ns),
        *(200 - near - 1, 200 - near, 200 + near - 1, 200 + near),
        *(300 - near, 300 + bound_ns),
        *(400 - near, 400),
        *(500 - bound_ns - 1, 500 - bound_ns, 530 + bound_ns - 1, 530 + bound_ns),
    )
    assert parts(presence, log_of(*moments, bound_ns=bound_ns)) == [
        Part(1, 3, EDGE),
        Part(3, 5, MEMBER),
        Part(5, 7, EDGE),
        Part(8, 9, EDGE),
        Part(9, 10, MEMBER),
        Part(10, 11, OFFLINE),
        Part(11, 13, OFFLINE),
        Part(13, 15, REJOINING),
        Part(15, 16, MEMBER),
    ]


def test_who_comes_back_while_it_is_still_leaving() -> None:
    presence = Presence(0)
    presence.join(100)
    presence.close(200, End.LEFT)
    presence.join(204)
    # What left before the second join plus what a clock may be wrong belongs to the edge; nothing counts twice.
    log = log_of(195, 202, 205, 206, 207, 240, bound_ns=2)
    assert parts(presence, log) == [Part(0, 3, EDGE), Part(3, 6, MEMBER)]


def test_who_leaves_while_offline_is_owed_nothing_from_then_on() -> None:
    presence = Presence(0)
    presence.join(100, "a")
    presence.close(200, End.LOST)
    presence.close(300, End.LEFT)
    assert not presence.is_lost
    assert parts(presence, log_of(150, 250, 299, 320)) == [Part(0, 1, MEMBER, "a"), Part(1, 3, OFFLINE, "a")]


def test_a_connection_that_was_not_told_of_counts_from_its_join() -> None:
    presence = Presence(0)
    presence.join(100)
    presence.close(200, End.LOST)
    presence.join(300)
    assert (presence.spans[-1].joined_ns, presence.spans[-1].resumed_ns) == (300, 300)


def test_a_connection_before_the_first_join_is_no_return() -> None:
    presence = Presence(0)
    presence.resumed_ns = 50
    presence.join(100)
    assert (presence.spans[-1].resumed_ns, presence.returned) == (100, False)


def test_a_second_answer_to_a_join_changes_nothing() -> None:
    presence = Presence(0)
    presence.join(100, "a")
    presence.join(150, "b")
    ((joined_ns, instance),) = [(span.joined_ns, span.instance) for span in presence.spans]
    assert (joined_ns, instance) == (100, "a")


@pytest.mark.parametrize("end", list(End))
def test_what_ended_is_closed_once(end: End) -> None:
    presence = Presence(0)
    presence.close(50, end)
    assert presence.spans == []
    presence.join(100)
    presence.resumed_ns = 90
    presence.close(200, end)
    assert (presence.open, presence.resumed_ns) == (False, 0)
    presence.close(300, End.LOST)
    assert [(span.ended_ns, span.end) for span in presence.spans] == [(200, end)]
