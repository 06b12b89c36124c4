"""Ours: Locust's viewers, or one audience, with the whole measuring path on: kernel timestamp, trace, stream
ledger, histogram, the reader's own delay, Locust's statistics, a report every second.
"""

from gevent import monkey

monkey.patch_all()

import argparse
import time

import gevent
import gevent.os
import numpy as np
from locust.env import Environment

from loadtest.backends.endpoint import Endpoint
from loadtest.backends.plan import Plan, Room
from loadtest.backends.tls import Trust
from loadtest.measurement.evidence import GENERATOR_DELAY
from loadtest.measurement.meter import Meter
from loadtest.run.worker import locust_stats
from loadtest.run.worker.garbage import Garbage
from loadtest.run.worker.limits import raise_file_limit
from loadtest.tasks.context import RunContext, install
from loadtest.transport.shared import shared
from loadtest.users.audience import Audience
from loadtest.users.viewer import Viewer

from lab.bench.clients.protocol import say

_RUN = "0123abcd"


def main() -> None:
    """Run."""
    raise_file_limit()
    options = parse()
    connections = options.connections
    names = [f"lab/bench/{number}" for number in range(options.rooms)]
    rooms = tuple(Room(project_id=name, agent_id="", token="x" * 200) for name in names)
    endpoint = Endpoint(options.url, trust=Trust(insecure=True))
    # What knows the backend is imported here, as in a worker, and not by the first user.
    meter = Meter(_RUN, endpoint.adapter.reader)
    plan = Plan(
        run_id="bench",
        run=_RUN,
        endpoint=endpoint,
        rooms=rooms,
        rate_per_s=1.0,
        publishers=0,
        audience_size=connections,
        spawn_rate_per_s=options.spawn_rate,
    )
    environment = Environment(user_classes=[Audience if options.audience else Viewer])
    install(environment, RunContext(plan, meter))
    runner = environment.create_local_runner()

    # Of each second, the generator's delay that 99% of its deliveries do not exceed.
    delays_ms: list[float] = []

    def report() -> None:
        while True:
            gevent.sleep(1)
            now_s = time.time()
            delays_us = np.array(shared().poller.take_delays_ns()) // 1000
            if len(delays_us):
                delays_ms.append(float(np.percentile(delays_us, 99)) / 1000)
            _, latencies = meter.take_report(time.time_ns(), {}, {GENERATOR_DELAY: delays_us})
            for event, latencies_us in latencies.items():
                locust_stats.feed(environment.stats, event, latencies_us, now_s)

    garbage = Garbage()
    garbage.start()
    say(start=True)
    runner.start(1 if options.audience else connections, spawn_rate=options.spawn_rate)
    while meter.members.total() < connections:
        gevent.sleep(0.1)
    garbage.users_are_there()
    gevent.spawn(report)
    say(ready=True)
    # Asked for with any line, it says how it goes; the end of its input is its own.
    more = True
    while more:
        more = bool(gevent.os.tp_read(0, 1024))
        lost, again = meter.counters["connections_lost"], shared().dialler.sent_again
        say(received=meter.received, lost=lost, sent_again=again, delays_ms=delays_ms)
        delays_ms.clear()


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("connections", type=int)
    parser.add_argument("--audience", action="store_true", help="one user holds them all")
    parser.add_argument("--rooms", type=int, default=1)
    parser.add_argument("--spawn-rate", type=float)
    options = parser.parse_args()
    options.spawn_rate = options.spawn_rate or max(options.connections / 60, 100)
    return options


main()
