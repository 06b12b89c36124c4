"""The connection's life on the event-driven transport, against a server that does what it is told."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import resource
import socket
import ssl
import struct
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
import pytest
import socketio
from gevent.event import AsyncResult, Event
from wsproto.frame_protocol import Opcode

from transport.channel import MAX_QUEUED_BYTES, SendQueueFullError
from transport.client import SocketIOClient
from transport.engine import EngineIOClient
from transport.receive_clock import ANCILLARY_BYTES, SO_TIMESTAMPNS, stamped_ns
from transport.shared import shared

from .peer import Conversation, Peer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAIT_S = 10.0


def stay(conversation: Conversation) -> None:
    for _ in conversation.frames():
        pass


def opened(then: Callable[[Conversation], None] = stay, **timing: int) -> Callable[[Conversation], None]:
    """Open, wait until the client asks for it, and go on."""

    def script(conversation: Conversation) -> None:
        conversation.open(**timing)
        assert next(conversation.frames()) == '42["begin"]'
        then(conversation)

    return script


def until(happens: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not happens():
        assert time.monotonic() < deadline_s
        gevent.sleep(0.005)


@pytest.fixture
def client() -> Iterator[SocketIOClient]:
    made = SocketIOClient(reconnection=False, request_timeout=1)
    yield made
    made.shutdown()


def connect(client: SocketIOClient, url: str) -> None:
    client.connect(url, transports=["websocket"], wait_timeout=5)
    client.emit("begin")


# A connect that fails says why


def fails_with(client: SocketIOClient, url: str) -> str:
    with pytest.raises(socketio.exceptions.ConnectionError) as failure:
        connect(client, url)
    assert client.eio.state == "disconnected"
    return str(failure.value)


def test_refused(client: SocketIOClient) -> None:
    assert fails_with(client, "http://127.0.0.1:1") == "tcp: connection refused"


def test_no_such_name(client: SocketIOClient) -> None:
    assert "resolve: no address for no-such-host.invalid" in fails_with(client, "http://no-such-host.invalid")


def answering(data: bytes) -> Callable[[Conversation], None]:
    def script(conversation: Conversation) -> None:
        conversation.sock.recv(4096)
        conversation.sock.sendall(data)
        conversation.sock.close()

    return script


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b'HTTP/1.1 400 Bad Request\r\nContent-Length: 16\r\n\r\n{"message":"no"}', "upgrade: HTTP 400: no"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>", "upgrade: HTTP 502: <html>"),
        (b"SSH-2.0-OpenSSH\r\n", "upgrade: the answer is no HTTP"),
        (b"", "upgrade: the connection was closed before it answered"),
    ],
)
def test_no_upgrade(client: SocketIOClient, answer: bytes, said: str) -> None:
    with Peer(answering(answer)) as peer:
        assert fails_with(client, peer.url) == said


def test_a_wrong_accept(client: SocketIOClient) -> None:
    with Peer(lambda conversation: conversation.upgrade(accept=b"wrong")) as peer:
        assert "Sec-WebSocket-Accept is wrong" in fails_with(client, peer.url)


def deaf(conversation: Conversation) -> None:
    while conversation.sock.recv(65536):
        pass


def test_a_server_that_never_answers(client: SocketIOClient) -> None:
    with Peer(deaf) as peer:
        assert fails_with(client, peer.url) == "upgrade: timed out"


def upgraded(then: Callable[[Conversation], None]) -> Callable[[Conversation], None]:
    def script(conversation: Conversation) -> None:
        conversation.upgrade()
        then(conversation)

    return script


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (stay, "open: timed out"),
        (lambda conversation: conversation.sock.close(), "open: the server closed before it opened"),
        (lambda conversation: conversation.text("4hello"), "open: the first packet is no OPEN packet"),
        (lambda conversation: conversation.text('0{"sid":1}'), "open: an OPEN packet that is not right"),
        (lambda conversation: conversation.sock.sendall(b"\xff\xff"), "open: "),
    ],
)
def test_no_open_packet(client: SocketIOClient, then: Callable[[Conversation], None], said: str) -> None:
    with Peer(upgraded(then)) as peer:
        assert said in fails_with(client, peer.url)


def test_a_refused_namespace(client: SocketIOClient) -> None:
    def script(conversation: Conversation) -> None:
        conversation.upgrade()
        conversation.text('0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}')
        next(conversation.frames())
        conversation.text('44{"message":"bad token"}')
        stay(conversation)

    said: list[Any] = []
    client.on("connect_error", said.append)
    with Peer(script) as peer:
        fails_with(client, peer.url)
    assert said == [{"message": "bad token"}]


def test_out_of_descriptors(client: SocketIOClient) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    gevent.sleep(0)  # the hub has what it needs
    taken: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors() + 10, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open("/dev/null", os.O_RDONLY))
        said = fails_with(client, "http://127.0.0.1:1")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in taken:
            os.close(descriptor)
    assert "out of file descriptors" in said


def test_a_source_address(client: SocketIOClient) -> None:
    seen: list[str] = []

    def script(conversation: Conversation) -> None:
        seen.append(conversation.sock.getpeername()[0])
        opened()(conversation)

    client.eio.source_address = "127.0.0.88"
    with Peer(script) as peer:
        connect(client, peer.url.replace("localhost", "127.0.0.1"))
    assert seen == ["127.0.0.88"]


def test_ipv6(client: SocketIOClient) -> None:
    with Peer(opened(), address="::1") as peer:
        connect(client, peer.url.replace("localhost", "[::1]"))
        assert client.connected


def test_a_source_address_that_is_not_ours(client: SocketIOClient) -> None:
    client.eio.source_address = "192.0.2.1"
    assert "no such source address" in fails_with(client, "http://127.0.0.1:1")


def test_connect_times_come_in_phases(client: SocketIOClient) -> None:
    with Peer(opened()) as peer:
        connect(client, peer.url)
        assert set(client.eio.phases_ns) == {"tcp", "upgrade", "open"}
        assert all(took_ns > 0 for took_ns in client.eio.phases_ns.values())


# The life of a connection


class Ends:
    """Collects how connections end."""

    def __init__(self, client: SocketIOClient) -> None:
        self.reasons: list[str] = []
        self.states: list[str] = []

        def on_disconnect(reason: str) -> None:
            self.states.append(client.eio.state)
            self.reasons.append(reason)

        client.on("disconnect", on_disconnect)


@pytest.mark.parametrize(
    ("then", "why"),
    [
        (lambda c: c.sock.close(), "closed by the peer"),
        (lambda c: c.sock.sendall(c.frame(Opcode.CLOSE, b"")), "closed by the server"),
        (lambda c: c.sock.sendall(c.frame(Opcode.CLOSE, b"\x0f\xa0bye")), "closed by the server with 4000 (bye)"),
        (lambda c: c.sock.sendall(b"\x83\x00"), "protocol error of the server: unknown data frame 0x3"),
        (lambda c: c.sock.sendall(b"\x81\x02\xff\xff"), "protocol error of the server"),
        (lambda c: c.text("42[not json"), "protocol error of the server"),
        (lambda c: c.text("9"), "protocol error of the server"),
    ],
)
def test_an_end_is_reported_once_with_its_reason(
    client: SocketIOClient, then: Callable[[Conversation], None], why: str
) -> None:
    ends = Ends(client)
    with Peer(opened(then)) as peer:
        connect(client, peer.url)
        until(lambda: bool(ends.reasons))
        gevent.sleep(0.02)
    assert ends.reasons == [client.reason.TRANSPORT_ERROR]
    assert why in client.eio.end_reason
    # While the handler runs the state is still "connected": python-socketio reconnects only then.
    assert ends.states == ["connected"]
    assert client.eio.state == "disconnected"
    assert not client.connected


def test_a_reset(client: SocketIOClient) -> None:
    def reset(conversation: Conversation) -> None:
        linger = struct.pack("ii", 1, 0)
        conversation.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        conversation.sock.close()

    ends = Ends(client)
    with Peer(opened(reset)) as peer:
        connect(client, peer.url)
        until(lambda: bool(ends.reasons))
    assert client.eio.end_reason == "connection reset by peer"


def test_a_server_that_goes_silent_is_noticed(client: SocketIOClient) -> None:
    ends = Ends(client)
    with Peer(opened(interval_ms=100, timeout_ms=100)) as peer:
        connect(client, peer.url)
        until(lambda: bool(ends.reasons))
    assert client.eio.end_reason == "no ping from the server in time"


def test_pings_are_answered_and_keep_the_connection(client: SocketIOClient) -> None:
    answers: AsyncResult = AsyncResult()

    def ping(conversation: Conversation) -> None:
        frames = conversation.frames()
        got = []
        for _ in range(6):
            conversation.text("2")
            got.append(next(frames))
            gevent.sleep(0.3)
        conversation.sock.sendall(conversation.frame(Opcode.PING, b"are you there"))
        pong = next(frames)
        answers.set((got, pong.opcode, bytes(pong.payload)))

    ends = Ends(client)
    with Peer(opened(ping, interval_ms=500, timeout_ms=500)) as peer:
        connect(client, peer.url)
        assert answers.get(timeout=WAIT_S) == (["3"] * 6, Opcode.PONG, b"are you there")
        assert ends.reasons == []


def test_a_connection_that_is_lost_before_connect_returns_was_not_made(client: SocketIOClient) -> None:
    def close_at_once(conversation: Conversation) -> None:
        conversation.open()
        conversation.sock.sendall(conversation.frame(Opcode.CLOSE, b"\x0f\xa0"))

    with Peer(close_at_once) as peer:
        assert "lost at once: closed by the server with 4000" in fails_with(client, peer.url)
    assert not client.connected


def test_our_own_goodbye_is_heard(client: SocketIOClient) -> None:
    heard: AsyncResult = AsyncResult()
    ends = Ends(client)
    with Peer(opened(lambda c: heard.set([getattr(f, "opcode", f) for f in c.frames()]))) as peer:
        connect(client, peer.url)
        client.disconnect()
        assert heard.get(timeout=WAIT_S) == ["41", "1", Opcode.CLOSE]
    assert ends.reasons == [client.reason.CLIENT_DISCONNECT]


def test_a_server_s_goodbye_is_a_lost_connection() -> None:
    """As for the official client; it is a DISCONNECT of Socket.IO that is final."""
    client = SocketIOClient(reconnection_delay=0.01, randomization_factor=0)
    connects = []
    client.on("connect", lambda: connects.append(1))
    ends = Ends(client)
    with Peer(opened(lambda c: c.text("1"))) as peer:
        connect(client, peer.url)
        until(lambda: len(connects) > 1)
        client.shutdown()
    assert ends.reasons[0] == client.reason.TRANSPORT_ERROR


def test_a_connection_that_is_made_again_is_given_as_much_time_as_the_first() -> None:
    """python-socketio would give up after a second and come again: more load on a backend that is slow already."""
    client = SocketIOClient(reconnection_delay=0.01, randomization_factor=0)
    opened_ones = []

    def answer_late(conversation: Conversation) -> None:
        opened_ones.append(conversation)
        if len(opened_ones) == 1:
            opened(lambda c: c.text("1"))(conversation)
            return
        conversation.upgrade()
        conversation.text('0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}')
        next(conversation.frames())
        gevent.sleep(1.3)
        conversation.text('40{"sid":"y"}')
        list(conversation.frames())

    with Peer(answer_late) as peer:
        connect(client, peer.url)
        until(lambda: len(opened_ones) > 1 and client.connected)
        client.disconnect()
    assert len(opened_ones) == 2


# What arrives


def test_events_come_whole_in_order_however_they_are_cut(client: SocketIOClient) -> None:
    frame = Conversation(None).frame

    def send(conversation: Conversation) -> None:
        large = "x" * 900_000
        data = b"".join(
            [
                frame(Opcode.TEXT, b'42["n",0]'),
                frame(Opcode.TEXT, b'42["n",', fin=False),
                frame(Opcode.PING, b""),
                frame(Opcode.CONTINUATION, b"1]"),
                frame(Opcode.TEXT, f'42["n","{large}"]'.encode()),
                frame(Opcode.TEXT, b'451-["n",{"_placeholder":true,"num":0}]'),
                frame(Opcode.BINARY, b"\x00\x01"),
                frame(Opcode.TEXT, b'42["n",4]'),
            ]
        )
        for start in range(0, len(data), 70_001):
            conversation.sock.sendall(data[start : start + 70_001])
            gevent.sleep(0)
        stay(conversation)

    got: list[Any] = []
    client.on("n", got.append)
    with Peer(opened(send)) as peer:
        connect(client, peer.url)
        until(lambda: len(got) == 5)
    assert got == [0, 1, "x" * 900_000, b"\x00\x01", 4]


class Seen:
    def __init__(self) -> None:
        self.frames: list[tuple[str, bytes, int]] = []

    def observe(self, member: int, event: str, frame: bytes, received_ns: int) -> None:
        self.frames.append((event, frame, received_ns))


@contextlib.contextmanager
def stamping() -> Iterator[None]:
    """While the kernel stamps what arrives: it begins a moment after a socket has asked for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        probe.bind(("127.0.0.1", 0))
        deadline_s = time.monotonic() + 10
        while True:
            assert time.monotonic() < deadline_s
            probe.sendto(b"?", probe.getsockname())
            time.sleep(0.005)
            _, ancillary, _, _ = probe.recvmsg(8, ANCILLARY_BYTES)
            if time.time_ns() - stamped_ns(ancillary) > 4_000_000:
                break
        yield


