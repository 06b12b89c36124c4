"""Brings something to its end, whoever wants to be gone meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gevent

if TYPE_CHECKING:
    from collections.abc import Callable


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
