"""What each profile of the backend can do."""

from __future__ import annotations

from scenarios import capabilities as can
from scenarios.capabilities import Answer, Capabilities

LACKING = {
    "documented": {can.EIO3, can.RECOVERY, can.THROTTLE, can.TOKEN_ID},
    "as-built": {
        *(can.EIO3, can.RECOVERY, can.THROTTLE, can.TOKEN_ID, can.TOKEN_CHECK, can.OWN_ROOMS, can.ROOM_IDS),
        *(can.PING, can.ACKS, can.LEAVE, can.PATCH, can.RUN),
    },
}


def able(*lacking: str) -> Capabilities:
    return Capabilities({question: Answer(question not in lacking, "told") for question in can.QUESTIONS})
