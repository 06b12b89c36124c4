"""A shape as the command line names it: `spike:base=0.1,at=30`. Pure."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass, field
from typing import Final

from loadtest.shapes.profiles import PROFILES, Profile

CAPACITY: Final = "capacity"
USERS: Final = "users"
RATE: Final = "rate"
_CAPACITY: Final = {
    "by": f"{USERS} or {RATE}: what is raised",
    "limit": "milliseconds from which on a delivery is late (default 200)",
    "quantile": "share of the deliveries that must not be late (default 0.99)",
    "least": "where to begin (default 10 viewers, or --rate)",
    "most": "where to end (default --users, or 1000 triggers a second)",
    "hold": "minimum seconds of each trial of a level (default 8)",
    "resolution": "the search ends when the gap above the passing level is at most this share of it (default 0.1)",
}
"""Parameters of the capacity search."""
_SHARES: Final = ("base", "low", "quantile")
_COUNTS: Final = {"number": 1, "hold": 2}
"""Whole numbers, and the least of each: how sure a level is cannot be told from one second."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One shape and its parameters, as text."""

    name: str
    parameters: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Choice:
        """From the command line.

        :raises ValueError: with what is wrong with it.
        """
        name, _, rest = text.partition(":")
        known = parameters_of(name)
        given = {}
        for part in filter(None, rest.split(",")):
            key, equals, value = part.partition("=")
            if key not in known or not equals:
                raise ValueError(f"{name} has no parameter {part!r}; it has {', '.join(known)}")
            if not (name == CAPACITY and key == "by"):
                _check(key, value)
            elif value not in (USERS, RATE):
                raise ValueError(f"{name} is by {USERS} or by {RATE}, and not by {value!r}")
            given[key] = value
        if float(given.get("least", 0)) > float(given.get("most", math.inf)):
            raise ValueError(f"least={given['least']} is more than most={given['most']}")
        return cls(name, given)

    @property
    def searches(self) -> bool:
        """Whether it is the capacity search, which ends by itself."""
        return self.name == CAPACITY

    @property
    def by_users(self) -> bool:
        """Whether it searches for a number of users."""
        return self.searches and self.parameters.get("by", USERS) == USERS

    def profile(self, lasts_s: float) -> Profile:
        """The shape over so many seconds; not of a search."""
        return PROFILES[self.name](lasts_s, **{key: float(value) for key, value in self.parameters.items()})

    def number(self, key: str, default: float) -> float:
        """A parameter of the search."""
        return float(self.parameters.get(key, default))


def parameters_of(name: str) -> list[str]:
    """The parameters of a shape.

    :raises ValueError: if there is no such shape.
    """
    if name == CAPACITY:
        return list(_CAPACITY)
    if name not in PROFILES:
        raise ValueError(f"there is no shape {name!r}; there are {', '.join((*PROFILES, CAPACITY))}")
    return list(inspect.signature(PROFILES[name]).parameters)[1:]


def _check(key: str, value: str) -> None:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 < number < math.inf:
        raise ValueError(f"{key}={value} is no number above 0")
    if key in _SHARES and number > 1:
        raise ValueError(f"{key}={value} is more than all: it is a share, up to 1")
    if key in _COUNTS and not (number.is_integer() and number >= _COUNTS[key]):
        raise ValueError(f"{key}={value} is no whole number from {_COUNTS[key]} on")
