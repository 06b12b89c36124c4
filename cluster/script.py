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

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from network import lines

if TYPE_CHECKING:
    from network.lines import Line

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
    return [_step(line) for line in lines.read(text, "See cluster/script.py.")]


def _step(line: Line) -> Step:
    match line.words:
        case [act, instance] if act in _WITH_INSTANCE and (instance.isdecimal() or line.words == _ALL_AGAIN):
            return Step(line.at_s, act, instance)
        case [act] if act == ADD:
            return Step(line.at_s, act)
    raise line.unknown()
