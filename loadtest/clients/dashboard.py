"""A member of a project of its own, ready to act and to hear: for tests, and for pytest-style locustfiles."""

from __future__ import annotations

import atexit
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.factory import DataFactory
from loadtest.clients.errors import EventTimeoutError
from loadtest.clients.helper import Helper

if TYPE_CHECKING:
    from loadtest.backends.endpoint import Endpoint
    from loadtest.backends.plan import Room
    from loadtest.backends.prometheus.provision import Provision
    from loadtest.backends.rest import RestClient
    from loadtest.clients.access import Access
    from loadtest.clients.client import Client

_TIMEOUT_S: Final = 5.0


class Report(Protocol):
    """Is told of each act: its kind, its name, how long it took in milliseconds, and why it failed, if it did."""

    def __call__(self, kind: str, name: str, duration_ms: float, failure: str = "") -> None:
        """See the class."""
        ...


def _nobody(kind: str, name: str, duration_ms: float, failure: str = "") -> None:
    """Tell nobody."""


class Dashboard:
    """One connected member.

    room: its project. client: its connection. helper: makes more clients.
    """

    def __init__(self, endpoint: Endpoint, rest: RestClient, room: Room, report: Report = _nobody) -> None:
        self.room = room
        self.helper = Helper(endpoint)
        self._rest = rest
        self._report = report
        self._trigger_name = endpoint.adapter.trigger_name
        self._factory = DataFactory(f"{time.time_ns():x}")
        self.client: Client = self.helper.client(room.token)
        report("WS", "connect", self.client.connect())
        report("WS", "join", self.client.join(room.project_id))

    def create_task(self, **fields: Any) -> dict[str, Any]:
        """Create a task, which makes the backend broadcast to the room; return it as the backend answers it.

        :param fields: of the REST call's body, for example `priority="high"`.
        :raises Fault: if the backend does not take it.
        """
        began_s = time.perf_counter()
        path = contract.tasks_path(self.room.project_id)
        body = self._factory.task(self.room.agent_id, **fields)
        made: dict[str, Any] = self._rest.call("POST", path, self.room.token, body)
        self._report("POST", self._trigger_name, (time.perf_counter() - began_s) * 1000)
        return made

    def hear_of_a_task(self, timeout_s: float = _TIMEOUT_S) -> float:
        """Create a task and wait until the room hears of it; milliseconds from its creation's beginning.

        :raises EventTimeoutError: if it does not.
        """
        title = self._factory.task()["title"]
        heard = self.client.expect(contract.AGENT_LOG, lambda log: title in log["message"])
        began_s = time.perf_counter()
        failure = ""
        try:
            self.create_task(title=title)
            heard.wait(timeout_s)
        except EventTimeoutError as error:
            failure = str(error)
            raise
        finally:
            took_ms = (time.perf_counter() - began_s) * 1000
            self._report("RECV", contract.AGENT_LOG, took_ms, failure)
        return took_ms

    def close(self) -> None:
        """Disconnect."""
        self.helper.close()


class Owners:
    """The users who own the projects, one for each backend; what they own goes when the process ends."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[RestClient, Provision]] = {}
        self._lock = threading.Lock()

    def room(self, endpoint: Endpoint, access: Access) -> tuple[RestClient, Room]:
        """The REST calls to a backend, and a new room there."""
        with self._lock:
            if endpoint.host not in self._known:
                rest = access.rest(endpoint)
                owner = access.provision(endpoint, rest, f"pytest-{time.time_ns():x}")
                self._known[endpoint.host] = rest, owner
                atexit.register(owner.remove)
            rest, owner = self._known[endpoint.host]
            return rest, owner.create(1)[0]