def test_receive_times_are_the_kernel_s(client: SocketIOClient) -> None:
    """The process sleeps while a frame waits in the kernel: its time is when it came, not when it was read."""
    sent_ns = []

    def send(conversation: Conversation) -> None:
        conversation.text('42["a",1]')
        sent_ns.append(time.time_ns())
        time.sleep(0.3)
        stay(conversation)

    seen = Seen()
    client.observe(seen, ["a"])
    with stamping(), Peer(opened(send)) as peer:
        connect(client, peer.url)
        until(lambda: bool(seen.frames))
        read_ns = time.time_ns()
    ((event, frame, received_ns),) = seen.frames
    assert (event, frame) == ("a", b'42["a",1]')
    assert received_ns <= sent_ns[0]
    assert read_ns - received_ns >= 300_000_000


def test_only_observed_events_are_observed_and_only_handled_ones_decoded(client: SocketIOClient) -> None:
    def send(conversation: Conversation) -> None:
        for text in ('42["a",1]', '42["ab",2]', '42["b",3]', '42/other,["a",4]', '42["c",5]'):
            conversation.text(text)
        stay(conversation)

    seen, handled = Seen(), []
    client.observe(seen, ["a", "b"])
    client.on("b", lambda value: handled.append(("b", value)))
    client.on("c", lambda value: handled.append(("c", value)))
    with Peer(opened(send)) as peer:
        connect(client, peer.url)
        until(lambda: len(handled) == 2)
    assert [frame[1] for frame in seen.frames] == [b'42["a",1]', b'42["b",3]']
    assert handled == [("b", 3), ("c", 5)]


