"""Ours, with the whole measuring path on: timestamp, trace, stream ledger, histogram, a report every second."""

from gevent import monkey

monkey.patch_all()

import sys
import time
from array import array

import gevent
import gevent.os
from gevent.pool import Pool

from backend import contract
from backend.reader import Reader
from measure.meter import Meter
from transport.client import SocketIOClient
from users.inbox import Inbox

from .protocol import say

_AT_A_TIME = 50


def main() -> None:
    """Run."""
    url, connections = f"http://127.0.0.1:{sys.argv[1]}", int(sys.argv[2])
    meter = Meter("0123abcd", Reader())
    clients = []

    def connect() -> None:
        account = meter.open_account()
        client = SocketIOClient()
        client.observe(meter, Reader.events, account.number)
        client.connect(url, auth={"token": "x" * 200}, transports=["websocket"], wait_timeout=10)
        joined = Inbox(client).expect(contract.JOINED)
        account.joining(0)
        client.emit(contract.JOIN, "bench")
        joined.wait(10)
        account.joined(0, time.time_ns())
        clients.append(client)

    def report() -> None:
        while True:
            gevent.sleep(1)
            meter.take_report(int(time.time()), {}, {"loop_lag": array("q")})

    say(start=True)
    pool = Pool(_AT_A_TIME)
    for _ in range(connections):
        pool.spawn(connect)
    pool.join(raise_error=True)
    gevent.spawn(report)
    say(ready=True)
    gevent.os.tp_read(0, 1)
    say(received=meter.received)


main()
