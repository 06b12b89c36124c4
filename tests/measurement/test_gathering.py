"""Tests of the moments of broadcasts that the master sends to all workers."""

from __future__ import annotations

from loadtest.measurement.gathering import Finished, Gathering
from loadtest.measurement.moments import Made
from loadtest.measurement.taken import FanOut
from loadtest.measurement.triggers import Outcome, Trigger

FLIGHT_NS = 2_000
COMPLETION = 1


def gathering() -> Gathering:
    return Gathering([False, True], FLIGHT_NS)


def seen(seq: int, slot: int, first_ns: int) -> FanOut:
    return FanOut(7, 3, seq, slot, 0, first_ns, first_ns + 5, 2)


def trigger(seq: int, key: str = "", outcome: Outcome = Outcome.ACCEPTED) -> Trigger:
    return Trigger(3, 7, seq, 100, 100, outcome, key or f"key {seq}")


def test_the_earliest_receipt_of_all_workers_is_told_once() -> None:
    found = gathering()
    found.take(10, [seen(0, 0, 500)], 8)
    found.take(10, [seen(0, 0, 450)], 9)
    found.take(11, [seen(0, 0, 470), seen(1, 0, 900)], 8)
    assert found.until(9) == [], "another worker may have received it earlier"
    assert found.until(10) == [Made(7, 3, 0, 0, 450, 0, 9)]
    assert found.until(11) == [Made(7, 3, 1, 0, 900, 0, 8)]
    found.take(12, [seen(0, 0, 460)], 8)
    assert found.until(None) == []


def test_a_completion_was_made_at_most_the_time_in_flight_before() -> None:
    found = gathering()
    found.take(10, [seen(0, COMPLETION, 500)], 8)
    assert found.until(None) == [Made(7, 3, 0, COMPLETION, 500, FLIGHT_NS, 8)]


def test_work_is_under_way_until_somebody_received_its_completion() -> None:
    found = gathering()
    found.sent([trigger(0), trigger(1), trigger(2, outcome=Outcome.REFUSED)])
    assert found.at_work == {"key 0": (7, 3, 0), "key 1": (7, 3, 1)}
    found.take(10, [seen(0, COMPLETION, 500), seen(1, 0, 500)], 0)
    assert found.at_work == {"key 1": (7, 3, 1)}


def test_work_that_was_done_before_its_trigger_was_answered_is_not_under_way() -> None:
    found = gathering()
    found.take(10, [seen(0, COMPLETION, 500)], 0)
    found.sent([trigger(0)])
    assert found.at_work == {}


def test_what_nobody_received_was_made_when_the_backend_s_data_say_so() -> None:
    found = gathering()
    found.sent([trigger(0), trigger(1), trigger(2)])
    found.take(10, [seen(0, 0, 500)], 0)
    found.until(None)
    second_ns = 1_000_000_000
    made = found.finished([Finished("key 0", 3.0), Finished("key 1", None), Finished("else", 1.0)], 9 * second_ns)
    done_ns = 6 * second_ns + FLIGHT_NS
    assert made == [
        # Of the first, somebody has received the log: only the completion is new.
        Made(7, 3, 0, COMPLETION, done_ns, 2 * FLIGHT_NS),
        # Nobody knows when the second was done: at any time since its trigger.
        Made(7, 3, 1, 0, 9 * second_ns),
        Made(7, 3, 1, COMPLETION, 9 * second_ns),
    ]
    assert found.at_work == {"key 2": (7, 3, 2)}


def test_without_completions_nothing_is_under_way() -> None:
    found = Gathering([False], FLIGHT_NS)
    found.sent([trigger(0)])
    assert found.at_work == {}
