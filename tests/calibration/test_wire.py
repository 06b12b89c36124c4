"""The packet capture as the truth: what is read from packets, and the comparison, which has to be able to fail."""

from __future__ import annotations

import gzip
import socket
import struct
from contextlib import closing
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from lab.calibration.capture import Capture, CaptureError, Packet, parse
from lab.calibration.case_run import measure
from lab.calibration.wire import Exchange, Flow, Message, flows
from lab.calibration.wire_times import clients_of, compare_times, frames_of, times_of

MS: Final = 1_000_000
OPEN: Final = '0{"sid":"s1","upgrades":[]}'
GET: Final = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n%s\r\n"
UPGRADE: Final = GET % b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
SWITCHED: Final = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def frame(text: str, by_client: bool) -> bytes:
    return Connection(ConnectionType.CLIENT if by_client else ConnectionType.SERVER).send(TextMessage(data=text))


class Wire:
    """Makes the packets of one connection."""

    def __init__(self, port: int = 1000, first_seq: int = 7) -> None:
        self.packets: list[Packet] = []
        self._port = port
        self._seq = {True: first_seq, False: (first_seq + 100) % (1 << 32)}

    def opened(self, at_ms: float, took_ms: float) -> Wire:
        for by_client, moment_ms in ((True, at_ms), (False, at_ms + took_ms)):
            self._add(moment_ms, by_client, b"", syn=True)
        return self

    def sent(self, at_ms: float, by_client: bool, payload: bytes) -> Wire:
        self._add(at_ms, by_client, payload, syn=False)
        return self

    def _add(self, at_ms: float, by_client: bool, payload: bytes, *, syn: bool) -> None:
        seq = self._seq[by_client]
        self.packets.append(Packet(round(at_ms * MS), self._port, by_client, seq, syn, payload))
        self._seq[by_client] = (seq + len(payload) + syn) % (1 << 32)


def joined_over_websocket() -> Wire:
    wire = Wire().opened(0, 1).sent(10, True, UPGRADE).sent(14, False, SWITCHED)
    wire.sent(16, False, frame(OPEN, by_client=False)).sent(30, True, frame("40", by_client=True))
    wire.sent(33, False, frame('40{"sid":"s2"}', by_client=False))
    wire.sent(40, True, frame('42["joinProjectRoom","p"]', by_client=True))
    wire.sent(41, False, frame('42["agentLog",{}]', by_client=False))
    return wire.sent(48, False, frame('42["joinedRoom","p"]', by_client=False))


def test_the_phases_of_a_websocket_are_those_of_its_packets() -> None:
    found = flows(joined_over_websocket().packets)
    clients = clients_of(found)
    assert times_of(found, clients) == {
        "connect_phases_ms tcp": [1.0],
        "connect_phases_ms upgrade": [4.0],
        "connect_phases_ms open": [2.0],
        "connect_phases_ms socketio": [3.0],
        "connect_ms": [10.0],
        "upgrade and open": [6.0],
        "join_ms": [8.0],
    }
    frames = [line["frame"] for line in frames_of(clients)]
    assert frames == [OPEN, '40{"sid":"s2"}', '42["agentLog",{}]', '42["joinedRoom","p"]']


def test_an_upgrade_has_the_phases_of_both_connections() -> None:
    polled = b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n"
    body = OPEN.encode()
    polling = Wire(1).opened(0, 1).sent(2, True, polled)
    polling.sent(5, False, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)).sent(6, False, body)
    socket_ = Wire(2).opened(10, 1).sent(20, True, UPGRADE.replace(b"=websocket ", b"=websocket&sid=s1 "))
    socket_.sent(22, False, SWITCHED).sent(30, True, frame("2probe", by_client=True))
    socket_.sent(33, False, frame("3probe", by_client=False)).sent(40, True, frame("40", by_client=True))
    socket_.sent(45, False, frame('40{"sid":"s2"}', by_client=False))
    found = flows(polling.packets + socket_.packets)
    times = times_of(found, clients_of(found))
    assert times.pop("join_ms") == []
    assert times.pop("upgrade and open") == [9.0]
    assert {name.split()[-1]: value for name, value in times.items()} == {
        "tcp": [2.0],
        "open": [7.0],
        "upgrade": [2.0],
        "socketio": [5.0],
        "connect_ms": [16.0],
    }