def test_events_of_one_read_are_counted_as_coalesced(client: SocketIOClient) -> None:
    def send(conversation: Conversation) -> None:
        one = conversation.frame(Opcode.TEXT, b'42["a",1]')
        other = conversation.frame(Opcode.TEXT, b'42["b",1]')
        conversation.sock.sendall(one)
        gevent.sleep(0.05)
        conversation.sock.sendall(one + other + one)
        stay(conversation)

    seen = Seen()
    client.observe(seen, ["a"])
    before = shared().coalesced
    with Peer(opened(send)) as peer:
        connect(client, peer.url)
        until(lambda: len(seen.frames) == 3)
    assert shared().coalesced - before == 2


def test_a_catch_all_handler_gets_observed_events_too(client: SocketIOClient) -> None:
    handled: list[Any] = []
    client.observe(Seen(), ["a"])
    client.on("*", lambda event, value: handled.append((event, value)))
    with Peer(opened(lambda c: (c.text('42["a",1]'), stay(c)))) as peer:  # type: ignore[arg-type, func-returns-value]
        connect(client, peer.url)
        until(lambda: bool(handled))
    assert handled == [("a", 1)]


def test_bytes_that_are_known_are_no_event_inside_another_message(client: SocketIOClient) -> None:
    def send(conversation: Conversation) -> None:
        known = conversation.frame(Opcode.TEXT, b'42["a",1]')
        wrapped = conversation.frame(Opcode.BINARY, known)
        announced = conversation.frame(Opcode.TEXT, b'451-["b",{"_placeholder":true,"num":0}]')
        for data in (known, announced, wrapped[: -len(known)], known, known):
            conversation.sock.sendall(data)
            gevent.sleep(0.05)  # so that each is a read of its own
        stay(conversation)

    seen = Seen()
    client.observe(seen, ["a"])
    with Peer(opened(send)) as peer:
        connect(client, peer.url)
        until(lambda: len(seen.frames) == 2)
        time.sleep(0.1)
    assert len(seen.frames) == 2


