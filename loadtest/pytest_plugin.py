"""The pytest plugin: a backend, a user, projects that are gone afterwards, and a helper that makes clients.

pytest loads it by the entry point of an installed package; in a checkout: `pytest -p loadtest.pytest_plugin`. The
backend is named by `--backend-url`, `LOCUST_HOST`, or Locust's own `--host`. Data is made by SQL where
`LOCUST_DATABASE_URL` and `LOCUST_JWT_SECRET` are given; else through REST, as the user of `LOCUST_TOKEN` or
`LOCUST_ACCOUNT` (email:password), or as one that signs up. See docs/test-api.md.

It is loaded by every pytest of its environment, whatever that tests: it imports what it needs when a fixture is
asked for. And it decides how Locust is imported, before anybody else does: see `monkey_patching`.
"""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from loadtest import monkey_patching
from loadtest.backends.presentation import PARSERS, TOKEN_PLACES, TRANSPORTS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    import psycopg

    from loadtest.backends.endpoint import Endpoint
    from loadtest.backends.plan import Room
    from loadtest.backends.prometheus.factory import DataFactory
    from loadtest.backends.prometheus.provision import Provision
    from loadtest.backends.rest import RestClient
    from loadtest.clients.access import Access
    from loadtest.clients.dashboard import Dashboard, Owners
    from loadtest.clients.helper import Helper


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the backend is, and how to speak with it."""
    group = parser.getgroup("Socket.IO backend")
    given = os.environ.get
    group.addoption("--backend-url", default=given("LOCUST_HOST", ""), help="the backend under test")
    group.addoption("--backend-transport", choices=tuple(TRANSPORTS), default="websocket")
    group.addoption("--backend-parser", choices=PARSERS, default="default")
    group.addoption("--backend-token-in", choices=TOKEN_PLACES, default="auth")
    group.addoption(
        "--backend-ca-file",
        default=given("LOCUST_CA_FILE", ""),
        help="who signs the backend's certificate (PEM); default: the system's authorities",
    )
    group.addoption(
        "--backend-database-url",
        default=given("LOCUST_DATABASE_URL", ""),
        help="the backend's PostgreSQL, for making data by SQL and for `database`; LOCUST_JWT_SECRET or "
        "LOCUST_JWT_KEY_FILE is needed with it",
    )
    group.addoption(
        "--backend-source-addresses",
        default=given("LOCUST_SOURCE_ADDRESSES", ""),
        help="local addresses, separated by commas, that REST calls leave from in turn when the backend throttles",
    )
    group.addoption(
        "--debug-clients", type=int, default=0, help="log all packets of the first N clients of each helper"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Import Locust before a conftest.py can, where a backend is named."""
    if _host(early_config.known_args_namespace):
        monkey_patching.import_locust_unpatched()


def pytest_configure(config: pytest.Config) -> None:
    """Keep what `dashboard` cannot ask for: Locust hands a fixture nothing but its user."""
    _config[:] = [config]
    if _host(config.option):
        try:
            monkey_patching.refuse_if_too_late()
        except RuntimeError as error:
            raise pytest.UsageError(str(error)) from error


_config: list[pytest.Config] = []
_owners: list[Owners] = []


def _host(options: argparse.Namespace) -> str:
    return options.backend_url or getattr(options, "host", None) or ""


def _endpoint(config: pytest.Config, host: str = "") -> Endpoint | None:
    from loadtest.backends.endpoint import Endpoint
    from loadtest.backends.tls import Trust

    given = config.getoption
    host = host or _host(config.option)
    if not host:
        return None
    transport, parser, token_in = (given(f"--backend-{name}") for name in ("transport", "parser", "token-in"))
    return Endpoint(host.rstrip("/"), transport, parser, token_in, Trust(ca_file=given("--backend-ca-file")))


def _access(config: pytest.Config) -> Access:
    from loadtest.backends import accounts, tokens
    from loadtest.clients.access import Access

    given = os.environ.get
    database_url: str = config.getoption("--backend-database-url")
    key_file, secret = given("LOCUST_JWT_KEY_FILE", ""), given("LOCUST_JWT_SECRET", "")
    mint = tokens.Mint.of_key_file(key_file) if key_file else tokens.Mint(secret) if secret else None
    if database_url and mint is None:
        raise pytest.UsageError(
            "--backend-database-url was given without the backend's key: set LOCUST_JWT_SECRET or "
            "LOCUST_JWT_KEY_FILE, so that tokens for the new users can be minted"
        )
    addresses = config.getoption("--backend-source-addresses").split(",")
    return Access(
        database_url,
        mint,
        given("LOCUST_TOKEN", ""),
        accounts.parse(given("LOCUST_ACCOUNT", ""), "LOCUST_ACCOUNT"),
        [address.strip() for address in addresses if address.strip()],
    )


