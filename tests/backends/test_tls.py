"""Trust, against a real TLS server: WebSocket and REST take the same context."""

from __future__ import annotations

import ssl
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests
import socketio
from gevent import ssl as gevent_ssl

from loadtest.backends.endpoint import Endpoint
from loadtest.backends.plan import Plan
from loadtest.backends.rest import RestClient, UnreachableError
from loadtest.backends.tls import Trust
from loadtest.errors import Fault
from loadtest.transport.client import SocketIOClient
from loadtest.transport.resolver import Resolver
from loadtest.transport.stamped_http import stamped_session
from tests.transport.peer import Conversation, Peer

from ..tls_server import TlsServer, answer, requests_of, server_context

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.needs("openssl")


class Served:
    """A TLS server that wants a client's certificate if asked to, and remembers by which names it was called."""

    def __init__(self, keys: Path, *, wants_certificate: bool = False) -> None:
        self.names: list[str | None] = []
        self.hosts: list[str] = []
        context = gevent_ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(keys / "server.pem", keys / "server.key")
        if wants_certificate:
            context.load_verify_locations(keys / "ca.pem")
            context.verify_mode = ssl.CERT_REQUIRED
        context.sni_callback = lambda _sock, name, _context: self.names.append(name)
        self.peer = Peer(self._talk, ssl_context=context)

    def _talk(self, conversation: Conversation) -> None:
        self.hosts.append(conversation.upgrade()["Host"])
        conversation.greet()
        for _ in conversation.frames():
            pass


def connect(url: str, trust: Trust, connect_to: tuple[str, int] | None = None) -> None:
    client = SocketIOClient(
        reconnection=False, request_timeout=2, ssl_context=trust.context(), connect_to=connect_to
    )
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


def test_another_address_and_the_same_name(keys: Path) -> None:
    """As through a relay: the URL's name need not even resolve, and the certificate has to be for it."""
    served, trust = Served(keys), Trust(ca_file=str(keys / "ca.pem"))
    with served.peer as peer:
        relay = ("127.0.0.1", urlsplit(peer.url).port or 0)
        connect("https://backend.invalid:9", trust, relay)
        assert served.names == ["backend.invalid"]
        assert served.hosts == ["backend.invalid:9"]
        with pytest.raises(socketio.exceptions.ConnectionError, match="tls: hostname mismatch"):
            connect("https://other.invalid", trust, relay)
        with pytest.raises(socketio.exceptions.ConnectionError, match="unable to get local issuer"):
            connect("https://backend.invalid:9", Trust(), relay)


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
        authorities = trust.context().cert_store_stats()["x509_ca"]
        assert RestClient(url, ssl_context=trust.context()).send("GET", "/").status == HTTPStatus.NOT_IMPLEMENTED
        with pytest.raises(UnreachableError, match="certificate verify failed"):
            RestClient(url).send("GET", "/")
        # The certificate belongs to the name, whatever address the name resolves to.
        by_name = RestClient(url, ssl_context=trust.context(), resolver=Resolver())
        assert by_name.send("GET", "/").status == HTTPStatus.NOT_IMPLEMENTED
        # Long-polling goes through requests, which has ideas of its own.
        address = url.replace("localhost", "127.0.0.1")
        assert stamped_session(trust.context()).get(url).status_code == HTTPStatus.NOT_IMPLEMENTED
        for context, target in ((Trust().context(), url), (trust.context(), address), (None, url)):
            with pytest.raises(requests.exceptions.SSLError, match="certificate verify failed"):
                stamped_session(context).get(target)
        insecure = Trust(insecure=True).context()
        assert stamped_session(insecure).get(address).status_code == HTTPStatus.NOT_IMPLEMENTED
        assert insecure.verify_mode is ssl.CERT_NONE
        assert trust.context().cert_store_stats()["x509_ca"] == authorities, "requests' own are not among them"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_rest_shows_a_certificate_of_our_own(keys: Path) -> None:
    ca_file = str(keys / "ca.pem")
    own = {"client_cert": str(keys / "client.pem"), "client_key": str(keys / "client.key")}
    context = server_context((keys / "server.key", keys / "server.pem"))
    context.load_verify_locations(ca_file)
    context.verify_mode = ssl.CERT_REQUIRED

    def serve(sock: ssl.SSLSocket) -> None:
        next(requests_of(sock))
        sock.sendall(answer(str(sock.getpeercert()).encode()))

    with TlsServer(serve, context) as server:
        rest = RestClient(server.url, ssl_context=Trust(ca_file=ca_file, **own).context())
        assert "(('commonName', 'client'),)" in rest.send("GET", "/").body
        rest.close()
        # The server refuses after the client's part of the handshake: the first read says so.
        with pytest.raises(UnreachableError, match="certificate required"):
            RestClient(server.url, ssl_context=Trust(ca_file=ca_file).context()).send("GET", "/")


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
