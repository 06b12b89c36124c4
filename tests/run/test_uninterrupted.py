from __future__ import annotations

import gevent
import pytest
from gevent.event import Event

from loadtest.run.uninterrupted import uninterrupted


def test_what_is_begun_is_done_however_often_its_greenlet_is_killed() -> None:
    began, may_end = Event(), Event()
    done: list[str] = []

    def act() -> None:
        began.set()
        may_end.wait()
        done.append("it")

    def want() -> None:
        uninterrupted(act)
        done.append("what follows")

    wanting = gevent.spawn(want)
    began.wait()
    for _ in range(3):
        wanting.kill(block=False)
        gevent.sleep(0)
    assert not wanting.dead
    may_end.set()
    wanting.join()
    assert done == ["it", "what follows"]


def test_what_it_raises_is_raised() -> None:
    def act() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        uninterrupted(act)