@pytest.fixture(scope="session")
def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    """The backend under test; skips what needs it where none was named."""
    found = _endpoint(request.config)
    if found is None:
        pytest.skip("no backend: give --backend-url, or LOCUST_HOST")
    return found


@pytest.fixture(scope="session")
def access(request: pytest.FixtureRequest) -> Access:
    """How the tests get in: by SQL or through REST, as whom, and from which addresses."""
    return _access(request.config)


@pytest.fixture(scope="session")
def rest(endpoint: Endpoint, access: Access) -> Iterator[RestClient]:
    """Its REST calls."""
    client = access.rest(endpoint)
    yield client
    client.close()


@pytest.fixture(scope="session")
def owner(endpoint: Endpoint, access: Access, rest: RestClient) -> Iterator[Provision]:
    """What makes the tests' projects and their owners; removes them at the end."""
    provision = access.provision(endpoint, rest, f"pytest-{time.time_ns():x}")
    yield provision
    provision.remove()


@pytest.fixture
def room(owner: Provision) -> Room:
    """A new project with an agent: `room.project_id`, `room.token`, `room.agent_id`.

    By SQL, its owner is new, too. Through REST, all projects have the one user of the tests.
    """
    return owner.create(1)[0]


@pytest.fixture
def foreign_room(owner: Provision, room: Room) -> Room:  # noqa: ARG001 - the other's room comes first
    """A new project of somebody who does not own `room`; skips the test where nobody else can be made."""
    found = owner.foreign()
    if found is None:
        pytest.skip("no second user: give --backend-database-url, or leave out LOCUST_TOKEN and LOCUST_ACCOUNT")
    return found


@pytest.fixture
def database(access: Access) -> Iterator[psycopg.Connection[Any]]:
    """The backend's database, in a transaction that is rolled back after the test.

    It sees what the backend commits while the test runs. The backend does not see what the test writes here.
    """
    if not access.database_url:
        pytest.skip("no database: give --backend-database-url, or LOCUST_DATABASE_URL")
    from loadtest.backends.prometheus import rows

    with rows.connect(access.database_url) as connection, connection.transaction(force_rollback=True):
        yield connection


@pytest.fixture
def factory() -> DataFactory:
    """Bodies for REST calls, each unlike all others."""
    from loadtest.backends.prometheus.factory import DataFactory

    return DataFactory(f"{time.time_ns():x}")


@pytest.fixture
def helper(endpoint: Endpoint, pytestconfig: pytest.Config) -> Iterator[Helper]:
    """Makes clients; all of them are disconnected afterwards."""
    from loadtest.clients.debug_clients import ANYBODY, DebugClients
    from loadtest.clients.helper import Helper

    debug = DebugClients({ANYBODY: pytestconfig.getoption("--debug-clients")})
    with Helper(endpoint, packet_log=partial(debug.log_for, "client")) as made:
        yield made


@pytest.fixture
def create_task(rest: RestClient, room: Room, factory: DataFactory) -> Callable[..., dict[str, Any]]:
    """Creates a task in the room's project, which makes the backend broadcast its seven events.

    Takes fields of the REST call, for example `create_task(priority="high")`; `agent_id=""` for no agent.
    """

    from loadtest.backends.prometheus import contract

    def create(agent_id: str = room.agent_id, **fields: Any) -> dict[str, Any]:
        path = contract.tasks_path(room.project_id)
        made: dict[str, Any] = rest.call("POST", path, room.token, factory.task(agent_id, **fields))
        return made

    return create


@pytest.fixture
def dashboard(user: Any = None) -> Iterator[Dashboard]:
    """A connected member of a new project: of a test, or, in a pytest-style locustfile, of each of Locust's users.

    There, each act is a request in Locust's statistics. See docs/test-api.md.
    """
    from loadtest.clients.dashboard import Dashboard, Owners
    from loadtest.clients.reporting import report_act

    found = _endpoint(_config[0], "" if user is None else user.host or user.environment.host or "")
    if found is None:
        pytest.skip("no backend: give --backend-url, or LOCUST_HOST")
    if not _owners:
        _owners.append(Owners())
    rest, room = _owners[0].room(found, _access(_config[0]))
    if user is not None:
        # Locust takes the first value and drops the generator: what comes after the yield would come at once.
        yield Dashboard(found, rest, room, partial(report_act, user.environment))
        return
    made = Dashboard(found, rest, room)
    try:
        yield made
    finally:
        made.close()
