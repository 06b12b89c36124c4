"""What a bad network does when: a line for each step, with its second. Pure.

    0   up latency=40ms jitter=10ms loss=1%
    0   down latency=40ms rate=250kB
    20  down stall
    25  go-on
    30  reset
    35  refuse
    40  accept
    50  half-open server
    60  cut
    90  end

Without `up` or `down` a step is for both. Steps may be separated by semicolons instead of lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loadtest.network import lines
from loadtest.network.conditions import BOTH, Conditions, Direction

if TYPE_CHECKING:
    from loadtest.network.lines import Line

STALL: Final = "stall"
GO_ON: Final = "go-on"
CUT: Final = "cut"
RESET: Final = "reset"
REFUSE: Final = "refuse"
ACCEPT: Final = "accept"
HALF_OPEN: Final = "half-open"
END: Final = "end"
_ONE_WAY: Final = (STALL, GO_ON)
_WHOLE: Final = (CUT, RESET, REFUSE, ACCEPT, END)
_SIDES: Final = ("client", "server")
_UNITS: Final = {
    "latency": {"ms": 0.001, "s": 1.0},
    "jitter": {"ms": 0.001, "s": 1.0},
    "loss": {"%": 0.01},
    "rate": {"B": 1.0, "kB": 1e3, "MB": 1e6},
}
_FIELDS: Final = {"latency": "latency_s", "jitter": "jitter_s", "loss": "loss", "rate": "bytes_per_s"}
_VALUE: Final = re.compile(r"([a-z]+)=(\d+(?:\.\d+)?)([A-Za-z%]+)$")


@dataclass(frozen=True, slots=True)
class Step:
    """At a moment, in seconds from the start, something is done.

    act: one of the words above; empty for new conditions. directions: to which. side: of a half-open connection,
    whose end goes away.
    """

    at_s: float
    act: str
    directions: tuple[Direction, ...] = BOTH
    conditions: Conditions | None = None
    side: str = ""


def parse(text: str) -> list[Step]:
    """The steps of a script, in order of time.

    :raises Fault: if a line is none.
    """
    return [_step(line) for line in lines.read(text, "See loadtest/network/script.py.")]


def _step(line: Line) -> Step:
    directions, words = BOTH, line.words
    if words[0] in BOTH:
        directions, words = (Direction(words[0]),), words[1:]
    if not words:
        raise line.fault("it says nothing to do")
    act, *arguments = words
    if act in _ONE_WAY and not arguments:
        return Step(line.at_s, act, directions)
    if act in _WHOLE and not arguments and directions == BOTH:
        return Step(line.at_s, act)
    if act == HALF_OPEN and len(arguments) == 1 and arguments[0] in _SIDES and directions == BOTH:
        return Step(line.at_s, act, side=arguments[0])
    if "=" in act:
        return Step(line.at_s, "", directions, _conditions(line, words))
    raise line.unknown()


def _conditions(line: Line, words: list[str]) -> Conditions:
    values = {}
    for word in words:
        match = _VALUE.match(word)
        factor = _UNITS.get(match[1], {}).get(match[3]) if match else None
        if match is None or factor is None:
            known = ", ".join(f"{name}=…{'/'.join(units)}" for name, units in _UNITS.items())
            raise line.fault(f"{word!r} is none of {known}")
        values[_FIELDS[match[1]]] = float(match[2]) * factor
    if values.get("loss", 0.0) > 1:
        raise line.fault("more than everything cannot be lost")
    return Conditions(**values)
