"""Shapes of a load over time. A shape says which share of its users there shall be at a moment. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Profile:
    """One shape.

    share: seconds since the start -> share of the users, from 0 to 1. lasts_s: when it ends. storms_s: when all
    connections are dropped at once. marks: (from when, the name of that part), ascending.
    """

    share: Callable[[float], float]
    lasts_s: float
    storms_s: tuple[float, ...] = ()
    marks: tuple[tuple[float, str], ...] = ()

    def users(self, at_s: float, most: int) -> int | None:
        """How many of so many users; None when it is over."""
        return None if at_s >= self.lasts_s else round(most * self.share(at_s))


def ramp(lasts_s: float, over: float = 0.0) -> Profile:
    """Rises evenly from nothing to everybody, over so many seconds (default: all its time), and stays there."""
    over = over or lasts_s
    return Profile(lambda at_s: min(at_s / over, 1.0), lasts_s, marks=((0.0, "rising"), (over, "full")))


def steps(lasts_s: float, number: float = 5.0) -> Profile:
    """Rises in so many equal steps of equal length."""
    marks = tuple((step * lasts_s / number, f"step {step + 1}") for step in range(math.ceil(number)))
    return Profile(
        lambda at_s: min(math.floor(1 + at_s * number / lasts_s), number) / number, lasts_s, marks=marks
    )


def spike(lasts_s: float, base: float = 0.2, at: float = 0.0, length: float = 0.0) -> Profile:
    """A share of the users, and once, from a moment (default: a third) and for a while (default: a sixth), all."""
    at = at or lasts_s / 3
    length = length or lasts_s / 6
    marks = ((0.0, "before"), (at, "spike"), (at + length, "after"))
    return Profile(lambda at_s: 1.0 if at <= at_s < at + length else base, lasts_s, marks=marks)


def soak(lasts_s: float, over: float = 0.0) -> Profile:
    """Rises to everybody over a while (default: a tenth, at most a minute), and stays there."""
    return ramp(lasts_s, over or min(lasts_s / 10, 60.0))


def wave(lasts_s: float, low: float = 0.2, period: float = 0.0) -> Profile:
    """Goes up and down between a share of the users and all of them; a third of its time is one period."""
    period = period or lasts_s / 3
    return Profile(
        lambda at_s: low + (1 - low) * (1 - math.cos(2 * math.pi * at_s / period)) / 2,
        lasts_s,
        marks=tuple((number * period, f"wave {number + 1}") for number in range(math.ceil(lasts_s / period))),
    )


def storm(lasts_s: float, at: float = 0.0, every: float = 0.0) -> Profile:
    """Everybody, all the time; at a moment (default: a third), or more, all connections are dropped at once."""
    at = at or lasts_s / 3
    count = math.ceil((lasts_s - at) / every) if every else 1
    storms_s = tuple(at + number * every for number in range(count))
    marks = ((0.0, "before"), *((at_s, f"storm {number}") for number, at_s in enumerate(storms_s, 1)))
    return Profile(lambda _: 1.0, lasts_s, storms_s, marks)


PROFILES: Final[Mapping[str, Callable[..., Profile]]] = {
    "ramp": ramp,
    "steps": steps,
    "spike": spike,
    "soak": soak,
    "wave": wave,
    "storm": storm,
}
