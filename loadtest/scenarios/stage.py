"""What a scenario plays on: a backend, rooms, clients; and where it says what it found."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import gevent

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.factory import DataFactory
from loadtest.clients.answers import about
from loadtest.clients.errors import FAILURES, NoAnswerError
from loadtest.clients.network import Conditions, Network
from loadtest.scenarios import hints
from loadtest.scenarios.company import SkipError
from loadtest.scenarios.hearing import Missing, Task, is_of_work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from loadtest.backends.plan import Room
    from loadtest.backends.rest import Answer
    from loadtest.clients.client import Client
    from loadtest.scenarios.company import Company
    from loadtest.scenarios.hearing import Listener


QUIET_S: Final = 0.5
"""How long something is waited for that must not come."""
MAX_WORK_S: Final = 300.0
"""How long an agent's work on a task is waited for, at most."""
_SHOWN: Final = 100
_MOST_SHOWN: Final = 3


class Stage:
    """One play of one scenario.

    :param name: the scenario's.
    :param checks: the names of its checks that this backend is held to.
    """

    def __init__(self, name: str, checks: frozenset[str], company: Company) -> None:
        self._name = name
        self._checks = checks
        self._company = company
        self._networks: list[Network] = []
        self._projects: list[Room] = []
        self._factory = DataFactory(f"{company.random.getrandbits(32):08x}")
        self.made: set[str] = set()
        """The checks that were made."""
        self.helper = company.helper()
        self.can = company.capabilities.can
        self.cannot = company.capabilities.cannot
        self.random = company.random
        self.patience_s = company.patience_s
        self.session_s = company.session_s
        self.endpoint = company.endpoint
        self.cast = company.cast
        self.room = company.choose_room()
        self.answered = company.answered
        self.find = company.find
        self.request = company.request
        self.is_ending = company.is_ending

    def close(self) -> None:
        """Disconnect everybody, and remove what was made."""
        self.helper.close()
        for network in self._networks:
            network.close()
        for room in self._projects:
            # What stays goes with its owner, when the run's rows are removed.
            with suppress(SkipError, NoAnswerError):
                self.request("DELETE", contract.PROJECT.format(project_id=room.project_id), room.token)

    # What is found

    def check(self, check: str, wrong: str | Sequence[object], right: object, hint: str = "") -> None:
        """Report the outcome of a check; checks that do not apply to this backend are left out.

        What is wrong is the verdict and its evidence in one, so that the two cannot contradict each other.

        :param wrong: what is wrong, in a few words, or everything that should not be; empty if the check passes.
        :param right: what was seen if nothing is wrong.
        :param hint: the remedy if it failed; by default the one in `hints`.
        """
        if isinstance(wrong, bool):
            raise TypeError(f"{check}: expected what is wrong, as a text or a list, got {wrong}")
        if check not in self._checks:
            return
        self.made.add(check)
        passed = not wrong
        if passed:
            said = str(right)
        elif isinstance(wrong, str):
            said = wrong
        else:
            shown = ", ".join(str(one)[:_SHOWN] for one in wrong[:_MOST_SHOWN])
            said = f"{len(wrong)}, and none should be: {shown}"
        hint = "" if passed else hint or hints.of_check(self._name, check)
        self._company.check(self._name, check, passed, said, hint)

    def skip(self, check: str, why: str) -> None:
        """Report that a check could not be made; the others go on.

        :param why: what was not there.
        """
        if check in self._checks:
            self.made.add(check)
            self._company.check(self._name, check, None, why)

    def holds(self, check: str) -> bool:
        """Whether this backend is held to a check."""
        return check in self._checks

    def wait_until(self, condition: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait for a condition; whether it came true in time.

        :param timeout_s: as patient as the stage is by default.
        """
        deadline_s = time.monotonic() + (self.patience_s if timeout_s is None else timeout_s)
        while not condition():
            if time.monotonic() > deadline_s:
                return False
            gevent.sleep(0.01)
        return True

    def hears_of(self, client: Client, *tasks: Task) -> bool:
        """Wait until a client has heard of the end of all these tasks; whether it did in time."""
        return not self.missing([client], tasks)

    def missing(self, clients: Sequence[Listener], tasks: Sequence[Task]) -> str:
        """Wait until all clients have heard of the end of all tasks; says who did not in time, or nothing.

        An agent may work for minutes: as long as it does, nobody has missed its end.

        :raises SkipError: if an agent is still at work when the run ends, or after `MAX_WORK_S`.
        """
        missing = Missing(clients, tasks)
        began_s = time.monotonic()
        works = True
        while not self.wait_until(missing.nothing) and works:
            working = [task for task in missing.tasks() if self._is_at_work(task, clients)]
            worked_s = time.monotonic() - began_s
            if working and (self.is_ending() or worked_s > MAX_WORK_S):
                raise SkipError(f"after {worked_s:.0f} s agents were still at work on {len(working)} tasks")
            # Where the work has just ended, its end is given the usual time once more.
            works = bool(working)
        return str(missing)

    def _is_at_work(self, task: Task, clients: Sequence[Listener]) -> bool:
        """Whether a task has not ended, by REST; where that does not say, whether agents work there at all."""
        path = f"{contract.tasks_path(task.project_id)}/{task.task_id}"
        with suppress(SkipError, NoAnswerError):
            if status := self.request("GET", path, task.room.token).value("status"):
                return status in (contract.PENDING, contract.IN_PROGRESS)
        return any(is_of_work(one, task) for client in clients for one in client.heard)

    def pause(self) -> None:
        """Let come what may still be on its way, or must not come at all."""
        gevent.sleep(QUIET_S)

    def forget(self, client: Client) -> None:
        """The same, and forget all that a client heard."""
        self.pause()
        client.heard.clear()

    def overload(self) -> AbstractContextManager[None]:
        """While it lasts, more is asked for at once than any backend serves in time.

        What comes meanwhile counts. How long it took is judged apart, as the phase `overload` of the run.
        """
        return self._company.overload(self._name)

    def serves(self, client: Client) -> str:
        """Why a client's join is not answered, whatever is answered to other things meanwhile; empty if it is."""
        project_id = self.project()
        joined = client.expect(contract.JOINED, about(client.adapter, project_id))
        try:
            return outcome(partial(client.emit, contract.JOIN, project_id)) or outcome(
                partial(joined.wait, self.patience_s)
            )
        finally:
            client.inbox.forget(joined)

    # Who takes part

    def project(self, room: int | None = None) -> str:
        """The id of a room's project; of the stage's own by default."""
        return self._company.rooms[self.room if room is None else room].project_id

    def token(self, room: int | None = None) -> str:
        """The token of a room's owner."""
        return self._company.token(self.room if room is None else room)

    def token_that_ends(self, after_s: float, before_s: float) -> tuple[str, float] | None:
        """Return a token of the first room's owner that ends in that time from now, and when it ends.

        :returns: the first that does, with seconds since the epoch; None if there is none.
        """
        now_s = time.time()
        endings = sorted(self.cast.expiring, key=lambda one: one[1])
        return next((one for one in endings if now_s + after_s <= one[1] <= now_s + before_s), None)

    def owner(self, room: int | None = None, **options: Any) -> Client:
        """A client of a room's owner, not connected yet; see `Helper.client`."""
        return self.helper.client(lambda: self.token(room), **options)

    def member(self, room: int | None = None, **options: Any) -> Client:
        """A connected client that is in a room, and hears its broadcasts.

        :raises ConnectFailedError, JoinRefusedError, EventTimeoutError: if it does not get there.
        """
        return self.enter(self.owner(room, **options), self.project(room))

    def members(self, number: int, **options: Any) -> list[Client]:
        """So many of them in the stage's room, who came at the same time."""
        clients = [self.owner(**options) for _ in range(number)]
        self.helper.wait_for_connections(clients)
        for client in clients:
            client.listen(contract.TASK_STATUS_UPDATE, contract.AGENT_LOG)
        self.helper.join(clients, self.project())
        return clients

    def enter(self, client: Client, project_id: str) -> Client:
        """Let a client connect, if it is not yet, and join a room, and hear its broadcasts."""
        if not client.connected:
            client.connect()
        client.listen(contract.TASK_STATUS_UPDATE, contract.AGENT_LOG)
        client.join(project_id)
        return client

    def outsiders(self) -> list[Client]:
        """Connected clients outside the stage's room: a member of another one, if any, and one of no room."""
        nowhere = self.owner(measured=False)
        nowhere.connect()
        nowhere.listen(contract.TASK_STATUS_UPDATE, contract.AGENT_LOG)
        elsewhere = [self.member(self.other_room())] if len(self._company.rooms) > 1 else []
        return [*elsewhere, nowhere]

    def own_rooms(self, number: int) -> list[int]:
        """So many rooms of one owner, the stage's room first.

        :raises SkipError: if the owner has not got so many.
        """
        owner = self._company.rooms[self.room].owner
        found = [index for index, room in enumerate(self._company.rooms) if room.owner == owner]
        if len(found) < number:
            raise SkipError(
                f"its user owns {len(found)} rooms, and {number} are needed: --rooms-per-owner, --rooms"
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

    def foreign(self) -> Room:
        """A room of somebody who owns none of the run's.

        :raises SkipError: if there is none.
        """
        if self.cast.foreign is None:
            raise SkipError("all rooms belong to one user: --database-url, or --accounts-file with two")
        return self.cast.foreign

    def private_room(self) -> Room:
        """A room that nobody else is in, with a project made for it; gone after the play.

        :raises SkipError: if the backend does not make one.
        """
        owner = self._company.rooms[self.room]
        token = self.token()
        made_id = self._make(contract.PROJECTS, token, self._factory.project())
        room = replace(owner, project_id=made_id, token=token)
        self._projects.append(room)
        return room

    def network(self, conditions: Conditions) -> Network:
        """A bad network before the backend, over TLS as well."""
        self._networks.append(Network(self.endpoint, conditions, self.random))
        return self._networks[-1]

    # What happens

    def create_task(self, room: int | None = None) -> Task:
        """Have the backend broadcast a task's burst to a room, the stage's own by default.

        :raises SkipError: if it refuses.
        """
        return self._company.create_task(self.room if room is None else room)

    def task_in(self, room: Room, *, agent: bool = True, **fields: Any) -> Task:
        """Have it broadcast to a room that is none of the run's.

        :param fields: of the task, by the names of the REST call.
        :raises SkipError: if it refuses.
        """
        body = self._factory.task(room.agent_id if agent else "", **fields)
        made_id = self._make(contract.tasks_path(room.project_id), room.token, body)
        return Task(made_id, body["title"], room, by_agent=agent)

    def try_task(self, room: Room, **fields: Any) -> Answer:
        """Ask for a task that need not be made; return the answer.

        :raises SkipError: if the call is throttled.
        """
        return self.request("POST", contract.tasks_path(room.project_id), room.token, self._factory.task(**fields))

    def _make(self, path: str, token: str, body: Any) -> str:
        """Have REST make something; its id."""
        answer = self.request("POST", path, token, body)
        made_id = answer.value("id")
        said = f"POST {path} was answered with {answer.status}: {answer.message}"
        if 300 <= answer.status < 500:
            raise SkipError(said)
        if answer.status >= 500 or not made_id:
            raise NoAnswerError(said)
        return made_id


def outcome(act: Callable[[], object]) -> str:
    """Why something did not work; empty if it did."""
    try:
        act()
    except FAILURES as error:
        return str(error) or type(error).__name__
    return ""
