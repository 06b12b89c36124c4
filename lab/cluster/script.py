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

from loadtest.errors import Fault, Owner
from loadtest.network import lines

if TYPE_CHECKING:
    from loadtest.network.lines import Line

KILL: Final = "kill"
START: Final = "start"
STOP: Final = "stop"
DRAIN: Final = "drain"
RESTART: Final = "restart"
ADD: Final = "add"
ALL: Final = "all"
_ALL_AGAIN: Final = [RESTART, ALL]
_WITH_INSTANCE: Final = (KILL, START, STOP, DRAIN, RESTART)
_ENDING: Final = (KILL, STOP)


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
    return [_step(line) for line in lines.read(text, "See lab/cluster/script.py.")]


def check(steps: list[Step], instances: int) -> None:
    """Whether every step can be done.

    :param steps: in order of time.
    :param instances: how many there are at first.
    :raises Fault: if one is about an instance that is not there by then, or starts one that is.
    """
    known = {str(number) for number in range(1, instances + 1)}
    running = set(known)
    for step in steps:
        there = step.instance in running
        if step.act == ADD:
            new = str(len(known) + 1)
            known.add(new)
            running.add(new)
        elif step.instance == ALL:
            running = set(known)
        elif step.act == START:
            if there:
                raise _impossible(step, "it is running by then")
            if step.instance not in known:
                raise _impossible(step, "there has never been such an instance")
            running.add(step.instance)
        elif not there:
            raise _impossible(step, "it is not running by then")
        elif step.act in _ENDING:
            running.discard(step.instance)


def _impossible(step: Step, why: str) -> Fault:
    text = f"the step '{step.at_s:g} {step.act} {step.instance}' cannot be done: {why}"
    return Fault(Owner.USER, text, "See lab/cluster/script.py.")


def _step(line: Line) -> Step:
    match line.words:
        case [act, instance] if act in _WITH_INSTANCE and (instance.isdecimal() or line.words == _ALL_AGAIN):
            return Step(line.at_s, act, instance)
        case [act] if act == ADD:
            return Step(line.at_s, act)
    raise line.unknown()
