"""Counts a worker's accounts while the run goes on, in steps so small that nothing received has to wait for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import gevent

from loadtest.run import messages
from loadtest.run.in_turns import in_turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.tasks.context import RunContext

_REST_S: Final = 0.02
"""Minimum time between two counts."""
_MOST_REASONS: Final = 20
_SETTLE_EVERY_S: Final = 1.0
_SETTLE_REST_S: Final = 0.004
"""Between two steps: where hundreds of users a second go, counting them takes a fifth of a core at most."""


def settle_always(context: RunContext) -> None:
    """Count the users that have gone, again and again; never ends."""
    while True:
        for _ in in_turns(context.meter.settle_ended(), _SETTLE_REST_S):
            pass
        gevent.sleep(_SETTLE_EVERY_S)


def count_always(context: RunContext, send: Callable[[str, dict[str, Any]], None]) -> None:
    """Count again and again, and tell the master each time; never ends, unless the plan wants no counts."""
    every_s = context.plan.interim_every_s
    while every_s:
        began_s = time.monotonic()
        count = context.meter.count_so_far()
        for _ in in_turns(count.steps()):
            pass
        found = count.found
        found.until_ns = context.meter.master_ns(count.until_ns)
        found.failures = dict(context.meter.failures.most_common(_MOST_REASONS))
        send(messages.INTERIM, {"run_id": context.plan.run_id, "interim": found.to_message()})
        gevent.sleep(max(every_s - (time.monotonic() - began_s), _REST_S))
