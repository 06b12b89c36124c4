"""REST calls and their faults, against real servers."""

from __future__ import annotations

import itertools
import socket
import time
from typing import TYPE_CHECKING

import pytest

from loadtest.backends import tokens
from loadtest.backends.accounts import Account
from loadtest.backends.plan import Room
from loadtest.backends.prometheus import contract, preflight
from loadtest.backends.prometheus.rest_provision import RestProvision
from loadtest.backends.prometheus.rows import Rows
from loadtest.backends.rest import Answer, RestClient, ThrottledFault, UnreachableError
from loadtest.errors import Fault, Owner

from ..support import SECRET, start_backend
from ..web_server import web_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtest.backends.prometheus.rows import OwnedRoom

    from ..support import Backend


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def teapot() -> Iterator[str]:
    """A web server that is no Prometheus Backend."""
    with web_server(lambda *_: (200, b"hello")) as url:
        yield url


def test_refused_connection() -> None:
    with pytest.raises(Fault, match="connection refused") as fault:
        RestClient("http://127.0.0.1:1").call("GET", "/")
    assert fault.value.owner is Owner.NETWORK


def test_wrong_host() -> None:
    with pytest.raises(Fault, match=r"cannot reach the backend at http://no-such-host\.invalid"):
        RestClient("http://no-such-host.invalid").call("GET", "/")


