"""The log of triggers: numbers that come in any order, some of them never."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loadtest.measurement.triggers import Outcome, StreamLog, Trigger, TriggerLog

ACCEPTED, REFUSED, FAILED, UNSENT = Outcome


def test_what_is_not_heard_of_has_no_time_no_origin_and_is_owed_to_nobody() -> None:
    log = StreamLog()
    assert log.add(3, 400, ACCEPTED, origin=2)
    assert log.end == 4
    assert log.sent_ns(4).tolist() == [0, 0, 0, 400]
    assert log.origins(4).tolist() == [0, 0, 0, 2]
    assert log.not_owed(0, 4) == [0, 1, 2]
    assert log.not_owed(1, 2) == [1]
    assert [log.origin(seq) for seq in range(5)] == [None, None, None, 2, None]


def test_one_that_comes_later_fills_its_place_once() -> None:
    log = StreamLog()
    log.add(2, 300, ACCEPTED, origin=1)
    assert log.add(0, 100, ACCEPTED, bound_ns=7, origin=1)
    assert not log.add(0, 999, REFUSED, bound_ns=9)
    assert not log.add(2, 999, REFUSED)
    assert log.sent_ns(3).tolist() == [100, 0, 300]
    assert log.not_owed(0, 3) == [1]
    assert log.bound_ns == 7
    assert log.add(1, 200, REFUSED)
    assert log.bound_ns == 7, "the largest stays"
    assert log.not_owed(0, 3) == [1]
    assert log.origin(1) == 0


def test_nobody_is_owed_what_was_refused_or_never_left() -> None:
    log = StreamLog()
    for seq, outcome in enumerate((ACCEPTED, REFUSED, FAILED, UNSENT)):
        log.add(seq, seq, outcome)
    assert log.not_owed(0, 4) == [1, 3]
    assert log.not_owed(2, 3) == []
    assert log.not_owed(1, 3) == [1]


@given(st.permutations(range(6)), st.lists(st.integers(-5, 20), min_size=6, max_size=6), st.integers(-6, 21))
def test_the_first_that_left_at_or_after_a_moment(order: list[int], sent_ns: list[int], moment_ns: int) -> None:
    """Where a clock was set back, a number counts as sent no earlier than those before it; and asking changes
    nothing of what is asked later.
    """
    log = StreamLog()
    for seq in order:
        log.add(seq, sent_ns[seq], ACCEPTED)
        log.sent_before(moment_ns)
    risen_ns = [max(0, *sent_ns[: seq + 1]) for seq in range(6)]
    assert log.sent_before(moment_ns) == sum(one < moment_ns for one in risen_ns)


def trigger(seq: int, origin: str) -> Trigger:
    return Trigger(5, 9, seq, 0, 100, ACCEPTED, "", origin)


def test_origins_are_told_by_name() -> None:
    log = TriggerLog()
    assert log.origin(5, 9, 0) is None
    for seq, origin in enumerate(("a", "", "b", "a")):
        assert log.add(trigger(seq, origin), 100 + seq)
    assert not log.add(trigger(0, "b"), 500)
    assert log.origins == ["", "a", "b"]
    assert [log.origin(5, 9, seq) for seq in range(5)] == ["a", "", "b", "a", None]
    assert log.origin(5, 8, 0) is None
    assert list(log.of_room(5)) == [9]
    assert log.of_room(6) == {}


def test_a_clock_that_may_be_wrong_widens_its_stream_only() -> None:
    log = TriggerLog()
    log.add(trigger(0, ""), 100, 30)
    log.add(trigger(0, "")._replace(publisher=1), 100)
    assert (log.of_room(5)[9].bound_ns, log.of_room(5)[1].bound_ns) == (30, 0)
