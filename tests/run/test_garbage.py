from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import pytest

from loadtest.run.worker.garbage import Garbage

if TYPE_CHECKING:
    from collections.abc import Iterator


class Circle:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def garbage() -> Iterator[Garbage]:
    before = list(gc.callbacks), gc.get_threshold()
    garbage = Garbage()
    garbage.start()
    yield garbage
    garbage.stop()
    garbage.stop()
    assert (list(gc.callbacks), gc.get_threshold()) == before
    assert gc.get_freeze_count() == 0


def test_collections_are_noted_between_start_and_stop(garbage: Garbage) -> None:
    garbage.start()
    circles = [Circle() for _ in range(100_000)]
    del circles
    garbage.take_us()
    gc.collect()
    (pause_us,) = garbage.take_us()
    assert pause_us > 0
    garbage.stop()
    gc.collect()
    assert not garbage.take_us()


def test_while_users_come_only_the_young_are_looked_at(garbage: Garbage) -> None:
    looked: list[int] = []
    gc.callbacks.append(lambda phase, info: looked.append(info["generation"]) if phase == "stop" else None)
    users = [Circle() for _ in range(400_000)]
    gc.callbacks.pop()
    assert looked
    assert set(looked) == {0}
    assert len(users) == 400_000


def test_who_is_there_is_not_looked_at_and_who_came_later_is(garbage: Garbage) -> None:
    before = Circle()
    of_before = weakref.ref(before)
    garbage.take_us()
    garbage.users_are_there()
    assert not garbage.take_us(), "nobody stands still for that"
    del before
    later = Circle()
    of_later = weakref.ref(later)
    del later
    gc.collect()
    assert of_before() is not None
    assert of_later() is None
    garbage.stop()
    gc.collect()
    assert of_before() is None
