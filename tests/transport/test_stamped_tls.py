"""HTTP over TLS with the kernel's timestamps, against real servers, and beside urllib3's own TLS."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import struct
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import urllib3

from loadtest.transport import stamped_http
from loadtest.transport.receive_clock import KERNEL, SO_TIMESTAMPNS, USER_SPACE, receive_clock
from loadtest.transport.stamped_http import TlsConnection, pools, stamp_of, stamped_session
from loadtest.transport.stamped_sockets import StampingTls

from ..tls_server import TlsServer, answer, relay, requests_of, server_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.needs("openssl"),
    pytest.mark.skipif(receive_clock() != KERNEL, reason="the kernel gives no receive timestamps"),
]

PAUSE_S: Final = 0.1
LATE_S: Final = 0.5
NEAR_NS: Final = 200_000_000


@pytest.fixture(scope="session")
def context(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return server_context(certificate)


@pytest.fixture(scope="module", autouse=True)
def stamping_kernel() -> Iterator[None]:
    """Hold a socket that wants timestamps, as in a run: the kernel begins a moment after the first one asks."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asks:
        asks.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        receive_clock.__wrapped__()
        yield


@pytest.fixture
def cert(certificate: tuple[Path, Path]) -> str:
    return str(certificate[1])


def stamped_pool(**options: Any) -> urllib3.PoolManager:
    pool = urllib3.PoolManager(retries=False, timeout=5, **options)
    pool.pool_classes_by_scheme = pools(None)
    return pool


class Parts:
    """Answers a request by a head and 40 KB in three parts, each in records of its own, and notes when."""

    BODY: Final = b"x" * 40_000

    def __init__(self) -> None:
        self.sent_ns: list[int] = []

    def __call__(self, sock: Any) -> None:
        whole = answer(self.BODY)
        next(requests_of(sock))
        for part in (whole[:200], whole[200:20_000], whole[20_000:]):
            time.sleep(PAUSE_S)
            self.sent_ns.append(time.time_ns())
            sock.sendall(part)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_stamp_is_of_the_last_bytes(certificate: tuple[Path, Path], cert: str, version: ssl.TLSVersion) -> None:
    """With TLS 1.3, session tickets come before the answer; they carry nothing of it."""
    parts, own = Parts(), server_context(certificate)
    own.minimum_version = own.maximum_version = version
    with TlsServer(parts, own) as server, stamped_pool(ca_certs=cert) as pool:
        response = pool.request("GET", server.url, preload_content=False)
        time.sleep(LATE_S)
        assert response.read() == Parts.BODY
        stamp = stamp_of(response)
        assert stamp is not None
        assert stamp.by_kernel
        assert 0 <= stamp.received_ns - parts.sent_ns[-1] < NEAR_NS
        assert 3 * PAUSE_S <= stamp.took_ns / 1e9 < LATE_S


def test_a_stamp_is_of_the_answer_and_not_of_the_good_bye(context: ssl.SSLContext, cert: str) -> None:
    sent_ns: list[int] = []

    def say_good_bye_late(sock: Any) -> None:
        next(requests_of(sock))
        sent_ns.append(time.time_ns())
        sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end")
        time.sleep(LATE_S)
        sock.unwrap()

    with TlsServer(say_good_bye_late, context) as server, stamped_pool(ca_certs=cert) as pool:
        response = pool.request("GET", server.url)
        stamp = stamp_of(response)
        assert stamp is not None
        assert response.data == b"until the end"
        assert stamp.by_kernel
        assert 0 <= stamp.received_ns - sent_ns[0] < NEAR_NS


def test_a_connection_is_used_again(context: ssl.SSLContext, cert: str) -> None:
    def serve(sock: Any) -> None:
        for _ in requests_of(sock):
            sock.sendall(answer(b"one"))

    with TlsServer(serve, context) as server, stamped_pool(ca_certs=cert) as pool:
        stamps = [stamp_of(pool.request("GET", server.url)) for _ in range(5)]
        assert server.connections == 1
        assert all(stamp is not None and stamp.by_kernel for stamp in stamps)
        times_ns = [stamp.received_ns for stamp in stamps if stamp is not None]
        assert sorted(set(times_ns)) == times_ns


def test_a_connection_whose_end_came_with_the_answer_is_not(context: ssl.SSLContext, cert: str) -> None:
    """The good-bye is taken from the socket together with the answer, and the socket itself stays open."""

    def serve(sock: Any) -> None:
        requests = requests_of(sock)
        next(requests)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        sock.sendall(answer(b"one"))
        sock.settimeout(PAUSE_S / 10)
        with pytest.raises(TimeoutError):
            sock.unwrap()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        time.sleep(LATE_S)

    with TlsServer(serve, context) as server, stamped_pool(ca_certs=cert) as pool:
        assert [pool.request("GET", server.url).data for _ in range(2)] == [b"one", b"one"]
        assert server.connections == 2


