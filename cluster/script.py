"""What happens to instances when: a line for each step, with its second. Pure.

    8    kill 1        # at once, as when a machine dies
    12   start 1       # again, where it was
    20   drain 2       # no new connections; those that there are stay
    25   stop 2        # politely: it closes its connections
    30   restart all   # one after the other, each when the one before is there again
    40   add           # one more

Steps may be separated by semicolons instead of lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from faults import Fault, Owner
from network.script import lines_of

KILL: Final = "kill"
START: Final = "start"
STOP: Final = "stop"
DRAIN: Final = "drain"
RESTART: Final = "restart"
ADD: Final = "add"
ALL: Final = "all"
_ALL_AGAIN: Final = [RESTART, ALL]
_WITH_INSTANCE: Final = (KILL, START, STOP, DRAIN, RESTART)


@dataclass(frozen=True, slots=True)
class Step:
    """At a moment, in seconds from the start, something is done to an instance, or to `all`; or none is named."""

    at_s: float
    act: str
    instance: str = ""


def parse(text: str) -> list[Step]:
    """The steps of a script, in order of time.

    :raises Fault: if a line is none.
    """
    return sorted(map(_step, lines_of(text)), key=lambda step: step.at_s)


def _step(words: list[str]) -> Step:
    line = " ".join(words)
    if not re.fullmatch(r"\d+(\.\d+)?", words[0]):
        raise _fault(line, f"it begins with {words[0]!r} instead of a second")
    match words[1:]:
        case [act, instance] if act in _WITH_INSTANCE and (instance.isdecimal() or words[1:] == _ALL_AGAIN):
            return Step(float(words[0]), act, instance)
        case [act] if act == ADD:
            return Step(float(words[0]), act)
    raise _fault(line, f"{' '.join(words[1:])!r} is nothing that can be done")


def _fault(line: str, why: str) -> Fault:
    return Fault(Owner.USER, f"the step {line!r} is none: {why}", "See cluster/script.py.")
