"""Makes sure that a run can work before it begins: the backend answers, and takes the tokens."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from loadtest.backends import tokens
from loadtest.backends.prometheus import contract
from loadtest.errors import Fault, Owner

if TYPE_CHECKING:
    from loadtest.backends.plan import Room
    from loadtest.backends.rest import RestClient


_OLDER: Final = re.compile(r"\d+:0\{")
"""How Engine.IO 3 opens by polling: with the packet's length."""
_UNSUPPORTED: Final = "Unsupported protocol version"


def check_backend(client: RestClient) -> None:
    """Make sure that a Prometheus Backend answers.

    :raises Fault: if nothing answers, or something else does.
    """
    way_on = "Check that --host is the Prometheus Backend's own address, without a path."
    answer = client.call("GET", contract.HEALTH_LIVE)
    if not isinstance(answer, dict):
        raise Fault(Owner.USER, f"{contract.HEALTH_LIVE} answered with something that is no JSON", way_on)
    query = f"{contract.SOCKETIO_PATH}?EIO={contract.ENGINEIO_VERSION}&transport=polling"
    opened = client.ask("GET", query)
    packet = opened.body
    if (isinstance(packet, str) and _OLDER.match(packet)) or _UNSUPPORTED in opened.message:
        raise Fault(
            Owner.USER,
            f"the server at {contract.SOCKETIO_PATH} does not speak Engine.IO {contract.ENGINEIO_VERSION}",
            "It takes a Socket.IO server of version 3 or later; one of version 2 speaks Engine.IO 3.",
        )
    if opened.status != 200 or not isinstance(packet, str) or not packet.startswith("0{"):
        raise Fault(Owner.USER, f"no Socket.IO answers at {contract.SOCKETIO_PATH}: {opened.message}", way_on)
    session = json.loads(packet[1:])["sid"]
    client.ask("POST", f"{query}&sid={session}", body=1)


def check_rooms(client: RestClient, rooms: tuple[Room, ...]) -> None:
    """Make sure that the backend takes the tokens and knows the projects.

    :raises Fault: if it does not.
    """
    room = rooms[0]
    answer = client.ask("GET", f"{contract.PROJECTS}/{room.project_id}", room.token)
    if answer.status == 401:
        raise Fault(
            Owner.USER,
            f"the backend refuses the tokens of this run with 401: {answer.message}",
            "Either --jwt-secret is not the backend's, or --database-url is not the backend's database.",
        )
    if answer.status == 404:
        raise Fault(
            Owner.USER,
            "the backend does not know the projects that were just created",
            "--database-url is not the database that this backend uses.",
        )
    if answer.status not in (200, 429):
        raise Fault(
            Owner.BACKEND,
            f"the backend answers {answer.status} for a project just created: {answer.message}",
            "Look into its log.",
        )


def check_token(token: str, now_s: float, *, may_be_opaque: bool = False) -> None:
    """Make sure that a token given by the user is one, and good for a while.

    :param may_be_opaque: whether it need not be a JWT.
    :raises Fault: if it is not.
    """
    try:
        left_s = tokens.seconds_left(token, now_s)
    except ValueError as error:
        if may_be_opaque:
            return
        raise Fault(Owner.USER, f"--token is {error}", "Give the whole token, three parts with dots.") from None
    if left_s is not None and left_s <= 0:
        raise Fault(
            Owner.USER,
            f"the token expired {-left_s:.0f} s ago",
            "Give a new one, a --token-command that gets one, or --account email:password.",
        )
