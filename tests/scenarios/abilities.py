"""What each profile of the backend can do."""

from __future__ import annotations

from loadtest.scenarios import capabilities as can
from loadtest.scenarios.capabilities import Answer, Capabilities

_BOTH = {can.EIO3, can.RECOVERY, can.THROTTLE, can.TOKEN_ID}
_OPEN = {can.TOKEN_CHECK, can.TOKEN_EXPIRY, can.OWN_ROOMS, can.GUEST_ROOMS, can.NAMELESS, can.ROOM_IDS}
_AS_BUILT = {*_BOTH, *_OPEN, can.PING, can.ACKS, can.LEAVE, can.PATCH, can.RUN}
LACKING = {"documented": _BOTH, "as-built": _AS_BUILT, "deployed": _AS_BUILT}


def able(*lacking: str) -> Capabilities:
    return Capabilities({question: Answer(question not in lacking, "told") for question in can.QUESTIONS})
