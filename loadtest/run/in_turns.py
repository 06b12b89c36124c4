"""Long work in steps, so that the event loop can deal with what arrives meanwhile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

import gevent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_STEP_S: Final = 0.001
"""How long the event loop is kept from what arrives, at most, but for the step that is done just then."""
REST_S: Final = 0.02
"""How long it is left alone then, by default: the work takes a twentieth of a core."""

T = TypeVar("T")


def in_turns(steps: Iterable[T], rest_s: float = REST_S) -> Iterator[T]:
    """Yield what the steps yield, and let other greenlets run about every millisecond.

    :param rest_s: for how long.
    """
    began_s = time.monotonic()
    for step in steps:
        yield step
        if time.monotonic() - began_s > _STEP_S:
            gevent.sleep(rest_s)
            began_s = time.monotonic()