def test_no_answer(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.backends.rest._TIMEOUT_S", 0.2)
    with pytest.raises(UnreachableError, match="timed out"):
        RestClient(silent).send("GET", "/")


def test_another_server(teapot: str) -> None:
    with pytest.raises(Fault, match="no JSON"):
        preflight.check_backend(RestClient(teapot))


def test_a_backend_is_recognised(backend: Backend) -> None:
    preflight.check_backend(RestClient(backend.url))


def test_source_address(documented: Backend) -> None:
    client = RestClient(documented.url, source_address="127.0.0.77")
    assert client.send("GET", contract.HEALTH_LIVE).status == 200


def test_a_source_address_that_is_not_ours(documented: Backend) -> None:
    with pytest.raises(UnreachableError, match="cannot assign requested address"):
        RestClient(documented.url, source_address="192.0.2.1").send("GET", contract.HEALTH_LIVE)


def test_retry_after_is_the_longest_that_is_named() -> None:
    headers = {"Retry-After-auth": "900", "retry-after": "30"}
    assert Answer(429, headers, "").retry_after_s == 900
    assert Answer(429, {}, "").retry_after_s == contract.THROTTLE_WINDOW_S


def test_wrong_secret(backend: Backend, room: OwnedRoom) -> None:
    token = tokens.Mint("z" * 32).token(room.user_id, room.email, 0, 2**32)
    with pytest.raises(Fault, match="--jwt-secret is not the backend's"):
        preflight.check_rooms(RestClient(backend.url), (Room(room.project_id, room.agent_id, token),))


def test_another_backend_s_database(backend: Backend, room: OwnedRoom) -> None:
    token = backend.token(room)
    unknown = Room("00000000-0000-4000-8000-000000000000", room.agent_id, token)
    with pytest.raises(Fault, match="not the database that this backend uses"):
        preflight.check_rooms(RestClient(backend.url), (unknown,))


@pytest.mark.parametrize(
    ("token", "said"), [("garbage", "not a JWT"), (tokens.Mint(SECRET).token("i", "e", 0, 1), "expired")]
)
def test_bad_given_token(token: str, said: str) -> None:
    with pytest.raises(Fault, match=said):
        preflight.check_token(token, 1000.0)


def test_a_token_that_need_not_be_a_jwt() -> None:
    preflight.check_token("garbage", 1000.0, may_be_opaque=True)
    with pytest.raises(Fault, match="expired"):
        preflight.check_token(tokens.Mint(SECRET).token("i", "e", 0, 1), 1000.0, may_be_opaque=True)


# Making data through REST


def test_rest_provision_by_signing_up(backend: Backend) -> None:
    made = RestProvision(RestClient(backend.url), "rest-1")
    rooms = made.create(2)
    preflight.check_rooms(RestClient(backend.url), rooms)
    ids = [room.project_id for room in rooms]
    assert len(backend.sql("SELECT 1 FROM projects WHERE id::text = ANY(%s)", [ids])) == 2
    foreign = made.foreign()
    assert foreign is not None
    assert foreign.owner != rooms[0].owner
    made.remove()
    assert backend.sql("SELECT 1 FROM projects WHERE id::text = ANY(%s)", [ids]) == []
    owners = [rooms[0].owner, foreign.owner]
    assert backend.sql('SELECT 1 FROM agents WHERE "userId"::text = ANY(%s)', [owners]) == []
    emails = backend.sql("SELECT email FROM users WHERE id::text = ANY(%s)", [owners])
    assert sorted(made.users_left()) == sorted(email for (email,) in emails)
    with Rows(backend.database_url, "after-rest") as rows:
        rows.sweep()
    left = backend.sql("SELECT 1 FROM users WHERE email LIKE %s", ["lt-rest-1-%"])
    assert len(left) == 2, "a user that signed up belongs to no run that could be over"
    backend.sql("DELETE FROM users WHERE email LIKE %s", ["lt-rest-1-%"])


def test_rest_provision_by_account_and_by_token(documented: Backend) -> None:
    client = RestClient(documented.url)
    account = {"email": "given@example.org", "password": "Aa1@aaaa"}
    token = client.call("POST", contract.SIGNUP, body=account)["token"]
    accounts = [Account(**account)]
    for made in (
        RestProvision(client, "rest-2", accounts=accounts),
        RestProvision(client, "rest-2", token=token),
    ):
        (room,) = made.create(1)
        assert room.owner == tokens.user_id_of(token)
        assert made.foreign() is None, "there is nobody else"
        made.remove()
        assert made.users_left() == ()
    assert documented.sql("SELECT 1 FROM projects WHERE name LIKE %s", ["lt-rest-2%"]) == []


def test_rest_provision_by_several_accounts(documented: Backend) -> None:
    client = RestClient(documented.url)
    accounts = [Account(f"account-{number}@example.org", "Aa1@aaaa") for number in range(3)]
    for account in accounts:
        client.call("POST", contract.SIGNUP, body=account.body)
    made = RestProvision(client, "rest-5", accounts=accounts, rooms_each=2)
    rooms = made.create(4)
    owners = [room.owner for room in rooms]
    assert owners[0] == owners[1] != owners[2] == owners[3]
    foreign = made.foreign()
    assert foreign is not None
    assert foreign.owner not in owners
    time.sleep(1.1)  # what is given in the same second is the same
    fresh = made.refresh()
    assert len(fresh) == 4
    assert not set(fresh) & {room.token for room in rooms}
    assert [tokens.user_id_of(token) for token in fresh] == owners
    made.remove()
    assert documented.sql("SELECT 1 FROM projects WHERE name LIKE %s", ["lt-rest-5%"]) == []


def test_what_cannot_be_deleted_keeps_nothing_else_from_it() -> None:
    """Of five projects with an agent each, the backend cannot delete one, and another is already gone."""
    deleted: list[str] = []

    def answer(method: str, path: str) -> tuple[int, bytes]:
        if method == "POST":
            number = next(numbers)
            return 201, b'{"id": "%d", "token": "t"}' % number
        deleted.append(path)
        return {"4": 500, "5": 404}.get(path[-1], 200), b'{"message": "oh"}'

    numbers = itertools.count()
    with web_server(answer) as url:
        made = RestProvision(RestClient(url), "rest-6")
        made.create(5)
        with pytest.raises(
            Fault, match=r"1 of 10 projects and agents stay \(/v1/projects/4\): .*500: oh"
        ) as fault:
            made.remove()
        assert fault.value.owner is Owner.BACKEND
        assert len(deleted) == 10
        with pytest.raises(Fault, match="1 of 1 projects and agents stay"):
            made.remove()
    assert deleted[10:] == ["/v1/projects/4"], "what is gone is not asked for again"
    (email,) = made.users_left()
    assert email.endswith("@loadtest.invalid")


def test_a_backend_that_is_gone_is_not_asked_for_each() -> None:
    with web_server(lambda *_: (201, b'{"id": "x", "token": "t"}')) as url:
        made = RestProvision(RestClient(url), "rest-7")
        made.create(2)
    with pytest.raises(Fault, match="4 of 4 projects and agents stay") as fault:
        made.remove()
    assert fault.value.owner is Owner.NETWORK


def test_a_sign_up_that_is_refused_leaves_nobody() -> None:
    with web_server(lambda *_: (409, b'{"message": "duplicate"}')) as url:
        made = RestProvision(RestClient(url), "rest-8")
        with pytest.raises(Fault, match="409"):
            made.create(1)
    assert made.users_left() == ()
    with pytest.raises(Fault):
        RestProvision(RestClient("http://127.0.0.1:1"), "rest-9").create(1)


def test_wrong_password(documented: Backend) -> None:
    made = RestProvision(RestClient(documented.url), "rest-3", accounts=[Account("nobody@example.org", "x")])
    with pytest.raises(Fault, match="401"):
        made.create(1)


def test_a_throttle_stops_the_making_and_what_was_made_is_removed() -> None:
    backend = start_backend("as-built")
    try:
        made = RestProvision(RestClient(backend.url), "rest-4")
        with pytest.raises(ThrottledFault, match="429") as fault:
            made.create(6)
        assert fault.value.retry_after_s == 900
        assert "--database-url" in str(fault.value)
        # Five projects were made; DELETE has a budget of its own.
        assert backend.sql("SELECT count(*) FROM projects")[0][0] == 0
    finally:
        backend.stop()


@pytest.mark.parametrize(
    ("status", "opened"),
    [
        (200, b'97:0{"sid":"x","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":5000}2:40'),
        (400, b'{"code":5,"message":"Unsupported protocol version"}'),
    ],
)
def test_an_older_engine_io_is_named(status: int, opened: bytes) -> None:
    def answer(_method: str, path: str) -> tuple[int, bytes]:
        return (status, opened) if path.startswith(contract.SOCKETIO_PATH) else (200, b'{"status":"ok"}')

    with web_server(answer) as url, pytest.raises(Fault, match="does not speak Engine.IO 4"):
        preflight.check_backend(RestClient(url))


@pytest.mark.parametrize("body", [b'{"data": {"id": "x", "token": "x"}}', b"<html>welcome</html>", b"[]"])
def test_an_answer_without_what_it_has_to_have_is_the_backend_s_fault(body: bytes) -> None:
    with web_server(lambda *_: (201, body)) as url:
        client = RestClient(url)
        for made, path, name in (
            (RestProvision(client, "rest-5", token="t"), contract.AGENTS, "id"),
            (RestProvision(client, "rest-5"), contract.SIGNUP, "token"),
        ):
            with pytest.raises(Fault) as fault:
                made.create(1)
            assert fault.value.owner is Owner.BACKEND
            assert str(fault.value).startswith(f"POST {url}{path} was answered with 201, without {name!r}")


def test_a_backend_that_goes_away_while_it_is_checked_is_one_line() -> None:
    with pytest.raises(Fault, match="cannot reach the backend at http://127.0.0.1:1: connection refused"):
        preflight.check_rooms(RestClient("http://127.0.0.1:1"), (Room("p", "a", "t"),))
