"""Faults on purpose: what happens to each delivery is decided here and logged, so that a meter can be checked.

Pure: chance comes in as an argument.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lab.reference_backend.fault_options import INSTANCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random

    from lab.reference_backend.fault_options import Faults


# Exactly the form of a token: an agent's logs contain many other tildes.
_TRACE: Final = re.compile(r"~([0-9a-f]{8}(?:\.[0-9a-f]+)+)~")
_TRACED_LOG: Final = "log"


class Delivery(NamedTuple):
    """One event to one member, so many seconds from now."""

    member: str
    payload: dict[str, Any]
    delay_s: float = 0.0


class Missed(NamedTuple):
    """An event that somebody was not there to get, and when it was sent."""

    at_s: float
    event: str
    payload: dict[str, Any]


class Injector:
    """Decides for each delivery.

    :param log: takes a line of JSON for each fault: {fault, room, member, event, what}; `what` is the update's
        status or the log's message. Reordering is two of them, hold and release: what is held at the end is lost.
        Also a line for each broadcast: {made_ns, room, event, members, what}, with the number of members then.
        If the faults concern time or cut connections, also a line for each frame that left: {sent_ns,
        connection, frame}.
    """

    def __init__(self, faults: Faults, random: Random, log: Callable[[str], None]) -> None:
        self.faults = faults
        self.logs_sends = bool(
            faults.delay.mean_ms or faults.slow_instance.mean_ms or faults.stop.for_s or faults.cut.member
        )
        self._random = random
        self._log = log
        self._rooms: dict[str, int] = {}
        self._held: dict[tuple[str, str], dict[str, Any]] = {}
        self._counted: Counter[str] = Counter()
        self._missed: dict[str, list[Missed]] = {}

    def deliveries(
        self,
        room: str,
        members: Sequence[str],
        others: Sequence[str],
        event: str,
        payload: dict[str, Any],
        now_s: float = 0.0,
    ) -> Iterator[Delivery]:
        """What goes out instead of one broadcast, in order.

        :param members: of the room, in the order of joining.
        :param others: whom a leak may reach.
        :param now_s: by any clock that only goes forward.
        """
        kind = _kind(payload)
        faults = self.faults
        if room in self._missed:
            self._missed[room].append(Missed(now_s, event, payload))
            self._note("absent", room, "", event, payload)
        muted = self._rooms.setdefault(room, len(self._rooms) + 1) == faults.mute_room
        for number, member in enumerate(members, 1):
            late_s = self._late_s(number, len(members))
            held = self._held.pop((member, kind), None)
            if held is not None:
                self._note("release", room, member, event, held)
                yield Delivery(member, payload, late_s)
                yield Delivery(member, held, late_s)
                continue
            fault = "mute" if muted or number == faults.mute_member else self._draw(kind, others)
            if fault:
                self._note(fault, room, member, event, payload)
            if fault == "hold":
                self._held[member, kind] = payload
            if fault not in ("drop", "mute", "hold"):
                yield Delivery(member, _damaged(payload) if fault == "corrupt" else payload, late_s)
            if fault == "duplicate":
                yield Delivery(member, payload, late_s)
            if fault == "leak":
                yield Delivery(self._random.choice(others), payload, late_s)

    def _late_s(self, number: int, members: int) -> float:
        """How late a member of a room gets a broadcast: the number-th of so many."""
        faults = self.faults
        late_s = faults.delay.draw_s(self._random) if faults.delay.mean_ms else 0.0
        if 0 < faults.crowd.members < members:
            late_s += faults.crowd.late_ms / 1000
        if number % INSTANCES == 1:
            late_s += faults.slow_instance.mean_ms / 1000
        return late_s

    def cut(self, room: str, members: Sequence[str]) -> str | None:
        """The member of a room whose connection is to be closed now; None if there is none."""
        number = self.faults.cut.member
        if not 0 < number <= len(members) or room in self._missed:
            return None
        self._missed[room] = []
        return members[number - 1]

    def joined(self, room: str, connected_s: float) -> list[Missed]:
        """Somebody joined: what is to be sent again, if it is who was cut off.

        :param connected_s: when that one connected.
        """
        missed = self._missed.pop(room, [])
        replayed = [one for one in missed if self.faults.replay and one.at_s < connected_s]
        for one in replayed:
            self._note("replay", room, "", one.event, one.payload)
        return replayed

    def made(self, room: str, event: str, payload: dict[str, Any], members: int, made_ns: int) -> None:
        """Log a broadcast, before anything happens to its deliveries.

        :param members: number of members in the room at this moment.
        :param made_ns: nanoseconds since the epoch.
        """
        self._write({"made_ns": made_ns, "room": room, "event": event, "members": members, "what": _what(payload)})

    def sent(self, connection: int, frame: str, sent_ns: int) -> None:
        """A frame has left.

        :param connection: a number that no other connection has.
        :param sent_ns: nanoseconds since the epoch.
        """
        self._write({"sent_ns": sent_ns, "connection": connection, "frame": frame})

    def _note(self, fault: str, room: str, member: str, event: str, payload: dict[str, Any]) -> None:
        self._write({"fault": fault, "room": room, "member": member, "event": event, "what": _what(payload)})

    def _write(self, line: dict[str, Any]) -> None:
        # In ASCII: a text may contain U+2028 or U+0085, where a reader would split the line.
        self._log(json.dumps(line))

    def _draw(self, kind: str, others: Sequence[str]) -> str:
        """What happens to one delivery; empty for nothing, as where a fault needs what is not there."""
        faults = self.faults
        possible = {
            "drop": (faults.drop, True),
            "duplicate": (faults.duplicate, True),
            "corrupt": (faults.corrupt, kind == _TRACED_LOG),
            "leak": (faults.leak, bool(others)),
            "hold": (faults.reorder, bool(kind)),
        }
        chance = self._random.random()
        for fault, (which, can) in possible.items():
            self._counted[fault] += can
            if can and self._counted[fault] in which.numbers:
                return fault
            chance -= which.share
            if chance < 0:
                return fault if can else ""
        return ""


def _what(payload: dict[str, Any]) -> str | None:
    """Return the update's status, or the log's message."""
    return payload.get("newStatus", payload.get("message"))


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
