"""Counts a worker's accounts while the run goes on, in steps so small that nothing received has to wait for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import gevent

from . import messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.context import RunContext

_STEP_S: Final = 0.001
"""How long the event loop is kept from what arrives, at most, but for the account that is counted just then."""
_REST_S: Final = 0.02
"""How long it is left alone between two steps: while it counts, that takes a twentieth of a core."""
_MOST_REASONS: Final = 20


def count_always(context: RunContext, send: Callable[[str, dict[str, Any]], None]) -> None:
    """Count again and again, and tell the master each time; never ends, unless the plan wants no counts."""
    every_s = context.plan.interim_every_s
    while every_s:
        began_s = time.monotonic()
        count = context.meter.count_so_far()
        step_s = began_s
        for _ in count.steps():
            if time.monotonic() - step_s > _STEP_S:
                gevent.sleep(_REST_S)
                step_s = time.monotonic()
        found = count.found
        found.until_ns = context.meter.master_ns(count.until_ns)
        found.failures = dict(context.meter.failures.most_common(_MOST_REASONS))
        send(messages.INTERIM, {"run_id": context.plan.run_id, "interim": found.to_message()})
        gevent.sleep(max(every_s - (time.monotonic() - began_s), _REST_S))
