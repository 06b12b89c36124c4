from __future__ import annotations

from loadtest.measurement.owed import Ranges, merge
from loadtest.measurement.triggers import Outcome, Trigger, TriggerLog

SECOND = 1_000_000_000


def log_of(*sent_s: float, refused: tuple[int, ...] = ()) -> TriggerLog:
    log = TriggerLog()
    for seq, moment_s in enumerate(sent_s):
        sent_ns = int(moment_s * SECOND)
        outcome = Outcome.REFUSED if seq in refused else Outcome.ACCEPTED
        log.add(Trigger(0, 7, seq, sent_ns, sent_ns, outcome, ""), sent_ns)
    return log


def seconds(owed: Ranges, log: TriggerLog, shift_s: int = 0) -> dict[int, tuple[int, int]]:
    return owed.by_second(log, lambda ns: ns // SECOND + shift_s)


def test_what_was_lost_is_told_by_when_it_was_sent() -> None:
    owed = Ranges()
    for _ in range(3):  # three members, of which each misses number 2
        owed.owe(0, 7, 0, 5)
        owed.lose(0, 7, 2, 3)
    owed.owe(0, 7, 3, 5)  # and one that came later
    log = log_of(10.0, 10.9, 11.1, 11.5, 12.0)
    assert seconds(owed, log) == {10: (6, 0), 11: (7, 3), 12: (4, 0)}
    assert seconds(owed, log, shift_s=100) == {110: (6, 0), 111: (7, 3), 112: (4, 0)}


def test_what_nobody_is_owed_counts_nowhere() -> None:
    owed = Ranges()
    owed.owe(0, 7, 0, 3, deliveries=3)
    owed.lose(0, 7, 0, 3)
    assert seconds(owed, log_of(1.0, 2.0, 3.0, refused=(1,))) == {1: (3, 1), 3: (3, 1)}


def test_workers_add_up() -> None:
    assert merge([[(1, 5, 1)], [(1, 4, 0), (2, 3, 3)], []]) == {1: (9, 1), 2: (3, 3)}


def test_ways_are_told_by_who_was_triggered_and_who_was_to_get_it() -> None:
    log = TriggerLog()
    for seq, origin in enumerate(("a", "b", "a", "")):
        log.add(Trigger(0, 7, seq, 0, SECOND, Outcome.ACCEPTED, "", origin), SECOND)
        log.add(Trigger(1, 7, seq, 0, SECOND, Outcome.ACCEPTED, "", "a"), SECOND)
    owed = Ranges()
    owed.owe(0, 7, 0, 4, 2, "x")
    owed.owe(0, 7, 1, 3, 1, "y")
    owed.owe(1, 7, 0, 2, 1, "x")
    owed.lose(0, 7, 0, 2, "x")
    owed.lose(1, 7, 1, 2, "x")
    assert owed.by_path(log) == {
        ("a", "x"): (6, 2),
        ("b", "x"): (2, 1),
        ("", "x"): (2, 0),
        ("a", "y"): (1, 0),
        ("b", "y"): (1, 0),
    }


def test_where_nobody_says_its_name_there_are_no_ways() -> None:
    owed = Ranges()
    owed.owe(0, 7, 0, 2)
    assert owed.by_path(log_of(1.0, 2.0)) == {}
    # One side is enough.
    owed.owe(0, 7, 0, 2, 1, "x")
    assert owed.by_path(log_of(1.0, 2.0)) == {("", ""): (2, 0), ("", "x"): (2, 0)}
    named = TriggerLog()
    named.add(Trigger(0, 7, 0, 0, 0, Outcome.ACCEPTED, "", "a"), 0)
    only = Ranges()
    only.owe(0, 7, 0, 1)
    assert only.by_path(named) == {("a", ""): (1, 0)}


def test_borders_that_meet_add_up() -> None:
    owed = Ranges()
    owed.owe(0, 7, 0, 1)
    owed.owe(0, 7, 1, 2, 5)
    owed.owe(0, 7, 1, 1, 99)
    owed.lose(0, 7, 0, 1)
    owed.lose(0, 7, 1, 2)
    owed.lose(0, 7, 0, 2)
    assert seconds(owed, log_of(1.0, 2.0)) == {1: (1, 2), 2: (5, 2)}
    assert seconds(owed, log_of(1.5, 1.9)) == {1: (6, 4)}


def test_streams_of_one_second_add_up() -> None:
    log = TriggerLog()
    for publisher in (7, 8):
        log.add(Trigger(0, publisher, 0, 0, SECOND, Outcome.ACCEPTED, ""), SECOND)
    owed = Ranges()
    for publisher in (7, 8):
        owed.owe(0, publisher, 0, 1, 3)
        owed.lose(0, publisher, 0, 1)
    assert seconds(owed, log) == {1: (6, 2)}


def test_the_middle_of_a_second_is_asked_for() -> None:
    asked: list[int] = []
    owed = Ranges()
    owed.owe(0, 7, 0, 2)
    owed.by_second(log_of(3.1, 3.9), lambda ns: asked.append(ns) or 0)  # type: ignore[func-returns-value]
    assert set(asked) == {3 * SECOND + SECOND // 2}
