"""Every worker gets to know every clock, and a large fleet's none too often."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from loadtest.measurement.clock import Estimate
from loadtest.measurement.clocks import Clock
from loadtest.run.master.clock_board import ClockBoard, clocks_from


def clock(worker: int, offset_ns: int | None = 0) -> Clock:
    return Clock(worker, "machine", None if offset_ns is None else Estimate(1, offset_ns, 0.0, 5.0, 1e-6))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-99, 99), st.booleans()), max_size=40))
def test_whoever_asks_now_and_then_has_what_is_on_the_board(steps: list[tuple[int, int, bool]]) -> None:
    board = ClockBoard()
    known: dict[int, Clock] = {}
    seen = 0
    for now_s, (worker, offset_ns, asks) in enumerate(steps):
        board.put(clock(worker, offset_ns), float(now_s))
        if asks:
            known |= {each.worker: each for each in clocks_from(board.since(seen))}
            seen = board.version
    known |= {each.worker: each for each in clocks_from(board.since(seen))}
    assert known == {each.worker: each for each in clocks_from(board.since(0))}
    assert set(known) == {worker for worker, _, _ in steps}


def test_what_was_told_is_not_told_again() -> None:
    board = ClockBoard()
    board.put(clock(1), 0.0)
    board.put(clock(2), 0.0)
    assert len(list(clocks_from(board.since(1)))) == 1
    assert board.since(board.version) == b""


def test_a_clock_that_is_known_at_last_is_news() -> None:
    board = ClockBoard()
    board.put(clock(1, None), 0.0)
    board.put(clock(1, 7), 0.001)
    assert [each.estimate is not None for each in clocks_from(board.since(0))] == [True]


def test_a_clock_that_was_set_is_news_at_once() -> None:
    board = ClockBoard()
    board.put(clock(1, 5), 0.0)
    board.put(replace(clock(1, 7), steps=1), 0.001)
    board.put(replace(clock(1, 8), steps=1), 0.002)
    (told,) = clocks_from(board.since(1))
    assert told.estimate is not None
    assert (told.steps, told.estimate.offset_ns) == (1, 7)


def test_a_small_fleet_s_clocks_are_fresh_and_a_large_one_s_told_in_turn() -> None:
    """Each worker says once a second what its clock is; so many are told in a second then."""
    for workers, expected in ((10, 10), (100, 100), (1000, 100)):
        board = ClockBoard()
        told = []
        for second in range(40):
            before = board.version
            for worker in range(workers):
                board.put(clock(worker), second + worker / workers)
            told.append(board.version - before)
        assert told[0] == workers
        assert expected * 0.8 <= sum(told[10:30]) / 20 <= expected * 1.2
