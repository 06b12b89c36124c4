"""Fixtures for pytest: a backend, a user, projects that are gone afterwards, and a helper that makes clients.

In a conftest.py: `pytest_plugins = ["clients.fixtures"]`. The backend is named by `--backend-url`, `LOCUST_HOST`,
or Locust's own `--host`, its user by `LOCUST_TOKEN` or `LOCUST_ACCOUNT` (email:password); without one, a user
signs up. See docs/test-api.md.
"""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from backend import accounts, contract
from backend.endpoint import PARSERS, TOKEN_PLACES, TRANSPORTS, Endpoint
from backend.factory import DataFactory
from backend.rest import RestClient
from backend.rest_provision import RestProvision

from .dashboard import Dashboard, Owners
from .helper import Helper
from .reporting import report_act

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from backend.plan import Room


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the backend is, and how to speak with it."""
    group = parser.getgroup("Socket.IO backend")
    group.addoption("--backend-url", default=os.environ.get("LOCUST_HOST", ""), help="the backend under test")
    group.addoption("--backend-transport", choices=tuple(TRANSPORTS), default="websocket")
    group.addoption("--backend-parser", choices=PARSERS, default="default")
    group.addoption("--backend-token-in", choices=TOKEN_PLACES, default="auth")


def pytest_configure(config: pytest.Config) -> None:
    """Keep what `dashboard` cannot ask for: Locust hands a fixture nothing but its user."""
    _config[:] = [config]


_config: list[pytest.Config] = []
_owners = Owners()


def _endpoint(config: pytest.Config, host: str = "") -> Endpoint | None:
    given = config.getoption
    host = host or given("--backend-url") or given("--host", None) or ""
    if not host:
        return None
    more = (given(f"--backend-{name}") for name in ("transport", "parser", "token-in"))
    return Endpoint(host.rstrip("/"), *more)


@pytest.fixture(scope="session")
def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    """The backend under test; skips what needs it where none was named."""
    found = _endpoint(request.config)
    if found is None:
        pytest.skip("no backend: give --backend-url, or LOCUST_HOST")
    return found


@pytest.fixture(scope="session")
def rest(endpoint: Endpoint) -> Iterator[RestClient]:
    """Its REST calls."""
    client = RestClient(endpoint.host, ssl_context=endpoint.ssl_context())
    yield client
    client.close()


@pytest.fixture(scope="session")
def owner(rest: RestClient) -> Iterator[RestProvision]:
    """The user who owns the projects; removes them at the end."""
    token, known = _credentials()
    provision = RestProvision(rest, f"pytest-{time.time_ns():x}", token=token, accounts=known)
    yield provision
    provision.remove()


def _credentials() -> tuple[str, list[accounts.Account]]:
    given = os.environ.get
    return given("LOCUST_TOKEN", ""), accounts.parse(given("LOCUST_ACCOUNT", ""), "LOCUST_ACCOUNT")


@pytest.fixture
def room(owner: RestProvision) -> Room:
    """A new project of that user, with an agent: `room.project_id`, `room.token`, `room.agent_id`."""
    return owner.create(1)[0]


@pytest.fixture
def factory() -> DataFactory:
    """Bodies for REST calls, each unlike all others."""
    return DataFactory(f"{time.time_ns():x}")


@pytest.fixture
def helper(endpoint: Endpoint) -> Iterator[Helper]:
    """Makes clients; all of them are disconnected afterwards."""
    with Helper(endpoint) as made:
        yield made


@pytest.fixture
def create_task(rest: RestClient, room: Room, factory: DataFactory) -> Callable[[], dict[str, Any]]:
    """Creates a task in the room's project, which makes the backend broadcast its seven events."""

    def create() -> dict[str, Any]:
        path = contract.tasks_path(room.project_id)
        made: dict[str, Any] = rest.call("POST", path, room.token, factory.task(room.agent_id))
        return made

    return create


@pytest.fixture
def dashboard(user: Any = None) -> Iterator[Dashboard]:
    """A connected member of a new project: of a test, or, in a pytest-style locustfile, of each of Locust's users.

    There, each act is a request in Locust's statistics. See docs/test-api.md.
    """
    found = _endpoint(_config[0], "" if user is None else user.host or user.environment.host or "")
    if found is None:
        pytest.skip("no backend: give --backend-url, or LOCUST_HOST")
    rest, room = _owners.room(found, *_credentials())
    if user is not None:
        # Locust takes the first value and drops the generator: what comes after the yield would come at once.
        yield Dashboard(found, rest, room, partial(report_act, user.environment))
        return
    made = Dashboard(found, rest, room)
    try:
        yield made
    finally:
        made.close()
