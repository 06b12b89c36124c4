"""What a scenario plays on: a backend, rooms, clients; and where it says what it found."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import gevent

from backend import contract
from clients.client import ConnectFailedError, JoinRefusedError
from clients.inbox import EventTimeoutError
from clients.network import Conditions, Network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from random import Random

    from backend.endpoint import Endpoint
    from backend.plan import Room
    from backend.rest import Answer
    from clients.client import Client
    from clients.helper import Helper

    from .capabilities import Capabilities

PATIENCE_S: Final = 5.0
"""How long an event is waited for that has to come."""
QUIET_S: Final = 0.5
"""How long one is waited for that must not come."""


class SkipError(Exception):
    """Something that the scenario needs is not there; the message says what."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task that was created; its title comes back in the first log."""

    task_id: str
    title: str
    room: int


class Company(Protocol):
    """What a load's user, or a test, gives to its scenarios."""

    endpoint: Endpoint
    rooms: Sequence[Room]
    foreign: Room | None
    bad_tokens: Mapping[str, str]
    without_id: str
    capabilities: Capabilities
    random: Random

    def helper(self) -> Helper:
        """What makes clients, for one play."""
        ...

    def token(self, room: int) -> str:
        """The token of a room's owner that is good now."""
        ...

    def choose_room(self) -> int:
        """The room to play in, by the run's topology."""
        ...

    def create_task(self, room: int, *, agent: bool) -> Task:
        """Have the backend broadcast.

        :raises SkipError: if it refuses.
        """
        ...

    def request(self, method: str, path: str, token: str | None, body: Any = None) -> Answer:
        """A REST call."""
        ...

    def answered(self, question: str, took_ms: float) -> None:
        """A time to be kept."""
        ...

    def check(self, scenario: str, check: str, passed: bool | None, evidence: str) -> None:
        """A check was made, or, None, could not be."""
        ...


class Stage:
    """One play of one scenario.

    :param name: the scenario's.
    :param checks: the names of its checks that this backend is held to.
    """

    def __init__(self, name: str, checks: frozenset[str], company: Company) -> None:
        self._name = name
        self._checks = checks
        self._company = company
        self.helper = company.helper()
        self.can = company.capabilities.can
        self.random = company.random
        self.foreign = company.foreign
        self.bad_tokens = company.bad_tokens
        self.without_id = company.without_id
        self.endpoint = company.endpoint
        self.room = company.choose_room()
        self.answered = company.answered
        self.request = company.request

    # What is found

    def holds(self, check: str) -> bool:
        """Whether this backend is held to a check."""
        return check in self._checks

    def check(self, check: str, passed: bool, evidence: object = "") -> None:
        """Say how a check came out; one that this backend is not held to is left out."""
        if self.holds(check):
            self._company.check(self._name, check, passed, str(evidence))

    @contextmanager
    def checking(self, check: str) -> Iterator[None]:
        """A check that fails if the backend refuses, is silent, or does what it should not; passes otherwise."""
        try:
            yield
        except (ConnectFailedError, JoinRefusedError, EventTimeoutError, AssertionError) as error:
            self.check(check, False, f"{error}")
        else:
            self.check(check, True)

    # Who takes part

    def project(self, room: int | None = None) -> str:
        """The id of a room's project; of the stage's own by default."""
        return self._company.rooms[self.room if room is None else room].project_id

    def token(self, room: int | None = None) -> str:
        """The token of a room's owner."""
        return self._company.token(self.room if room is None else room)

    def owner(self, room: int | None = None, **options: Any) -> Client:
        """A client of a room's owner, not connected yet; see `Helper.client`."""
        return self.helper.client(lambda: self.token(room), **options)

    def member(self, room: int | None = None, **options: Any) -> Client:
        """A connected client that is in a room, and hears its broadcasts.

        :raises ConnectFailedError, JoinRefusedError, EventTimeoutError: if it does not get there.
        """
        client = self.owner(room, **options)
        client.connect()
        client.listen(contract.TASK_STATUS_UPDATE, contract.AGENT_LOG)
        client.join(self.project(room))
        return client

    def own_rooms(self, number: int) -> list[int]:
        """So many rooms of one owner, the stage's room among them.

        :raises SkipError: if the owner has not got so many.
        """
        owner = self._company.rooms[self.room].owner
        found = [index for index, room in enumerate(self._company.rooms) if room.owner == owner]
        if len(found) < number:
            raise SkipError(
                f"its user owns {len(found)} rooms, and {number} are needed: --rooms-per-user, --rooms"
            )
        found.sort(key=lambda index: (index - self.room) % len(self._company.rooms))
        return found[:number]

    def other_room(self) -> int:
        """A room that is not the stage's.

        :raises SkipError: if there is none.
        """
        if len(self._company.rooms) < 2:
            raise SkipError("there is one room only: --rooms")
        return (self.room + 1) % len(self._company.rooms)

    def network(self, conditions: Conditions) -> Network:
        """A bad network before the backend.

        :raises SkipError: if the backend is spoken to by TLS.
        """
        if not self.endpoint.host.startswith("http:"):
            raise SkipError("the simulated network does not speak TLS")
        return Network(self.endpoint, conditions, self.random)

    # What happens

    def create_task(self, room: int | None = None, *, agent: bool = True) -> Task:
        """Have the backend broadcast a task's burst to a room, the stage's own by default.

        :raises SkipError: if it refuses.
        """
        return self._company.create_task(self.room if room is None else room, agent=agent)

    def patch_task(self, task: Task, status: str) -> Answer:
        """Set a task's status by REST."""
        path = f"{contract.tasks_path(self.project(task.room))}/{task.task_id}"
        return self.request("PATCH", path, self.token(task.room), {"status": status})


def wait_until(condition: Callable[[], bool], timeout_s: float = PATIENCE_S) -> bool:
    """Wait for a condition; whether it came true in time."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        gevent.sleep(0.01)
    return True


def statuses_of(client: Client, task: Task) -> list[str]:
    """The statuses of a task that a client heard of, in order."""
    updates = (heard.data for heard in client.heard if heard.event == contract.TASK_STATUS_UPDATE)
    return [str(data.get("newStatus")) for data in updates if _of(data, "taskId", task.task_id)]


def logs_of(client: Client, task: Task) -> list[str]:
    """The logs that a client heard in which a task's title stands."""
    logs = (heard.data for heard in client.heard if heard.event == contract.AGENT_LOG)
    return [
        str(data["message"]) for data in logs if isinstance(data, dict) and task.title in str(data.get("message"))
    ]


def is_over(client: Client, task: Task) -> bool:
    """Whether a client heard of a task's end."""
    return contract.FAILED in statuses_of(client, task) or contract.COMPLETED in statuses_of(client, task)


def heard_of(client: Client, task: Task) -> bool:
    """Whether a client heard anything of a task."""
    return bool(statuses_of(client, task) or logs_of(client, task))


def _of(data: Any, field: str, value: str) -> bool:
    return isinstance(data, dict) and data.get(field) == value
