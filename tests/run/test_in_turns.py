"""Tests of long work in steps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import gevent

from loadtest.run.in_turns import in_turns

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_others_have_their_turns_while_the_work_goes_on() -> None:
    said: list[str] = []

    def steps() -> Iterator[int]:
        for number in range(3):
            began_s = time.monotonic()
            while time.monotonic() - began_s < 0.002:
                pass
            said.append("step")
            yield number

    gevent.spawn(said.append, "another")
    assert list(in_turns(steps())) == [0, 1, 2]
    assert said == ["step", "another", "step", "step"]


def test_the_rest_is_as_long_as_is_said() -> None:
    began_s = time.monotonic()

    def steps() -> Iterator[None]:
        for _ in range(3):
            time.sleep(0.002)
            yield

    list(in_turns(steps(), 0.1))
    assert time.monotonic() - began_s > 0.3
