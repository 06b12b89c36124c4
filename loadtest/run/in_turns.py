"""Long work in steps, so that the event loop can deal with what arrives meanwhile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

import gevent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_STEP_S: Final = 0.001
"""How long the event loop is kept from what arrives, at most, but for the step that is done just then."""
_REST_S: Final = 0.02
"""How long it is left alone then: the work takes a twentieth of a core."""

T = TypeVar("T")


def in_turns(steps: Iterable[T]) -> Iterator[T]:
    """Yield what the steps yield, and let other greenlets run about every millisecond."""
    began_s = time.monotonic()
    for step in steps:
        yield step
        if time.monotonic() - began_s > _STEP_S:
            gevent.sleep(_REST_S)
            began_s = time.monotonic()