def test_an_answer_before_a_reset_is_read(context: ssl.SSLContext, cert: str) -> None:
    def serve(sock: Any) -> None:
        next(requests_of(sock))
        sock.sendall(answer(b"one"))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with TlsServer(serve, context) as server:
        connection = TlsConnection("localhost", server.port, ca_certs=cert, timeout=5)
        connection.request("GET", "/")
        time.sleep(PAUSE_S)
        assert connection.getresponse().data == b"one"
        connection.close()


# Beside urllib3's own


def outcome(pool: urllib3.PoolManager, url: str) -> str:
    """What a request says, without the places in OpenSSL and in memory."""
    try:
        with pool:
            return repr(pool.request("GET", url, timeout=urllib3.Timeout(connect=2, read=0.3)).data)
    except urllib3.exceptions.HTTPError as error:
        causes: list[BaseException] = [error]
        while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
            causes.append(cause)
        said = " < ".join(f"{type(cause).__name__}: {cause}" for cause in causes)
        said = re.sub(r"\(_ssl\.c:\d+\)|_ssl\.c:\d+: | at 0x\w+|port=\d+", "", said)
        said = said.replace("_TlsPool", "HTTPSConnectionPool").replace("TlsConnection", "HTTPSConnection")
        return re.sub("[Tt]he (read|handshake) operation timed out", "timed out", said)


def one_answer(sock: Any) -> None:
    """Say which name and protocol the client has asked for."""
    next(requests_of(sock))
    sock.sendall(answer(f"{sock.context.names[-1]} {sock.selected_alpn_protocol()} {sock.version()}".encode()))


def stay_silent(sock: Any) -> None:
    next(requests_of(sock))
    time.sleep(LATE_S)


def close_at_once(sock: Any) -> None:
    next(requests_of(sock))


class NamedContext(ssl.SSLContext):
    """Remembers the names that clients ask for."""

    names: list[str | None]


@pytest.fixture(scope="session")
def named(certificate: tuple[Path, Path]) -> NamedContext:
    own = NamedContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate[1], certificate[0])
    own.set_alpn_protocols(["http/1.1"])
    own.names = []
    own.sni_callback = lambda _sock, name, _context: own.names.append(name)
    return own


def fingerprint(cert: str) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(Path(cert).read_text())).hexdigest()


def trusting(cert: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=cert)


CHOICES: Final[dict[str, tuple[Callable[[str], dict[str, Any]], str]]] = {
    "the system's authorities": (lambda _: {}, "CERTIFICATE_VERIFY_FAILED"),
    "an authority": (lambda cert: {"ca_certs": cert}, "b'localhost http/1.1 TLSv1.3'"),
    "a context": (lambda cert: {"ssl_context": trusting(cert)}, "b'localhost http/1.1 TLSv1.3'"),
    "a context that does not know it": (
        lambda _: {"ssl_context": ssl.create_default_context()},
        "CERTIFICATE_VERIFY_FAILED",
    ),
    "no check": (lambda _: {"cert_reqs": "CERT_NONE"}, "b'localhost http/1.1 TLSv1.3'"),
    "a fingerprint": (
        lambda cert: {"cert_reqs": "CERT_NONE", "assert_fingerprint": fingerprint(cert)},
        "b'localhost http/1.1 TLSv1.3'",
    ),
    "another fingerprint": (
        lambda _: {"cert_reqs": "CERT_NONE", "assert_fingerprint": "00" * 32},
        "Fingerprints did not match",
    ),
    "a name": (lambda cert: {"ca_certs": cert, "assert_hostname": "localhost"}, "b'localhost http/1.1"),
    "another name": (lambda cert: {"ca_certs": cert, "assert_hostname": "other"}, "doesn't match 'localhost'"),
    "another name to ask for": (lambda cert: {"ca_certs": cert, "server_hostname": "other"}, "Hostname mismatch"),
    "an older version": (
        lambda cert: {"ca_certs": cert, "ssl_maximum_version": ssl.TLSVersion.TLSv1_2},
        "b'localhost http/1.1 TLSv1.2'",
    ),
}


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("choice", CHOICES)
def test_trust_is_as_ever(named: NamedContext, cert: str, choice: str) -> None:
    options, expected = CHOICES[choice]
    with TlsServer(one_answer, named) as server:
        theirs = outcome(urllib3.PoolManager(retries=False, **options(cert)), server.url)
        ours = outcome(stamped_pool(**options(cert)), server.url)
        assert expected in theirs
        assert ours == theirs
    told, again = server.errors[::2], server.errors[1::2]
    # The server is told why, too.
    assert again == told


