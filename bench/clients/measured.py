"""Ours, with the whole measuring path on: timestamp, trace, stream ledger, histogram, a report every second."""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from array import array  # noqa: E402

import gevent  # noqa: E402
import gevent.os  # noqa: E402
from gevent.pool import Pool  # noqa: E402

from backend import contract  # noqa: E402
from backend.reader import Reader  # noqa: E402
from measure.meter import Meter  # noqa: E402
from transport.client import SocketIOClient  # noqa: E402
from users.inbox import Inbox  # noqa: E402

_AT_A_TIME = 50


def main() -> None:
    """Run."""
    url, connections = f"http://127.0.0.1:{sys.argv[1]}", int(sys.argv[2])
    meter = Meter("0123abcd", Reader())
    clients = []

    def connect() -> None:
        account = meter.open_account()
        client = SocketIOClient()
        client.observe(account, Reader.events)
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

    pool = Pool(_AT_A_TIME)
    for _ in range(connections):
        pool.spawn(connect)
    pool.join(raise_error=True)
    gevent.spawn(report)
    sys.stdout.write(json.dumps({"ready": True}) + "\n")
    sys.stdout.flush()
    gevent.os.tp_read(0, 1)
    sys.stdout.write(json.dumps({"received": meter.received}) + "\n")


main()
