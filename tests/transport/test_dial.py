"""What a dialler tells of the kernel's own retransmissions, by real ones."""

from __future__ import annotations

import socket

import gevent
import pytest
from gevent.server import StreamServer

from loadtest.transport.dial import Dialler

from .peer import Conversation

DIALS = 6


@pytest.mark.slow
@pytest.mark.parametrize(("backlog", "again"), [(1, True), (DIALS, False)])
def test_a_backlog_that_is_full_is_noticed(backlog: int, again: bool) -> None:
    """Of those whom the kernel turned away, each connects when it has asked a second time, a second later."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
    listener.setblocking(False)
    url = f"ws://127.0.0.1:{listener.getsockname()[1]}/"
    dialler = Dialler()
    dials = [gevent.spawn(dialler.open, url, {}, 10.0) for _ in range(DIALS)]
    gevent.idle()
    server = StreamServer(listener, lambda sock, _: Conversation(sock).upgrade())
    server.start()
    try:
        opened = [dial.get() for dial in dials]
        waited_s = [dialled.phases_ns["tcp"] / 1e9 for dialled in opened]
        assert dialler.sent_again == sum(one_s > 0.9 for one_s in waited_s)
        assert (dialler.sent_again > 0) is again
        for dialled in opened:
            dialled.channel.close()
    finally:
        server.stop()