def test_an_observer_that_raises_harms_no_other_connection(capfd: pytest.CaptureFixture[str]) -> None:
    class Raises(Seen):
        def observe(self, member: int, event: str, frame: bytes, received_ns: int) -> None:
            super().observe(member, event, frame, received_ns)
            raise RuntimeError("the observer's own trouble")

    go = Event()

    def send(conversation: Conversation) -> None:
        go.wait()
        for number in range(3):
            conversation.text(f'42["a",{number}]')
        stay(conversation)

    observers = [Raises(), Seen(), Raises(), Seen()]
    clients = [SocketIOClient() for _ in observers]
    with Peer(opened(send)) as peer:
        for one, observer in zip(clients, observers, strict=True):
            one.observe(observer, ["a"])
            connect(one, peer.url)
        go.set()
        until(lambda: all(observer.frames for observer in observers))
        until(lambda: len(observers[1].frames) == len(observers[3].frames) == 3)
        assert all(one.connected for one in clients)
        for one in clients:
            one.disconnect()
    assert "the observer's own trouble" in capfd.readouterr().err


# Handlers


def echo(conversation: Conversation) -> None:
    """Acknowledges every event with its name, and sends `n` once it is asked to."""
    for text in conversation.frames():
        if not isinstance(text, str):
            return
        if text.startswith(("421[", "422[")):
            conversation.text(f'43{text[2]}["ok"]')
        elif text.startswith('42["go"'):
            conversation.text('42["n",1]')


