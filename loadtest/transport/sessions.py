"""What an answer says of a session that the server does not know: is the load balancer not sticky? Pure."""

from __future__ import annotations

import json
from typing import Final

_BAD_REQUEST: Final = 400
_UNKNOWN_SID: Final = 1
"""Engine.IO's code on node; python-engineio says it in words."""


def knows_no_session(status: int, body: str) -> bool:
    """Whether an answer to a request of long-polling says that there is no such session."""
    if status != _BAD_REQUEST:
        return False
    try:
        said = json.loads(body)
    except ValueError:
        return False
    return (isinstance(said, dict) and said.get("code") == _UNKNOWN_SID) or "Invalid session" in str(said)


def session_fault(opened_by: str, asked: str) -> str:
    """What that means, in one line.

    :param opened_by: the instance that opened the session; empty if nobody knows.
    :param asked: the instance that does not know it.
    """
    if opened_by and asked and opened_by != asked:
        return (
            f"no sticky sessions: instance {opened_by} opened it, and a request of it went to instance {asked}, "
            "which does not know it (HTTP 400)"
        )
    return (
        "the session is not known (HTTP 400): requests of one session reach several instances, as without sticky "
        "sessions, or the instance was started again"
    )
