"""Faults on purpose: what happens to each delivery is decided here and logged, so that a meter can be checked.

Pure: chance comes in as an argument.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random


_TRACE: Final = re.compile("~([^~]+)~")
_TRACED_LOG: Final = "log"


@dataclass(frozen=True, slots=True)
class Faults:
    """What shall go wrong. At most one thing happens to a delivery.

    drop, duplicate, corrupt, leak: the share of deliveries that do not go out, go out twice, carry a damaged
    trace, go to somebody in another room as well. reorder: the share that go out after the next one of their kind,
    where they carry a trace. mute_member: this member of each room, counted from 1 in the order of joining, gets
    nothing. mute_room: nobody in this room gets anything, counted from 1 in the order of the first broadcast.
    """

    drop: float = 0.0
    duplicate: float = 0.0
    corrupt: float = 0.0
    leak: float = 0.0
    reorder: float = 0.0
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
        status or the log's message. Reordering is two of them, hold and release: what is held at the end is lost.
    """

    def __init__(self, faults: Faults, random: Random, log: Callable[[str], None]) -> None:
        self._faults = faults
        self._random = random
        self._log = log
        self._rooms: dict[str, int] = {}
        self._held: dict[tuple[str, str], dict[str, Any]] = {}

    def deliveries(
        self, room: str, members: Sequence[str], others: Sequence[str], event: str, payload: dict[str, Any]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """What goes out instead of one broadcast: (member, payload), in order.

        :param members: of the room, in the order of joining.
        :param others: whom a leak may reach.
        """
        kind = _kind(payload)
        muted = self._rooms.setdefault(room, len(self._rooms) + 1) == self._faults.mute_room
        for number, member in enumerate(members, 1):
            held = self._held.pop((member, kind), None)
            if held is not None:
                self._note("release", room, member, event, held)
                yield member, payload
                yield member, held
                continue
            fault = "mute" if muted or number == self._faults.mute_member else self._draw(kind, others)
            if fault:
                self._note(fault, room, member, event, payload)
            if fault == "hold":
                self._held[member, kind] = payload
            if fault not in ("drop", "mute", "hold"):
                yield member, _damaged(payload) if fault == "corrupt" else payload
            if fault == "duplicate":
                yield member, payload
            if fault == "leak":
                yield self._random.choice(others), payload

    def _note(self, fault: str, room: str, member: str, event: str, payload: dict[str, Any]) -> None:
        what = payload.get("newStatus", payload.get("message"))
        line = {"fault": fault, "room": room, "member": member, "event": event, "what": what}
        self._log(json.dumps(line, ensure_ascii=False))

    def _draw(self, kind: str, others: Sequence[str]) -> str:
        """What happens to one delivery; empty for nothing, as where a fault needs what is not there."""
        possible = {
            "drop": (self._faults.drop, True),
            "duplicate": (self._faults.duplicate, True),
            "corrupt": (self._faults.corrupt, kind == _TRACED_LOG),
            "leak": (self._faults.leak, bool(others)),
            "hold": (self._faults.reorder, bool(kind)),
        }
        chance = self._random.random()
        for fault, (share, can) in possible.items():
            chance -= share
            if chance < 0:
                return fault if can else ""
        return ""


def _kind(payload: dict[str, Any]) -> str:
    """What of a burst this is; empty if it carries no trace."""
    traced = _TRACE.search(str(payload.get("message", "")))
    return str(payload.get("newStatus", _TRACED_LOG if traced else ""))


def _damaged(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload with one digit of its trace changed."""

    def damage(trace: re.Match[str]) -> str:
        body = trace.group(1)
        return f"~{body[:-1]}{'0' if body[-1] != '0' else '1'}~"

    return {**payload, "message": _TRACE.sub(damage, payload["message"], count=1)}
