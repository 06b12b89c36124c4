"""Trust, against a real TLS server: WebSocket and REST take the same context."""

from __future__ import annotations

import ssl
import subprocess
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
import socketio
from gevent import ssl as gevent_ssl

from backend.endpoint import Endpoint
from backend.plan import Plan
from backend.rest import RestClient, UnreachableError
from backend.tls import Trust
from faults import Fault
from tests.transport.peer import Conversation, Peer
from transport.client import SocketIOClient

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.needs("openssl")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and what it has signed: a server's certificate for localhost, and a client's."""
    folder = tmp_path_factory.mktemp("keys")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl(*new, "-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    (folder / "names").write_text("subjectAltName=DNS:localhost")
    for name in ("server", "client"):
        openssl(*new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl(
            *("x509", "-req", "-days", "2", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key"),
            *("-CAcreateserial", "-extfile", "names", "-out", f"{name}.pem"),
        )
    return folder


class Served:
    """A TLS server that wants a client's certificate if asked to, and remembers the names it was called by."""

    def __init__(self, keys: Path, *, wants_certificate: bool = False) -> None:
        self.names: list[str | None] = []
        context = gevent_ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(keys / "server.pem", keys / "server.key")
        if wants_certificate:
            context.load_verify_locations(keys / "ca.pem")
            context.verify_mode = ssl.CERT_REQUIRED
        context.sni_callback = lambda _sock, name, _context: self.names.append(name)
        self.peer = Peer(self._talk, ssl_context=context)

    @staticmethod
    def _talk(conversation: Conversation) -> None:
        conversation.open()
        for _ in conversation.frames():
            pass


def connect(url: str, trust: Trust) -> None:
    client = SocketIOClient(reconnection=False, request_timeout=2, ssl_context=trust.context())
    try:
        client.connect(url, transports=["websocket"], wait_timeout=5)
        assert client.connected
        client.emit("hello")
    finally:
        client.shutdown()


def test_an_authority_of_our_own(keys: Path) -> None:
    served = Served(keys)
    with served.peer as peer:
        connect(peer.url, Trust(ca_file=str(keys / "ca.pem")))
        with pytest.raises(socketio.exceptions.ConnectionError, match="unable to get local issuer"):
            connect(peer.url, Trust())
    assert served.names[0] == "localhost"


def test_a_name_that_is_not_in_the_certificate(keys: Path) -> None:
    with Served(keys).peer as peer:
        address = peer.url.replace("localhost", "127.0.0.1")
        with pytest.raises(socketio.exceptions.ConnectionError, match="tls: ip address mismatch"):
            connect(address, Trust(ca_file=str(keys / "ca.pem")))
        connect(address, Trust(insecure=True))


def test_a_certificate_of_our_own(keys: Path) -> None:
    ca_file = str(keys / "ca.pem")
    with Served(keys, wants_certificate=True).peer as peer:
        connect(
            peer.url,
            Trust(ca_file=ca_file, client_cert=str(keys / "client.pem"), client_key=str(keys / "client.key")),
        )
        with pytest.raises(socketio.exceptions.ConnectionError, match="certificate required"):
            connect(peer.url, Trust(ca_file=ca_file))


def test_rest_has_the_same_trust(keys: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys / "server.pem", keys / "server.key")
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"https://localhost:{server.server_port}"
        trust = Trust(ca_file=str(keys / "ca.pem"))
        assert RestClient(url, ssl_context=trust.context()).send("GET", "/").status == HTTPStatus.NOT_IMPLEMENTED
        with pytest.raises(UnreachableError, match="certificate verify failed"):
            RestClient(url).send("GET", "/")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("field", ["ca_file", "client_cert"])
def test_a_file_that_is_not_there_names_its_option(field: str) -> None:
    with pytest.raises(Fault, match=r"'nowhere\.pem' cannot be used: No such file.*--ca-file"):
        Trust(**{field: "nowhere.pem"}).context()


def test_a_plan_carries_its_trust() -> None:
    plan = Plan("r", "0" * 8, Endpoint("https://x", trust=Trust(insecure=True)), (), 1.0, 1)
    again = Plan.from_message(plan.to_message())
    assert again == plan
    assert again.endpoint.ssl_context() is plan.endpoint.ssl_context()
    assert Endpoint("http://x").ssl_context() is None