def test_a_call_from_inside_a_handler_is_answered(client: SocketIOClient) -> None:
    got: AsyncResult = AsyncResult()
    client.on("n", lambda _: got.set(client.call("ask", timeout=5)))
    with Peer(opened(echo)) as peer:
        connect(client, peer.url)
        client.emit("go")
        assert got.get(timeout=WAIT_S) == "ok"


def test_one_slow_and_one_raising_handler_hold_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    gate, got = Event(), []
    with Peer(opened(echo)) as peer, caplog.at_level(logging.ERROR):
        clients = [SocketIOClient(reconnection=False) for _ in range(10)]
        clients[0].on("n", lambda _: gate.wait())
        clients[1].on("n", lambda _: 1 / 0)
        for client in clients[2:]:
            client.on("n", got.append)
        for client in clients:
            connect(client, peer.url)
            client.emit("go")
        until(lambda: len(got) == 8)
        assert all(client.connected for client in clients)
        gate.set()
        for client in clients:
            client.shutdown()
    assert "ZeroDivisionError" in caplog.text


# Sending


def emit_often(client: SocketIOClient, payload: str) -> None:
    for _ in range(64):
        client.emit("much", payload)


def test_a_peer_that_does_not_read_is_an_error_that_names_it(client: SocketIOClient) -> None:
    gate = Event()
    with Peer(opened(lambda _: gate.wait())) as peer:  # type: ignore[arg-type]
        connect(client, peer.url)
        much = "x" * (MAX_QUEUED_BYTES // 8)
        with pytest.raises(SendQueueFullError, match=r"localhost:\d+ from port \d+: the peer does not read"):
            emit_often(client, much)
        gate.set()


def test_what_waits_is_sent_in_order_when_the_peer_reads_again(client: SocketIOClient) -> None:
    gate, got = Event(), []

    def read_late(conversation: Conversation) -> None:
        gate.wait()
        part = ""
        for text in conversation.frames():
            part += text if isinstance(text, str) else ""
            if part.endswith("]"):
                got.append(part[:8])
                part = ""

    with Peer(opened(read_late)) as peer:
        connect(client, peer.url)
        for number in range(8):
            client.emit("m", f"{number}" + "x" * 400_000)
        gate.set()
        until(lambda: len(got) == 8)
    assert got == ['42["m","' for _ in range(8)]


# Many at once


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def greenlets() -> int:
    gc.collect()
    return sum(isinstance(found, gevent.Greenlet) and not found.dead for found in gc.get_objects())


def test_two_hundred_resets_at_once_are_all_reported_and_all_come_back() -> None:
    first_round: list[Conversation] = []
    lost: list[int] = []
    back: list[int] = []
    descriptors_before, greenlets_before = descriptors(), greenlets()

    def script(conversation: Conversation) -> None:
        conversation.open()
        if len(first_round) < 200:
            first_round.append(conversation)
        stay(conversation)

    with Peer(script) as peer:
        clients = [SocketIOClient(reconnection_delay=0.05, randomization_factor=0.5) for _ in range(200)]
        for number, client in enumerate(clients):
            client.on("disconnect", lambda _reason, number=number: lost.append(number))
            client.on("connect", lambda number=number: back.append(number))
        gevent.joinall([gevent.spawn(connect, client, peer.url) for client in clients], raise_error=True)
        assert sorted(back) == list(range(200))
        back.clear()
        for conversation in first_round:
            conversation.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            conversation.sock.close()
        until(lambda: len(lost) == 200 and len(back) == 200)
        assert sorted(lost) == sorted(back) == list(range(200))
        assert len(shared()._wheel) >= 200
        for client in clients:
            client.shutdown()
    until(lambda: descriptors() <= descriptors_before + 2)
    assert len([item for item in shared()._wheel._where if isinstance(item, EngineIOClient)]) == 0
    until(lambda: greenlets() <= greenlets_before + 20)  # the idle servers of lanes stay, 16 at most


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    )
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command.split(), *names, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return key, cert


