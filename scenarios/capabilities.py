"""What a backend can do, as it answered when it was asked. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TOKEN_CHECK: Final = "token check"  # noqa: S105 - a name
GUESTS: Final = "guests connect"
OWN_ROOMS: Final = "rooms are their owners'"
ROOM_IDS: Final = "room ids are checked"
PING: Final = "ping"
ACKS: Final = "acks"
LEAVE: Final = "leave"
PATCH: Final = "PATCH broadcasts"
RUN: Final = "orchestrator runs tasks"
THROTTLE: Final = "HTTP throttle"
WEBSOCKET: Final = "websocket"
POLLING: Final = "polling"
UPGRADE: Final = "upgrade"
EIO3: Final = "EIO=3"
RECOVERY: Final = "connection state recovery"
TOKEN_ID: Final = "token without id is refused"  # noqa: S105 - a name
REST_TOKENS: Final = "REST checks tokens"
MEMORY: Final = "tells its memory"

QUESTIONS: Final[Mapping[str, str]] = {
    TOKEN_CHECK: "Is a bad token refused when a client connects?",
    GUESTS: "May a client connect without a token?",
    OWN_ROOMS: "Is a client kept out of other users' rooms?",
    ROOM_IDS: "Is a room refused that does not exist?",
    PING: "Does `ping` answer with `pong`?",
    ACKS: "Are events acknowledged that ask for it?",
    LEAVE: "Is there a way to leave a room?",
    PATCH: "Does a PATCH of a task's status reach its room?",
    RUN: "Does the orchestrator run a task when it is told to?",
    THROTTLE: "Is HTTP throttled?",
    WEBSOCKET: "Is WebSocket offered?",
    POLLING: "Is long-polling offered?",
    UPGRADE: "Is an upgrade from long-polling to WebSocket offered?",
    EIO3: "Is Engine.IO's protocol 3 spoken, that of Socket.IO 2?",
    RECOVERY: "Is what was missed sent again after a short break?",
    TOKEN_ID: "Is a token refused by REST that names no user?",
    REST_TOKENS: "Is a bad token refused by REST?",
    MEMORY: "Does the health page tell the backend's memory?",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """yes: None if it could not be found out. evidence: what was seen."""

    yes: bool | None
    evidence: str


class Capabilities:
    """The answers to `QUESTIONS`; a question that was not asked has none."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = {name: answers.get(name, Answer(None, "not asked")) for name in QUESTIONS}

    def can(self, name: str) -> bool:
        """Whether the backend can do it for sure."""
        return self.answers[name].yes is True

    def lacking(self, needs: Iterable[str]) -> str:
        """What of these it cannot do, with the evidence; empty if nothing."""
        missing = [name for name in needs if not self.can(name)]
        return "; ".join(f"{name}: {self.answers[name].evidence}" for name in missing)

    def to_message(self) -> dict[str, Any]:
        """As plain data."""
        return {name: asdict(answer) for name, answer in self.answers.items()}

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Capabilities:
        """From plain data."""
        return cls({name: Answer(**answer) for name, answer in message.items()})
