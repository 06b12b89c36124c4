"""What shall go wrong with a reference backend, as its `--faults` option says it. Pure: chance is an argument."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from random import Random

INSTANCES: Final = 3
"""How many instances a backend with a slow one seems to have; members are dealt out to them in turn."""


@dataclass(frozen=True, slots=True)
class Which:
    """Which deliveries something happens to: a share of them by chance, or exactly those with these numbers.

    Numbers count from 1, over the deliveries that it can happen to.
    """

    share: float = 0.0
    numbers: frozenset[int] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Which:
        """From `0.02`, or from `@5/17/40`.

        :raises ValueError: if it is neither.
        """
        if text.startswith("@"):
            return cls(numbers=frozenset(_whole(number) for number in text[1:].split("/")))
        return cls(share=_positive(text))


@dataclass(frozen=True, slots=True)
class Delay:
    """How much later each delivery goes out, in milliseconds; what one member gets keeps its order."""

    mean_ms: float = 0.0
    law: str = "constant"

    @classmethod
    def parse(cls, text: str) -> Delay:
        """From `20`, or from `exponential:20`, with its mean.

        :raises ValueError: if it is neither.
        """
        law, _, mean_ms = text.rpartition(":")
        if law not in ("", "constant", "exponential"):
            raise ValueError(f"no delay is named {law!r}; there are constant and exponential")
        return cls(_positive(mean_ms), law or "constant")

    def draw_s(self, random: Random) -> float:
        """One delay, in seconds."""
        drawn = random.expovariate(1.0) if self.law == "exponential" else 1.0
        return self.mean_ms / 1000 * drawn


@dataclass(frozen=True, slots=True)
class Stop:
    """The whole backend stands still once: so long after the first broadcast, and for so long; in seconds."""

    after_s: float = 0.0
    for_s: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Stop:
        """From `6:2`.

        :raises ValueError: if it is no such pair.
        """
        after_s, _, for_s = text.partition(":")
        return cls(_positive(after_s), _positive(for_s))


@dataclass(frozen=True, slots=True)
class Cut:
    """So many seconds after the first broadcast, the connection of this member of each room is closed.

    Members are counted from 1 in the order of joining.
    """

    after_s: float = 0.0
    member: int = 0

    @classmethod
    def parse(cls, text: str) -> Cut:
        """From `3:2`.

        :raises ValueError: if it is no such pair.
        """
        after_s, _, member = text.partition(":")
        return cls(_positive(after_s), _whole(member))


@dataclass(frozen=True, slots=True)
class Crowd:
    """Where a room has more members than that, everything goes out so many milliseconds later."""

    members: int = 0
    late_ms: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Crowd:
        """From `40:300`.

        :raises ValueError: if it is no such pair.
        """
        members, _, late_ms = text.partition(":")
        return cls(_whole(members), _positive(late_ms))


@dataclass(frozen=True, slots=True)
class Faults:
    """What shall go wrong. Beside being late, at most one thing happens to a delivery.

    drop, duplicate, corrupt, leak: the deliveries that do not go out, go out twice, carry a damaged trace, go to
    somebody in another room as well. reorder: those that go out after the next one of their kind, where they
    carry a trace. mute_member: this member of each room, counted from 1 in the order of joining, gets nothing.
    mute_room: nobody in this room gets anything, counted from 1 in the order of the first broadcast.
    slow_instance: how much later, in milliseconds, the members of the first of `INSTANCES` get everything.
    replay: if not 0, whoever was cut off gets what was sent until it connected again, when it joins again.
    crowd: a number of members from which on a room is late.
    """

    drop: Which = Which()
    duplicate: Which = Which()
    corrupt: Which = Which()
    leak: Which = Which()
    reorder: Which = Which()
    mute_member: int = 0
    mute_room: int = 0
    delay: Delay = Delay()
    slow_instance: Delay = Delay()
    stop: Stop = Stop()
    cut: Cut = Cut()
    replay: int = 0
    crowd: Crowd = Crowd()

    @classmethod
    def parse(cls, text: str) -> Faults:
        """From `drop=0.02,corrupt=@3/9,mute_member=3,delay=exponential:20,stop=4:2`.

        :raises ValueError: if a name is unknown or a value is none of its kind.
        """
        parsers = {field.name: _PARSERS[str(field.type)] for field in fields(cls)}
        given: dict[str, Any] = {}
        for part in filter(None, text.split(",")):
            name, _, value = part.partition("=")
            if name not in parsers:
                raise ValueError(f"no fault is named {name!r}; there are {', '.join(parsers)}")
            given[name] = parsers[name](value)
        return cls(**given)


def _positive(text: str) -> float:
    number = float(text)
    if number < 0:
        raise ValueError(f"{text!r} is below 0")
    return number


def _whole(text: str) -> int:
    return int(_positive(str(int(text))))


_PARSERS: Final[dict[str, Any]] = {
    "Which": Which.parse,
    "int": _whole,
    "Delay": Delay.parse,
    "Stop": Stop.parse,
    "Cut": Cut.parse,
    "Crowd": Crowd.parse,
}
