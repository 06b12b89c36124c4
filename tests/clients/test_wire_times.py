"""Times of connects, joins, triggers and round trips are the wire's, not the loop's, while our event loop is busy.

A backend in its own process answers at once. Our loop is blocked for a while at a time, so no answer is read when
it comes. A time that ended when Python ran would be at least that long.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import gevent
import pytest
from gevent import monkey

from loadtest.backends.endpoint import Endpoint
from loadtest.backends.prometheus import contract
from loadtest.clients.client import Client
from loadtest.clients.helper import Helper
from loadtest.transport.receive_clock import KERNEL, receive_clock
from loadtest.transport.stamped_http import stamped_session
from loadtest.transport.tcp_info import connect_ns

from ..contract.broadcasts import create_task
from ..support import ROOT
from ..tls_server import server_context, tls_in_front

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loadtest.backends.prometheus.rows import OwnedRoom

    from ..support import Backend

pytestmark = [
    pytest.mark.calm,
    pytest.mark.skipif(receive_clock() != KERNEL, reason="the kernel gives no receive timestamps"),
]
documented = pytest.mark.parametrize("backend", ["documented"], indirect=True)

BUSY_S: Final = 0.2
BUSY_MS: Final = BUSY_S * 1000
TRIES: Final = 5

_sleep: Final = monkey.get_original("time", "sleep")


@contextmanager
def busy_loop() -> Iterator[None]:
    """Keep the loop busy, except for one turn at a time."""

    def be_busy() -> None:
        while True:
            _sleep(BUSY_S)
            gevent.sleep(0.001)

    busy = gevent.spawn(be_busy)
    try:
        yield
    finally:
        busy.kill()


@documented
def test_connects_joins_and_round_trips(backend: Backend, room: OwnedRoom) -> None:
    told: dict[str, Any] = {}

    class Told(_Quiet):
        def connected(self, started_ns: int, now_ns: int, phases_ns: Any) -> None:
            told["connect"] = (now_ns - started_ns, dict(phases_ns))

        def joined(self, project_id: str, started_ns: int, now_ns: int) -> None:
            told["join"] = now_ns - started_ns

    client = Client(Endpoint(backend.url), backend.token(room), watcher=Told())
    try:
        with busy_loop():
            connect_ms = client.connect()
            join_ms = client.join(room.project_id)
            ping_ms = client.ping()
        whole_ns, phases_ns = told["connect"]
        assert whole_ns / 1e6 > BUSY_MS, "the loop was busy meanwhile"
        assert 0 < connect_ms == sum(phases_ns.values()) / 1e6 < BUSY_MS
        assert list(phases_ns) == ["tcp", "upgrade", "open", "socketio"]
        assert 0 < join_ms == told["join"] / 1e6 < BUSY_MS
        assert 0 < ping_ms < BUSY_MS
    finally:
        client.disconnect()


@documented
@pytest.mark.parametrize("transport", ["polling", "upgrade"])
def test_by_http(backend: Backend, room: OwnedRoom, transport: str) -> None:
    """Long-polling and triggers, by requests and urllib3, which block unless they are patched."""
    found = measured(backend.url, backend.token(room), room.project_id, transport)
    if transport == "polling":
        assert found["phases"] == ["tcp", "open", "socketio"]
        assert found["coalesced"] > 1, "a burst that was polled at once"


@documented
@pytest.mark.needs("openssl")
@pytest.mark.parametrize("transport", ["polling", "upgrade"])
def test_by_https(
    backend: Backend,
    room: OwnedRoom,
    transport: str,
    certificate: tuple[Path, Path],
) -> None:
    """The same over TLS: the handshake's answers are late by the loop's time, but not what is timed."""
    ca_file = str(certificate[1])
    with tls_in_front(urlsplit(backend.url).port or 0, server_context(certificate)) as url:
        found = measured(url, backend.token(room), room.project_id, transport, ca_file)
    if transport == "polling":
        assert found["phases"] == ["tcp", "open", "socketio"]


def measured(*arguments: str) -> dict[str, Any]:
    """Measure in a process whose loop is busy; fail if the times include the loop's."""
    command = [sys.executable, "-m", "tests.clients.busy_polling", *arguments]
    found: dict[str, Any] = {}
    for _ in range(TRIES):
        found = json.loads(subprocess.check_output(command, cwd=ROOT, timeout=60))
        # An answer may come just when the loop gets its turn, and the backend may be kept from running, too.
        is_told_apart = found["late_ms"] > BUSY_MS / 4
        if is_told_apart and all(0 < took_ms < BUSY_MS for took_ms in found["times_ms"].values()):
            break
    else:
        pytest.fail(f"the times are the loop's: {found}")
    assert found["whole_ms"] > 2 * BUSY_MS, "the loop was busy meanwhile"
    assert found["delay_ms"] >= found["late_ms"]
    return found


class _Quiet:
    """A watcher that ignores every call."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


@documented
def test_a_broadcast(backend: Backend, room: OwnedRoom) -> None:
    with Helper(Endpoint(backend.url)) as helper:
        clients = helper.create(2, backend.token(room))
        helper.wait_for_connections(clients)
        helper.join(clients, room.project_id)
        pool = gevent.get_hub().threadpool

        def trigger() -> None:
            # In its own thread, so that the loop does not delay this one.
            pool.spawn(create_task, backend, room, "heard")

        with busy_loop():
            result = helper.test_broadcast(trigger, contract.TASK_STATUS_UPDATE, clients)
    assert result.complete
    assert 0 < max(result.received_ms.values()) < BUSY_MS


@documented
def test_a_session_reads_what_the_plain_one_does(backend: Backend) -> None:
    """Bodies with a length, in chunks, and empty; connections that stay open and that are closed."""
    with stamped_session() as session:
        for path in ("/v1/health/live", "/v1/health/info", "/nowhere", "/v1/health/live"):
            response = session.get(backend.url + path, timeout=5)
            assert response.status_code == (404 if path == "/nowhere" else 200)
            assert response.raw.stamp.by_kernel
            assert response.raw.stamp.took_ns > 0
        response = session.get(backend.url + "/v1/health/live", headers={"Connection": "close"}, timeout=5)
        assert response.json()["status"] == "ok"


def test_a_connect_ends_when_the_kernel_had_the_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as sock:
        assert 0 < connect_ns(sock, 10**9) < 10**9
        assert connect_ns(sock, 1) == 1