def test_an_exchange_lasts_from_its_first_byte_to_the_last_of_its_answer() -> None:
    packed = gzip.compress(b"x" * 2000)
    wire = Wire(first_seq=(1 << 32) - 30)
    for begin_ms in (0, 100):
        wire.sent(begin_ms, True, b"POST /v1/projects/p/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
        wire.sent(begin_ms + 1, True, b"body")
        head = b"HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
        wire.sent(begin_ms + 5, False, head + packed[:9])
        wire.sent(begin_ms + 8, False, packed[9:])
    [flow] = flows(wire.packets)
    expected = ("POST", "/v1/projects/p/tasks", b"body")
    assert flow.exchanges == [
        Exchange(*expected, begin * MS, 201, b"x" * 2000, (begin + 8) * MS) for begin in (0, 100)
    ]
    assert times_of([flow], []) == {"trigger_ms": [8.0, 8.0]}


def test_a_frame_behind_the_handshake_is_of_the_same_moment() -> None:
    wire = Wire().sent(0, True, UPGRADE).sent(3, False, SWITCHED + frame(OPEN, by_client=False))
    [flow] = flows(wire.packets)
    assert flow.messages == [Message(3 * MS, False, OPEN)]


def test_a_port_that_is_used_again_is_another_connection() -> None:
    packets = joined_over_websocket().packets
    later = [packet._replace(at_ns=packet.at_ns + 1000 * MS, seq=packet.seq + 999) for packet in packets]
    assert [len(flow.messages) for flow in flows(packets + later)] == [6, 6]


def test_a_connection_without_its_beginning_has_no_connect_time() -> None:
    with pytest.raises(ValueError, match="beginning"):
        _ = Flow().tcp_ns


@given(st.lists(st.integers(1, 40), max_size=30), st.booleans(), st.randoms(use_true_random=False))
def test_segments_may_be_split_repeated_and_out_of_order(cuts: list[int], again: bool, chance: Any) -> None:
    """They are put in order by their sequence numbers, as the receiver's kernel does."""
    whole = b"".join(frame(f'42["agentLog",{number}]', by_client=False) for number in range(20))
    wire = Wire().sent(0, True, UPGRADE).sent(1, False, SWITCHED)
    start = 0
    for cut in [*cuts, len(whole)]:
        wire.sent(2, False, whole[start : start + cut])
        start += cut
    head, tail = wire.packets[:2], wire.packets[2:] * (1 + again)
    chance.shuffle(tail)
    [flow] = flows(head + tail)
    assert [message.text for message in flow.messages] == [f'42["agentLog",{number}]' for number in range(20)]


def test_a_time_that_is_our_loop_s_differs() -> None:
    times = {"join_ms": [10.0] * 50, "connect_phases_ms tcp": [1.0]}
    right = {"count": 50, "p50": 10.1, "p90": 10.1, "p99": 10.9, "max": 10.9}
    tcp = {"count": 1, "p50": 1.0, "p90": 1.0, "p99": 1.0, "max": 1.0}
    summary = {"join_ms": right, "connect_phases_ms": {"tcp": tcp}}
    assert all(row.passed for row in compare_times("x", times, summary))
    for name, wrong in {"count": 49, "p50": 12.0, "max": 101.0}.items():
        rows = compare_times("x", times, summary | {"join_ms": right | {name: wrong}})
        assert [row.quantity for row in rows if not row.passed] == [f"join_ms {name}"]


def test_an_open_packet_that_was_read_with_the_upgrade_has_no_time_of_its_own() -> None:
    times = {"connect_phases_ms upgrade": [10.0], "connect_phases_ms open": [30.0], "upgrade and open": [40.0]}

    def differing(upgrade_ms: float, open_ms: float) -> set[str]:
        names = ("p50", "p90", "p99", "max")
        phases = {"upgrade": upgrade_ms, "open": open_ms}
        summary = {phase: {"count": 1, **dict.fromkeys(names, took_ms)} for phase, took_ms in phases.items()}
        rows = compare_times("x", times, {"connect_phases_ms": summary})
        return {row.quantity.split()[1] for row in rows if not row.passed}

    assert differing(10.1, 30.0) == differing(40.2, 0.0) == set()
    assert differing(8.0, 30.0) == differing(43.0, 0.0) == {"upgrade"}
    assert differing(10.0, 33.0) == {"open"}


def test_packets_are_told_by_port_and_direction() -> None:
    tcp = struct.pack("!HHIIBBHHH", 1234, 80, 42, 0, 5 << 4, 2, 0, 0, 0)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp) + 3, 0, 0, 64, 6, 0, bytes(4), bytes(4))
    data = ip + tcp + b"abc" + b"padding"
    assert parse(data, 5, 80) == Packet(5, 1234, True, 42, True, b"abc")
    assert parse(data, 5, 1234) == Packet(5, 80, False, 42, True, b"abc")
    assert parse(data, 5, 81) is None
    assert parse(data[:9] + b"\x11" + data[10:], 5, 80) is None


def test_what_a_socket_sends_is_captured() -> None:
    try:
        with (
            closing(socket.create_server(("127.0.0.1", 0))) as server,
            Capture(server.getsockname()[1]) as capture,
        ):
            client = socket.create_connection(server.getsockname())
            accepted, _ = server.accept()
            with closing(client), closing(accepted):
                client.sendall(UPGRADE)
                assert accepted.recv(1000) == UPGRADE
                accepted.sendall(SWITCHED + frame(OPEN, by_client=False))
                client.recv(1000)
    except CaptureError as error:
        pytest.skip(str(error))
    [flow] = flows(capture.packets)
    assert flow.tcp_ns > 0
    assert [message.text for message in flow.messages] == [OPEN]
    assert flow.exchanges[0].status == 101


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize(
    ("case", "profile", "workers"),
    [
        ("wire, WebSocket", "deployed", 3),
        ("wire, upgrade", "documented", 1),
        ("wire, long-polling", "as-built", 1),
    ],
)
def test_wire_times_are_measured(case: str, profile: str, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCUST_SKIP_MONKEY_PATCH", raising=False)  # is for pytest's own process alone
    rows = measure(case, profile, workers, seconds=5)
    assert [row.to_json() for row in rows if not row.passed] == []
    assert {"connect_ms p99", "join_ms p99", "trigger_ms p99"} <= {row.quantity for row in rows}
