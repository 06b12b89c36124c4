from __future__ import annotations

import time

import gevent
import pytest
from gevent.event import Event

from loadtest.tasks.arrivals import Arrivals
from loadtest.tasks.pace import AT_ONCE

FAST = 1e6


def test_whoever_waits_for_a_turn_is_still_to_come() -> None:
    arrivals = Arrivals(1.0)
    waiting = [gevent.spawn(arrivals.take_turn) for _ in range(AT_ONCE + 5)]
    gevent.idle()
    assert arrivals.to_come == 5
    gevent.killall(waiting)
    assert arrivals.to_come == 0


def _arrive(arrivals: Arrivals, until: Event) -> None:
    with arrivals.arriving():
        until.wait()


def test_no_more_arrive_at_a_time_than_there_is_room_for() -> None:
    arrivals, there, taken = Arrivals(FAST), Event(), []

    def come() -> None:
        for number in range(100):
            arrivals.take_next_turn()
            gevent.spawn(_arrive, arrivals, there)
            taken.append(number)

    coming = gevent.spawn(come)
    gevent.wait([coming], timeout=0.1)
    assert len(taken) == arrivals.at_a_time == 32
    there.set()
    coming.join(5)
    assert len(taken) == 100


def test_the_farther_the_backend_the_more_arrive_at_a_time() -> None:
    """By Little's law, and not by the slow ones, which wait in our own queue."""
    arrivals = Arrivals(1000.0)
    for slow_s in (0.2, 0.05):
        with arrivals.arriving():
            gevent.sleep(slow_s)
    assert 100 <= arrivals.at_a_time < 200
    with arrivals.arriving():
        gevent.sleep(0.1)
    assert 100 <= arrivals.at_a_time < 200


def test_one_that_fails_makes_room() -> None:
    arrivals = Arrivals(FAST)
    for _ in range(2 * arrivals.at_a_time):
        arrivals.take_next_turn()
        with pytest.raises(OSError, match="no"), arrivals.arriving():
            raise OSError("no")
    began_s = time.monotonic()
    arrivals.take_next_turn()
    assert time.monotonic() - began_s < 5
