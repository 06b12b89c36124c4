"""Tests of the earliest arrival of data read together, against the times at which another process wrote it."""

from __future__ import annotations

import multiprocessing
import socket
import time
from typing import TYPE_CHECKING

import gevent
import pytest

from loadtest.transport import wakeups as wakeups_module
from loadtest.transport.channel import Channel
from loadtest.transport.poller import READ_BYTES, Poller
from loadtest.transport.receive_clock import Coalesced

from ..greenlets import until

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

ROUNDS = 40
BURST = 7


def write_bursts(port: int, pause_s: float, gap_s: float, told: Connection) -> None:
    """Write bursts of single bytes, and report the times just before and just after each write."""
    written = []
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(ROUNDS):
            time.sleep(pause_s)
            for _ in range(BURST):
                before_ns = time.time_ns()
                sock.send(b"x")
                written.append((before_ns, time.time_ns()))
                time.sleep(gap_s)
        told.send(written)
        told.recv()


@pytest.mark.parametrize("schedstat", [True, False])
@pytest.mark.parametrize("busy_s", [0.0, 0.004])
def test_every_byte_of_a_read_arrived_within_its_bound(
    monkeypatch: pytest.MonkeyPatch, busy_s: float, schedstat: bool
) -> None:
    if not schedstat:
        monkeypatch.setattr(wakeups_module, "_SCHEDSTAT", "/nowhere")
    poller, reads = Poller(), []
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        writer = context.Process(target=write_bursts, args=(server.getsockname()[1], 0.01, 0.0005, theirs))
        writer.start()
        sock, _ = server.accept()
    sock.setblocking(False)
    channel = Channel(sock, "test")

    def on_data(data: bytes, received_ns: int) -> None:
        reads.append((len(data), received_ns, poller.since_ns))
        # Longer than the gaps, so that more of the burst is read together.
        deadline_s = time.perf_counter() + busy_s
        while time.perf_counter() < deadline_s:
            pass

    channel.start(poller, on_data, lambda _: None)
    until(lambda: sum(count for count, _, _ in reads) == ROUNDS * BURST, timeout_s=30)
    written = ours.recv()
    ours.send(None)
    writer.join()
    channel.close()
    moments = iter(written)
    several = too_late = 0
    for count, received_ns, since_ns in reads:
        together = [next(moments) for _ in range(count)]
        several += count > 1
        # Each arrived no later than when the writer had written it.
        too_late += sum(since_ns > after_ns for _, after_ns in together)
        assert received_ns >= together[-1][0]
    # A guest cannot see times at which the hypervisor does not let it run.
    assert too_late <= ROUNDS * BURST // 100
    assert several or not busy_s


def test_the_rest_of_what_one_read_did_not_take_arrived_as_early() -> None:
    ours, peer = socket.socketpair()
    ours.setblocking(False)
    poller, since = Poller(), []
    channel = Channel(ours, "test")
    channel.start(poller, lambda data, _: since.append((len(data), poller.since_ns)), lambda _: None)
    peer.sendall(b"x" * (READ_BYTES + 5))
    until(lambda: sum(count for count, _ in since) == READ_BYTES + 5)
    gevent.sleep(0.01)
    peer.sendall(b"y")
    until(lambda: len(since) == 3)
    channel.close()
    peer.close()
    assert [count for count, _ in since] == [READ_BYTES, 5, 1]
    assert since[0][1] == since[1][1] < since[2][1]


def test_a_timestamp_that_several_share_is_a_number_like_any_other() -> None:
    shared = Coalesced(1_000, 30)
    assert shared - 400 == 600
    assert (shared, shared.slack_ns) == (1_000, 30)
    assert Coalesced(1_000, -5).slack_ns == 0