@pytest.mark.needs("openssl")
def test_tls(certificate: tuple[Path, Path]) -> None:
    key, cert = certificate
    client = SocketIOClient(reconnection=False, ssl_context=ssl.create_default_context(cafile=str(cert)))
    seen, got = Seen(), []
    client.observe(seen, ["a"])
    client.on("n", got.append)

    def send(conversation: Conversation) -> None:
        conversation.text('42["a",1]')
        conversation.text('42["n","' + "x" * 500_000 + '"]')
        echo(conversation)

    with Peer(opened(send), keyfile=str(key), certfile=str(cert)) as peer:
        connect(client, peer.url)
        until(lambda: bool(got))
        assert client.call("ask", timeout=5) == "ok"
        assert set(client.eio.phases_ns) == {"tcp", "tls", "upgrade", "open"}
        client.disconnect()
    assert len(got[0]) == 500_000
    assert abs(seen.frames[0][2] - time.time_ns()) < 60_000_000_000


@pytest.mark.needs("openssl")
def test_a_certificate_nobody_signed(certificate: tuple[Path, Path]) -> None:
    key, cert = certificate
    with Peer(opened(echo), keyfile=str(key), certfile=str(cert)) as peer:
        assert "tls: self-signed certificate" in fails_with(SocketIOClient(reconnection=False), peer.url)
        trusting = SocketIOClient(reconnection=False, ssl_verify=False)
        connect(trusting, peer.url)
        assert trusting.call("ask", timeout=5) == "ok"
        trusting.disconnect()


def test_tls_to_a_plain_server(client: SocketIOClient) -> None:
    with Peer(stay) as peer:
        assert fails_with(client, peer.url.replace("http", "https")).startswith("tls: ")
