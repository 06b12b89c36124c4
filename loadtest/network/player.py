"""Plays a script on a relay, and keeps what was done when: evidence to hold a run's figures against."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import gevent

from loadtest.network import script

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.network.relay import Relay
    from loadtest.network.script import Step


def play(relay: Relay, steps: list[Step], say: Callable[[dict[str, Any]], object]) -> None:
    """Do what a script says, each step when its time has come.

    :param say: is told of each step that was done: when, in nanoseconds since the epoch, what, and how many
        connections there were.
    """
    began_s = time.monotonic()
    for step in steps:
        gevent.sleep(max(began_s + step.at_s - time.monotonic(), 0.0))
        connections = relay.connections
        _do(relay, step)
        say(
            {
                "at_ns": time.time_ns(),
                "at_s": step.at_s,
                "act": step.act or "conditions",
                "directions": [str(direction) for direction in step.directions],
                "connections": connections,
            }
        )
        if step.act == script.END:
            return


def _do(relay: Relay, step: Step) -> None:
    match step.act:
        case script.STALL:
            relay.stall(step.directions)
        case script.GO_ON:
            relay.go_on(step.directions)
        case script.CUT:
            relay.cut()
        case script.RESET:
            relay.reset()
        case script.REFUSE:
            relay.refuse()
        case script.ACCEPT:
            relay.accept()
        case script.HALF_OPEN:
            relay.half_open(step.side)
        case _ if step.conditions is not None:
            for direction in step.directions:
                relay.conditions[direction] = step.conditions
