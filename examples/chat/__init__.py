"""How the load test gets on with a chat: see `docs/another-backend.md`. `--backend examples.chat`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from loadtest.backends.base import Adapter, Call, Wanted, Words
from loadtest.backends.plan import Room
from loadtest.measurement.sighting import Corrupt, FrameReader, Keyed, Sighting, Slot, Traced, Untraced
from loadtest.measurement.trace import CorruptTraceError, find

if TYPE_CHECKING:
    from loadtest.backends.rest import RestClient

_ID: Final = re.compile(rb'"id":"([^"]+)"')


class Reader:
    """A message makes two broadcasts: `message`, with its text, and `counted`, with its id."""

    slots: tuple[Slot, ...] = (Slot("message"), Slot("counted"))
    events: tuple[str, ...] = ("message", "counted")
    untraced: tuple[str, ...] = ()

    def read(self, event: str, frame: bytes) -> Sighting:
        """The text has the trace; the id leads back to it."""
        if event == "counted":
            message_id = _ID.search(frame)
            return Corrupt() if message_id is None else Keyed(1, message_id[1].decode())
        try:
            trace = find(frame)
        except CorruptTraceError:
            return Corrupt()
        return Untraced("message of somebody else") if trace is None else Traced(0, trace)


class Names:
    """Rooms of a chat are there when somebody joins: their names are all that is made."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id

    def create(self, count: int) -> tuple[Room, ...]:
        """Names that no other run has."""
        return tuple(Room(f"{self._run_id}-{number}", agent_id="", token="") for number in range(count))

    def foreign(self) -> Room | None:
        """There are no strangers."""
        return None

    def refresh(self) -> list[str]:
        """There are no tokens."""
        return []

    def remove(self) -> None:
        """Nothing was made."""


class Chat:
    """Implements `backends.base.Adapter`."""

    reader: FrameReader = Reader()
    words = Words(join="join", joined="welcome", leave="leave", left="bye", refused="refused")
    trigger_name = "/rooms/:room/messages"
    plays_scenarios = False

    def check(self, client: RestClient) -> str:
        """By its root."""
        return client.value("chat", "GET", "/")

    def provision(self, wanted: Wanted) -> Names:
        """Names are enough."""
        return Names(wanted.run_id)

    def check_rooms(self, client: RestClient, rooms: tuple[Room, ...]) -> None:
        """Any name is a room."""

    def is_about(self, room_id: str, answer: Any) -> bool:
        """`welcome` and `bye` say which room."""
        return bool(answer["room"] == room_id)

    def trigger(self, room: Room, title: str) -> Call:
        """A message."""
        return Call("POST", f"/rooms/{room.project_id}/messages", {"text": title})

    def key_of(self, answer: Any) -> str:
        """The message's id, which `counted` has too."""
        return str(answer["id"])


BACKEND: Final[Adapter] = Chat()
