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
TOKEN_EXPIRY: Final = "expired tokens are refused"  # noqa: S105 - a name
NAMELESS: Final = "token without id opens no room"
GUEST_ROOMS: Final = "guests join no room"
REST_EXPIRY: Final = "REST refuses expired tokens"

QUESTIONS: Final[Mapping[str, str]] = {
    TOKEN_CHECK: "Is a forged token refused when a client connects?",
    TOKEN_EXPIRY: "Is an expired token refused when a client connects?",
    GUESTS: "May a client connect without a token?",
    OWN_ROOMS: "Is a client kept out of other users' rooms?",
    GUEST_ROOMS: "Is a client without a token kept out of rooms?",
    NAMELESS: "Is a client kept out of rooms whose token names no user?",
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
    REST_TOKENS: "Is a forged token refused by REST?",
    REST_EXPIRY: "Is an expired token refused by REST?",
    MEMORY: "Does the health page tell the backend's memory?",
}


MEANINGS: Final[Mapping[str, str]] = {
    TOKEN_CHECK: "anybody may connect, whatever the token",
    TOKEN_EXPIRY: "a stolen token works forever",
    GUESTS: "a client without a token is refused",
    OWN_ROOMS: "any client may join any project's room",
    GUEST_ROOMS: "a client without a token may join any project's room",
    NAMELESS: "a token that names no user may join any project's room",
    ROOM_IDS: "any text is taken for a room",
    PING: "a client can time a round trip only by joining again",
    ACKS: "a client learns only from other events that the backend received its own",
    LEAVE: "a client can leave a room only by disconnecting",
    PATCH: "no dashboard sees a status that REST sets",
    RUN: "a task runs when it is created and cannot run again",
    THROTTLE: "nothing limits how fast REST is called",
    WEBSOCKET: "no client can use WebSocket",
    POLLING: "no client can use long-polling",
    UPGRADE: "clients that begin with long-polling stay with it",
    EIO3: "clients of Socket.IO 2 cannot connect",
    RECOVERY: "events of a short break are lost",
    TOKEN_ID: "REST accepts a token that names no user as another user's",
    REST_TOKENS: "REST accepts forged tokens",
    REST_EXPIRY: "a stolen token works forever over REST",
    MEMORY: "nobody can see whether connections leak memory",
}
"""Capability -> the consequence for a backend's users if the backend lacks it."""
REMEDIES: Final[Mapping[str, str]] = {
    TOKEN_CHECK: "Verify the token in a middleware of the namespace, before the connection is accepted.",
    TOKEN_EXPIRY: "Verify the token's expiry before the connection is accepted: do not set ignoreExpiration.",
    GUESTS: "Accept a connection without a token as a guest's, as the guide says.",
    OWN_ROOMS: "Check on joinProjectRoom that the project belongs to the token's user.",
    GUEST_ROOMS: "Refuse joinProjectRoom to a connection without a token.",
    NAMELESS: "Refuse a token without an id, or treat its connection as a guest's.",
    ROOM_IDS: "Refuse ids that are no project's: each one that is made up takes memory.",
    PING: "Answer ping with pong and the same payload.",
    ACKS: "Return a value from each handler, so that Socket.IO acknowledges the event.",
    LEAVE: "Handle leaveProjectRoom, and answer it with leftRoom.",
    PATCH: "Broadcast taskStatusUpdate to the project's room on PATCH of a task's status.",
    RUN: "Answer POST /v1/orchestrator/tasks/:tid/run with 201, and run the task.",
    THROTTLE: "Limit at least signing up and logging in: otherwise nothing slows down who guesses passwords.",
    WEBSOCKET: "Offer the transport websocket, and let the load balancer pass upgrades.",
    POLLING: "Offer the transport polling.",
    UPGRADE: "Offer both transports, and set allowUpgrades.",
    EIO3: "Set allowEIO3.",
    RECOVERY: "Set connectionStateRecovery.",
    TOKEN_ID: "Refuse tokens without an id: a query for `id = undefined` finds the first user there is.",
    REST_TOKENS: "Verify the signature with one fixed algorithm.",
    REST_EXPIRY: "Verify the token's expiry: do not set ignoreExpiration.",
    MEMORY: "Return the memory of the process from GET /v1/health/info, as the backend's contract says.",
}
"""Capability -> what to change on a backend that lacks it."""
RELIED_ON: Final = (PING, ACKS, LEAVE, PATCH, RUN)
"""Capabilities that clients rely on, by the guide; reported as missing even if no check needs them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a backend has a capability.

    yes: None if it could not be found out.
    evidence: what was seen.
    to_find_out: what to give the probe so that it can find out for certain, such as a second user; empty if it
        had everything.
    """

    yes: bool | None
    evidence: str
    to_find_out: str = ""


class Capabilities:
    """The answers to `QUESTIONS`; a question that was not asked has none."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = {name: answers.get(name, Answer(None, "not asked")) for name in QUESTIONS}

    def can(self, name: str) -> bool:
        """Whether the backend can do it for sure."""
        return self.answers[name].yes is True

    def cannot(self, name: str) -> bool:
        """Return whether the backend cannot do it for sure."""
        return self.answers[name].yes is False

    def lacking(self, needs: Iterable[str]) -> str:
        """What of these it cannot do, with the evidence; empty if nothing."""
        missing = [name for name in needs if not self.can(name)]
        return "; ".join(f"{name}: {self.answers[name].evidence}" for name in missing)

    def unsupported(self, needs: Iterable[str]) -> bool:
        """Whether it cannot do one of these for sure."""
        return any(self.answers[name].yes is False for name in needs)

    def to_message(self) -> dict[str, Any]:
        """As plain data."""
        return {name: asdict(answer) for name, answer in self.answers.items()}

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Capabilities:
        """From plain data."""
        return cls({name: Answer(**answer) for name, answer in message.items()})