def test_a_certificate_that_the_system_trusts(
    named: NamedContext, cert: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", cert)
    with TlsServer(one_answer, named) as server:
        assert outcome(stamped_pool(), server.url) == "b'localhost http/1.1 TLSv1.3'"


def test_a_name_that_is_not_in_the_certificate(named: NamedContext, cert: str) -> None:
    with TlsServer(one_answer, named) as server:
        url = server.url.replace("localhost", "127.0.0.1")
        theirs = outcome(urllib3.PoolManager(retries=False, ca_certs=cert), url)
        assert "IP address mismatch" in theirs
        assert outcome(stamped_pool(ca_certs=cert), url) == theirs


@pytest.mark.parametrize(
    ("script", "expected"), [(stay_silent, "ReadTimeoutError"), (close_at_once, "RemoteDisconnected")]
)
def test_no_answer_is_the_same_error(
    context: ssl.SSLContext, cert: str, script: Callable[[Any], None], expected: str
) -> None:
    with TlsServer(script, context) as server:
        theirs = outcome(urllib3.PoolManager(retries=False, ca_certs=cert), server.url)
        assert expected in theirs
        assert outcome(stamped_pool(ca_certs=cert), server.url) == theirs


def hang_up(sock: Any) -> None:
    sock.recv(64 * 1024)


def reset(sock: Any) -> None:
    sock.recv(64 * 1024)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def speak_plain(sock: Any) -> None:
    sock.recv(64 * 1024)
    sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def say_nothing(sock: Any) -> None:
    sock.recv(64 * 1024)
    time.sleep(2.5)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (hang_up, "EOF occurred in violation of protocol"),
        (reset, "Connection reset by peer"),
        (speak_plain, "RECORD_LAYER_FAILURE|WRONG_VERSION_NUMBER|wrong version number"),
        (say_nothing, "timed out"),
    ],
)
def test_a_handshake_that_fails_is_the_same_error(script: Callable[[Any], None], expected: str) -> None:
    with TlsServer(script, None) as server:
        url = server.url.replace("http", "https")
        theirs = outcome(urllib3.PoolManager(retries=False), url)
        assert re.search(expected, theirs)
        assert outcome(stamped_pool(), url) == theirs


def test_a_socket_is_closed_when_the_handshake_fails() -> None:
    """At once, and not when the error is forgotten."""
    closed = threading.Event()

    def wait_for_the_end(sock: Any) -> None:
        speak_plain(sock)
        with suppress(ConnectionResetError):
            while sock.recv(64 * 1024):
                pass
        closed.set()

    with TlsServer(wait_for_the_end, None) as server:
        sock = socket.create_connection(("127.0.0.1", server.port))
        with pytest.raises(ssl.SSLError) as failed:
            StampingTls(sock, ssl.create_default_context(), "localhost")
        assert closed.wait(5)
        assert failed.tb is not None


def connect_proxy(sock: Any) -> None:
    """Make a tunnel to whatever is asked for."""
    head = next(requests_of(sock)).decode()
    _, target, _ = head.split(" ", 2)
    host, _, port = target.partition(":")
    with socket.create_connection((host, int(port))) as behind:
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        relay(sock, behind)


@pytest.mark.parametrize("over_tls", [False, True])
def test_through_a_proxy(
    context: ssl.SSLContext, named: NamedContext, cert: str, monkeypatch: pytest.MonkeyPatch, over_tls: bool
) -> None:
    """By CONNECT; where that is asked for over TLS too, the time is the process's."""
    monkeypatch.setenv("no_proxy", "")
    proxy_context = context if over_tls else None
    with (
        TlsServer(one_answer, named) as server,
        TlsServer(connect_proxy, proxy_context) as proxy,
        stamped_session() as session,
    ):
        response = session.get(server.url, proxies={"https": proxy.url}, verify=cert, timeout=5)
        assert response.text == "localhost http/1.1 TLSv1.3"
        assert proxy.connections == 1
        stamp = stamp_of(response.raw)
        assert stamp is not None
        assert stamp.by_kernel is not over_tls


def test_without_timestamps_tls_is_as_urllib3_makes_it(
    named: NamedContext, cert: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamped_http, "receive_clock", lambda: USER_SPACE)
    with TlsServer(one_answer, named) as server:
        connection = TlsConnection("localhost", server.port, ca_certs=cert, timeout=5)
        connection.request("GET", "/")
        assert isinstance(connection.sock, ssl.SSLSocket)
        response = connection.getresponse()
        assert response.data == b"localhost http/1.1 TLSv1.3"
        stamp = stamp_of(response)
        assert stamp is not None
        assert not stamp.by_kernel
        connection.close()
