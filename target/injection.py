"""Faults on purpose: what happens to each delivery is decided here and logged, so that a meter can be checked.

Pure: chance comes in as an argument.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random


@dataclass(frozen=True, slots=True)
class Faults:
    """What shall go wrong. At most one thing happens to a delivery.

    drop, duplicate, corrupt, leak: the share of deliveries that do not go out, go out twice, carry a damaged
    trace, go to somebody in another room as well. mute_member: this member of each room, counted from 1 in the
    order of joining, gets nothing. mute_room: nobody in this room gets anything, counted from 1 in the order of
    the first broadcast.
    """

    drop: float = 0.0
    duplicate: float = 0.0
    corrupt: float = 0.0
    leak: float = 0.0
    mute_member: int = 0
    mute_room: int = 0

    @classmethod
    def parse(cls, text: str) -> Faults:
        """From `drop=0.02,mute_member=3`.

        :raises ValueError: if a name is unknown or a value is no number from 0.
        """
        known = {field.name: int if field.type == "int" else float for field in fields(cls)}
        given: dict[str, Any] = {}
        for part in filter(None, text.split(",")):
            name, _, value = part.partition("=")
            if name not in known:
                raise ValueError(f"no fault is named {name!r}; there are {', '.join(known)}")
            given[name] = known[name](value)
            if given[name] < 0:
                raise ValueError(f"{part!r} is below 0")
        return cls(**given)


class Injector:
    """Decides for each delivery.

    :param log: takes a line of JSON for each fault: {fault, room, member, event, what}; `what` is the update's
        status or the log's message.
    """

    def __init__(self, faults: Faults, random: Random, log: Callable[[str], None]) -> None:
        self._faults = faults
        self._random = random
        self._log = log
        self._rooms: dict[str, int] = {}

    def deliveries(
        self, room: str, members: Sequence[str], others: Sequence[str], event: str, payload: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """What goes out instead of one broadcast: (member, payload), in order.

        :param members: of the room, in the order of joining.
        :param others: whom a leak may reach.
        """
        faults = self._faults
        muted = self._rooms.setdefault(room, len(self._rooms) + 1) == faults.mute_room
        for number, member in enumerate(members, 1):
            fault = "mute" if muted or number == faults.mute_member else self._draw()
            sent = payload
            if fault == "corrupt":
                damaged = _damaged(payload)
                fault, sent = ("", payload) if damaged is None else (fault, damaged)
            if fault == "leak" and not others:
                fault = ""
            if fault:
                what = payload.get("newStatus", payload.get("message"))
                line = {"fault": fault, "room": room, "member": member, "event": event, "what": what}
                self._log(json.dumps(line, ensure_ascii=False))
            if fault not in ("drop", "mute"):
                yield member, sent
            if fault == "duplicate":
                yield member, sent
            if fault == "leak":
                yield self._random.choice(others), payload

    def _draw(self) -> str:
        chance = self._random.random()
        for name in ("drop", "duplicate", "corrupt", "leak"):
            chance -= getattr(self._faults, name)
            if chance < 0:
                return name
        return ""


def _damaged(payload: dict[str, Any]) -> dict[str, Any] | None:
    """The payload with one digit of its trace changed; None if it carries none."""
    head, start, rest = str(payload.get("message", "")).partition("~")
    body, end, tail = rest.partition("~")
    if not start or not end or not body:
        return None
    digit = "0" if body[-1] != "0" else "1"
    return {**payload, "message": f"{head}~{body[:-1]}{digit}~{tail}"}
