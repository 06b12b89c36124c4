from __future__ import annotations

import logging

import gevent
import pytest
from gevent.event import Event
from hypothesis import given
from hypothesis import strategies as st

from loadtest.transport.lanes import Lane, Servers
from loadtest.transport.timer_wheel import SLOTS, TimerWheel


def test_a_lane_keeps_the_order() -> None:
    lane, seen = Lane(Servers()), []
    for number in range(50):
        lane.submit(seen.append, number)
    gevent.sleep(0)
    gevent.sleep(0)
    assert seen == list(range(50))


def test_a_blocked_lane_holds_up_nobody_else() -> None:
    servers, gate, seen = Servers(), Event(), []
    lanes = [Lane(servers) for _ in range(20)]
    for lane in lanes[:10]:
        lane.submit(gate.wait)
        lane.submit(seen.append, "late")
    for lane in lanes[10:]:
        lane.submit(seen.append, "at once")
    gevent.sleep(0.01)
    assert seen == ["at once"] * 10
    gate.set()
    gevent.sleep(0.01)
    assert seen[10:] == ["late"] * 10


def test_a_call_alone_passes_a_blocked_lane() -> None:
    lane, gate, seen = Lane(Servers()), Event(), []
    lane.submit(gate.wait)
    lane.alone(seen.append, 1)
    gevent.sleep(0.01)
    assert seen == [1]
    gate.set()


def test_a_call_that_raises_is_logged_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    lane, seen = Lane(Servers()), []
    lane.submit(lambda: 1 / 0)
    lane.submit(seen.append, 1)
    with caplog.at_level(logging.ERROR):
        gevent.sleep(0.01)
    assert seen == [1]
    assert "ZeroDivisionError" in caplog.text


class Item:
    def __init__(self, deadline_s: float) -> None:
        self.deadline_s = deadline_s


@given(st.lists(st.floats(0, 3 * SLOTS), max_size=20), st.lists(st.floats(0, 4 * SLOTS), max_size=20))
def test_items_expire_once_and_at_most_a_second_late(deadlines: list[float], looks: list[float]) -> None:
    wheel: TimerWheel[Item] = TimerWheel(0.0)
    items = [Item(deadline_s) for deadline_s in deadlines]
    for item in items:
        wheel.add(item)
    expired: list[Item] = []
    for now_s in sorted(looks):
        found = wheel.expired(now_s)
        assert all(item.deadline_s <= now_s for item in found)
        expired += found
        late = [item for item in items if item not in expired and item.deadline_s < now_s - 2]
        assert late == []
    assert len(expired) == len(set(map(id, expired)))
    assert len(wheel) == len(items) - len(expired)


def test_a_moved_deadline_is_kept() -> None:
    wheel: TimerWheel[Item] = TimerWheel(0.0)
    item = Item(5.0)
    wheel.add(item)
    item.deadline_s = 50.0
    assert wheel.expired(20.0) == []
    assert wheel.expired(52.0) == [item]


def test_a_removed_item_does_not_expire() -> None:
    wheel: TimerWheel[Item] = TimerWheel(0.0)
    item = Item(1.0)
    wheel.add(item)
    wheel.remove(item)
    wheel.remove(item)
    assert wheel.expired(10.0) == []
    assert len(wheel) == 0


def test_it_is_looked_at_each_second_once() -> None:
    """A deadline of 5.0 belongs to the sixth second; a look within a second that was seen finds nothing new."""
    wheel: TimerWheel[Item] = TimerWheel(0.5)
    item, exact = Item(5.0), Item(6.0)
    wheel.add(item)
    wheel.add(exact)
    assert wheel.expired(5.999) == []
    assert wheel.expired(6.0) == [item]
    assert wheel.expired(6.9) == []
    assert wheel.expired(7.0) == [exact]


def test_after_a_long_sleep_every_slot_is_looked_at_once() -> None:
    wheel: TimerWheel[Item] = TimerWheel(0.0)
    items = [Item(float(deadline_s)) for deadline_s in range(SLOTS)]
    for item in items:
        wheel.add(item)
    far = Item(10.0 * SLOTS)
    wheel.add(far)
    assert sorted(wheel.expired(5.0 * SLOTS), key=lambda item: item.deadline_s) == items
    assert len(wheel) == 1
    assert wheel.expired(10.0 * SLOTS + 1) == [far]
