"""Brings something to its end, whoever wants to be gone meanwhile."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import gevent

if TYPE_CHECKING:
    from collections.abc import Callable

    from gevent.event import Event


def uninterrupted(act: Callable[[], None]) -> None:
    """Do it, however often the greenlet that wants it done is killed before it is: Locust kills more than once.

    :raises Exception: what it raises.
    """
    doing = gevent.spawn(act)
    while not doing.dead:
        try:
            doing.join()
        except gevent.GreenletExit:
            continue
    doing.get()


def wait_uninterrupted(event: Event, limit_s: float) -> None:
    """Wait for an event, however often Ctrl-C is pressed meanwhile."""
    deadline_s = time.monotonic() + limit_s
    while not event.is_set() and time.monotonic() < deadline_s:
        with suppress(KeyboardInterrupt):
            event.wait(deadline_s - time.monotonic())
