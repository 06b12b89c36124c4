"""Gets a run its rooms: projects with owners, agents and tokens; and removes them when the run is over."""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Protocol

from faults import Fault, Owner

from . import contract, tokens
from .plan import Room
from .rows import LLM_CONFIG, PERSONALITY, Rows

if TYPE_CHECKING:
    from .rest import RestClient

_TOKEN_LIFETIME_S = 7 * 86_400


class Provision(Protocol):
    """A way to make rooms."""

    def create(self, count: int) -> tuple[Room, ...]:
        """Make rooms; all of them, or a fault and none."""
        ...

    def remove(self) -> None:
        """Remove what was made."""
        ...


class SqlProvision:
    """Makes rows in the backend's database and mints tokens with the backend's secret."""

    def __init__(
        self, database_url: str, jwt_secret: str, run_id: str, *, tasks_each: int = 0, keep: bool = False
    ) -> None:
        self._rows = Rows(database_url, run_id, keep=keep)
        self._secret = jwt_secret
        self._tasks_each = tasks_each

    def create(self, count: int) -> tuple[Room, ...]:
        """Sweep what cut-off runs left, then make rooms, each with an owner of its own."""
        self._rows.sweep()
        now_s = int(time.time())
        rooms = []
        for owned in self._rows.create_rooms(count, self._tasks_each):
            token = tokens.mint(self._secret, owned.user_id, owned.email, now_s, _TOKEN_LIFETIME_S)
            rooms.append(Room(owned.project_id, owned.agent_id, token))
        return tuple(rooms)

    def remove(self) -> None:
        """Remove this run's rows, unless they shall be kept."""
        try:
            self._rows.remove()
        finally:
            self._rows.close()


class RestProvision:
    """Makes projects and one agent through REST, as one user: a given one, or one that signs up.

    The backend has no call to delete a user, so a user that signed up stays.
    """

    def __init__(
        self, client: RestClient, run_id: str, *, token: str = "", account: str = "", keep: bool = False
    ) -> None:
        self._client = client
        self._run_id = run_id
        self._token = token
        self._account = account
        self._keep = keep
        self._made: list[str] = []

    def create(self, count: int) -> tuple[Room, ...]:
        """Make rooms that all belong to one user."""
        try:
            self._token = self._token or self._log_in()
            agent = {
                "name": "Load test",
                "role": "load tester",
                "personalityMatrix": json.loads(PERSONALITY),
                "llmConfig": json.loads(LLM_CONFIG),
            }
            agent_id = self._make(contract.AGENTS, agent)
            return tuple(
                Room(
                    self._make(contract.PROJECTS, {"name": f"lt-{self._run_id} project"}),
                    agent_id,
                    self._token,
                )
                for _ in range(count)
            )
        except Fault as fault:
            try:
                self.remove()
            except Fault as second:
                raise Fault(
                    fault.owner, f"{fault.what}; and what was made stays: {second.what}", fault.way_on
                ) from fault
            raise

    def remove(self) -> None:
        """Delete the projects and the agent, unless they shall be kept."""
        made, self._made = self._made, []
        if self._keep:
            return
        for path in reversed(made):
            self._client.call("DELETE", path, self._token)

    def _make(self, path: str, body: dict[str, object]) -> str:
        made_id = str(self._client.call("POST", path, self._token, body)["id"])
        self._made.append(f"{path}/{made_id}")
        return made_id

    def _log_in(self) -> str:
        if self._account:
            email, _, password = self._account.partition(":")
            path = contract.LOGIN
        else:
            email = f"lt-{self._run_id}@loadtest.invalid"
            password = f"Aa1@{secrets.token_hex(12)}"
            path = contract.SIGNUP
        return str(self._client.call("POST", path, body={"email": email, "password": password})["token"])


def check_backend(client: RestClient) -> None:
    """Make sure that a Prometheus Backend answers.

    :raises Fault: if nothing answers, or something else does.
    """
    way_on = "Check that --host is the Prometheus Backend's own address, without a path."
    answer = client.call("GET", contract.HEALTH_LIVE)
    if not isinstance(answer, dict):
        raise Fault(Owner.USER, f"{contract.HEALTH_LIVE} answered with something that is no JSON", way_on)
    query = f"{contract.SOCKETIO_PATH}?EIO={contract.ENGINEIO_VERSION}&transport=polling"
    opened = client.send("GET", query)
    packet = opened.body
    if opened.status != 200 or not isinstance(packet, str) or not packet.startswith("0{"):
        raise Fault(Owner.USER, f"no Socket.IO answers at {contract.SOCKETIO_PATH}: {opened.message}", way_on)
    session = json.loads(packet[1:])["sid"]
    client.send("POST", f"{query}&sid={session}", body=1)


def check_rooms(client: RestClient, rooms: tuple[Room, ...]) -> None:
    """Make sure that the backend takes the tokens and knows the projects.

    :raises Fault: if it does not.
    """
    room = rooms[0]
    answer = client.send("GET", f"{contract.PROJECTS}/{room.project_id}", room.token)
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


def check_token(token: str, now_s: float) -> None:
    """Make sure that a token given by the user is one, and good for a while.

    :raises Fault: if it is not.
    """
    try:
        left_s = tokens.seconds_left(token, now_s)
    except ValueError as error:
        raise Fault(Owner.USER, f"--token is {error}", "Give the whole token, three parts with dots.") from None
    if left_s is not None and left_s <= 0:
        raise Fault(
            Owner.USER,
            f"--token expired {-left_s:.0f} s ago",
            "Log in again for a new one, or give --account email:password.",
        )
