"""A process with a patched standard library, like Locust's. It prints HTTP times while its loop is busy, as JSON.

Arguments: the backend's URL, a token, a project's id, `polling` or `upgrade`, and the file of its authority or
nothing.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402 - after the patch
import sys  # noqa: E402
import time  # noqa: E402
from typing import Any, Final  # noqa: E402

import gevent  # noqa: E402

from loadtest.backends.endpoint import Endpoint  # noqa: E402
from loadtest.backends.prometheus import contract  # noqa: E402
from loadtest.backends.rest import RestClient  # noqa: E402
from loadtest.backends.tls import Trust  # noqa: E402
from loadtest.clients.client import Client  # noqa: E402
from loadtest.transport.shared import shared  # noqa: E402

BUSY_S: Final = 0.2
FREE_S: Final = 0.001
EVENTS: Final = 7


class Seen:
    """Records how long after its receive timestamp each broadcast was seen."""

    def __init__(self) -> None:
        self.late_ns: list[int] = []

    def observe(self, member: int, event: str, frame: bytes, received_ns: int) -> None:
        self.late_ns.append(time.time_ns() - received_ns)

    def at(self, instance: str) -> Any:
        return self


def be_busy() -> None:
    sleep = monkey.get_original("time", "sleep")
    while True:
        sleep(BUSY_S)
        gevent.sleep(FREE_S)


def main(url: str, token: str, project_id: str, transport: str, ca_file: str = "") -> dict[str, Any]:
    seen = Seen()
    endpoint = Endpoint(url, transport, trust=Trust(ca_file=ca_file))
    client = Client(endpoint, token)
    client.socket.observe(seen, [contract.TASK_STATUS_UPDATE, contract.AGENT_LOG])
    rest = RestClient(url, ssl_context=endpoint.ssl_context())
    body = {"title": "a title", "description": "a description that is long enough"}
    poller = shared().poller
    busy = gevent.spawn(be_busy)
    started_s = time.perf_counter()
    times = {"connect": client.connect(), "join": client.join(project_id), "ping": client.ping()}
    poller.take_delays_ns()
    for number in range(3):
        answer = rest.send("POST", f"/v1/projects/{project_id}/tasks", token, body)
        assert answer.status == 201, answer
        assert answer.took_ms is not None
        times[f"trigger {number}"] = answer.took_ms
    while len(seen.late_ns) < EVENTS:
        gevent.sleep(0.01)
    whole_ms = (time.perf_counter() - started_s) * 1000
    gevent.sleep(0.01)
    busy.kill()
    found = {
        "times_ms": times,
        "whole_ms": whole_ms,
        "phases": list(client.socket.eio.phases_ns),
        "late_ms": max(seen.late_ns) / 1e6,
        "delay_ms": max(poller.take_delays_ns(), default=0) / 1e6,
        "coalesced": shared().coalesced,
    }
    client.disconnect()
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])))
