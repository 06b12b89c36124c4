"""A company for tests: a real backend, rooms in its database, and a list for what is found."""

from __future__ import annotations

import time
from contextlib import nullcontext
from random import Random
from typing import TYPE_CHECKING, Any

from loadtest.backends import tokens
from loadtest.backends.plan import Cast, Room
from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.factory import DataFactory
from loadtest.backends.rest import RestClient
from loadtest.clients.helper import Helper
from loadtest.scenarios.company import SkipError
from loadtest.scenarios.hearing import Task

from ..support import SECRET

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from loadtest.backends.endpoint import Endpoint
    from loadtest.backends.prometheus.rows import OwnedRoom, Rows
    from loadtest.backends.rest import Answer
    from loadtest.scenarios.capabilities import Capabilities

MINT = tokens.Mint(SECRET)


def room_of(owned: OwnedRoom) -> Room:
    token = MINT.token(owned.user_id, owned.email, int(time.time()), 3600)
    return Room(owned.project_id, owned.agent_id, token, owned.user_id)


def cast_of(mine: Room, foreign: Room | None) -> Cast:
    now_s = int(time.time())
    return Cast(
        foreign,
        tokens.bad_tokens(mine.token, MINT, now_s),
        tokens.without_id(mine.token, MINT),
        expiring=((tokens.expiring(mine.token, MINT, now_s + 3), float(now_s + 3)),),
    )


class Found:
    """A company; `found` is (scenario, check) -> (passed, evidence), `times` the questions that were answered."""

    def __init__(
        self,
        endpoint: Endpoint,
        rows: Rows,
        capabilities: Capabilities,
        *,
        patience_s: float = 5.0,
        session_s: float = 12.0,
    ) -> None:
        self.endpoint = endpoint
        owned = rows.create_rooms(5, rooms_each=4)
        self.rooms = [room_of(one) for one in owned[:4]]
        self.cast = cast_of(self.rooms[0], room_of(owned[4]))
        self.capabilities = capabilities
        self.random = Random(1)
        self.patience_s = patience_s
        self.session_s = session_s
        self.found: dict[tuple[str, str], tuple[bool | None, str]] = {}
        self.hints: dict[tuple[str, str], str] = {}
        self.times: list[str] = []
        self.overloads: list[str] = []
        self.findings: dict[str, str] = {}
        self._rest = RestClient(endpoint.host, ssl_context=endpoint.ssl_context())
        self._factory = DataFactory("test")

    def close(self) -> None:
        self._rest.close()

    def helper(self) -> Helper:
        return Helper(self.endpoint, patience_s=self.patience_s)

    def token(self, room: int) -> str:
        return self.rooms[room].token

    def choose_room(self) -> int:
        return 0

    def create_task(self, room: int) -> Task:
        where = self.rooms[room]
        body = self._factory.task(where.agent_id)
        answer = self.request("POST", contract.tasks_path(where.project_id), where.token, body)
        if answer.status != 201:
            raise SkipError(f"{answer.status}")
        return Task(str(answer.body["id"]), body["title"], where)

    def request(self, method: str, path: str, token: str | None = None, body: Any = None) -> Answer:
        return self._rest.send(method, path, token, body)

    def is_ending(self) -> bool:
        return False

    def overload(self, scenario: str) -> AbstractContextManager[None]:
        self.overloads.append(scenario)
        return nullcontext()

    def answered(self, question: str, took_ms: float) -> None:
        assert took_ms > 0
        self.times.append(question)

    def find(self, name: str, evidence: str) -> None:
        self.findings[name] = evidence

    def check(self, scenario: str, check: str, passed: bool | None, evidence: str, hint: str = "") -> None:
        assert (scenario, check) not in self.found, "a check is made once in a play"
        self.found[scenario, check] = (passed, evidence)
        self.hints[scenario, check] = hint
