"""The bad network before a backend behind TLS: its clients speak with that backend, and no other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from random import Random
from typing import TYPE_CHECKING

import pytest
from gevent import socket
from gevent.server import StreamServer

from loadtest.backends.endpoint import TRANSPORTS, Endpoint
from loadtest.clients.errors import ConnectFailedError
from loadtest.clients.helper import Helper
from loadtest.clients.network import Conditions, Network

from ..support import ROOT
from ..tls_front import tls_front

LATENCY_S = 0.05

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loadtest.backends.prometheus.rows import OwnedRoom

    from ..support import Backend


@pytest.fixture
def backend(documented: Backend) -> Backend:
    return documented


@pytest.fixture(scope="module")
def front(documented: Backend, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The documented build behind nginx, which serves `localhost` only, by handshake and by Host header."""
    with tls_front(documented.url, keys, tmp_path_factory.mktemp("nginx")) as url:
        yield url


@pytest.mark.slow
@pytest.mark.needs("openssl")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_tls_goes_through(front: str, keys: Path, backend: Backend, room: OwnedRoom, transport: str) -> None:
    command = [sys.executable, "-m", "tests.clients.through_network", front, str(keys / "ca.pem")]
    command += [backend.token(room), room.project_id, transport, str(LATENCY_S)]
    found = json.loads(subprocess.check_output(command, cwd=ROOT, timeout=60))
    assert found.pop("rejoin_ms") >= 2 * LATENCY_S * 1000
    assert found.pop("broken") >= 2
    for name, said in {
        "another authority": "unable to get local issuer",
        "another name": "unrecognized[ _]name",
    }.items():
        why, asked = found.pop(name)
        assert re.search(said, why, re.IGNORECASE), why
        assert asked > 0, "it was asked through the network"
    assert found == {
        "came while stalled": False,
        "cut ends it": True,
        "back after cut": True,
        "reset ends it": True,
        "back after reset": True,
    }


def test_a_proxy_is_behind_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the backend is reached by a proxy only, the relay stands before the proxy."""
    heads: list[bytes] = []

    def refuse(connection: socket.socket, _address: object) -> None:
        heads.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    proxy = StreamServer(("127.0.0.1", 0), refuse)
    proxy.start()
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.server_port}")
    endpoint = Endpoint("https://backend.invalid")
    with Network(endpoint, Conditions(), Random(1)) as network, Helper(network.endpoint) as helper:
        with pytest.raises(ConnectFailedError, match="proxy: HTTP 403"):
            helper.client(None).connect()
        assert network.counts["connections"] == 1
    proxy.stop()
    assert heads[0].startswith(b"CONNECT backend.invalid:443 HTTP/1.1\r\n")
