from __future__ import annotations

from measure.owed import Ranges, merge
from measure.triggers import Outcome, Trigger, TriggerLog

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
