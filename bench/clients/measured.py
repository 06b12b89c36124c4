"""Ours: Locust's viewers, or one audience, with the whole measuring path on: kernel timestamp, trace, stream
ledger, histogram, the reader's own delay, Locust's statistics, a report every second.
"""

from gevent import monkey

monkey.patch_all()

import sys
import time

import gevent
import gevent.os
import numpy as np
from locust.env import Environment

from backend.endpoint import Endpoint
from backend.plan import Plan, Room
from backend.reader import Reader
from backend.tls import Trust
from measure.evidence import GENERATOR_DELAY
from measure.meter import Meter
from run import locust_stats
from run.limits import raise_file_limit
from tasks.context import RunContext, install
from transport.shared import shared
from users.audience import Audience
from users.viewer import Viewer

from .protocol import say

_RUN = "0123abcd"


def main() -> None:
    """Run."""
    raise_file_limit()
    url, connections = sys.argv[1], int(sys.argv[2])
    audience = "audience" in sys.argv[3:]
    spawn_rate = max(connections / 60, 100)
    meter = Meter(_RUN, Reader())
    room = Room(project_id="bench", agent_id="", token="x" * 200)
    endpoint = Endpoint(url, trust=Trust(insecure=True))
    plan = Plan(
        run_id="bench",
        run=_RUN,
        endpoint=endpoint,
        rooms=(room,),
        rate_per_s=1.0,
        publishers=0,
        audience_size=connections,
        spawn_rate_per_s=spawn_rate,
    )
    environment = Environment(user_classes=[Audience if audience else Viewer])
    install(environment, RunContext(plan, meter))
    runner = environment.create_local_runner()

    def report() -> None:
        while True:
            gevent.sleep(1)
            now_s = time.time()
            delays_us = np.array(shared().poller.take_delays_ns()) // 1000
            _, latencies = meter.take_report(time.time_ns(), {}, {GENERATOR_DELAY: delays_us})
            for event, latencies_us in latencies.items():
                locust_stats.feed(environment.stats, event, latencies_us, now_s)

    say(start=True)
    runner.start(1 if audience else connections, spawn_rate=spawn_rate)
    while sum(account.is_member for account in meter.accounts.values()) < connections:
        gevent.sleep(0.1)
    gevent.spawn(report)
    say(ready=True)
    gevent.os.tp_read(0, 1)
    say(received=meter.received, lost=meter.counters["connections_lost"])


main()
