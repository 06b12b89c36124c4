"""A process with a patched standard library, like Locust's: clients behind a bad network, over TLS. Prints JSON.

Arguments: the backend's https URL, the authority's file, a token, a project's id, a transport,
the network's delay in seconds.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402 - after the patch
import sys  # noqa: E402
from random import Random  # noqa: E402
from typing import Any, Final  # noqa: E402

import gevent  # noqa: E402

from loadtest.backends.endpoint import Endpoint  # noqa: E402
from loadtest.backends.prometheus import contract  # noqa: E402
from loadtest.backends.tls import Trust  # noqa: E402
from loadtest.clients.errors import ConnectFailedError  # noqa: E402
from loadtest.clients.helper import Helper  # noqa: E402
from loadtest.clients.network import Conditions, Network  # noqa: E402

QUIET_S: Final = 0.3
PATIENCE_S: Final = 10.0


def conversation(endpoint: Endpoint, token: str, project_id: str, latency_s: float) -> dict[str, Any]:
    """What a client meets of a network that delays, stalls, cuts and resets."""
    with Network(endpoint, Conditions(latency_s), Random(1)) as network, Helper(network.endpoint) as helper:
        client = helper.client(token, reconnects=True)
        client.connect()
        client.join(project_id)
        found: dict[str, Any] = {"rejoin_ms": client.rejoin()}
        network.conditions = dict.fromkeys(network.conditions, Conditions())
        network.stall()
        joined = client.expect(contract.JOINED)
        client.emit(contract.JOIN, project_id)
        gevent.sleep(QUIET_S)
        found["came while stalled"] = joined.result.ready()
        network.go_on()
        joined.wait(PATIENCE_S)
        for name, break_it in (("cut", network.cut), ("reset", network.reset)):
            ended = client.expect_end()
            gevent.sleep(QUIET_S)  # long-polling has no connection to break between two polls
            break_it()
            found[f"{name} ends it"] = ended.wait(PATIENCE_S)
            found[f"back after {name}"] = client.wait_until_back()
        return {**found, "broken": network.counts["broken"]}


def refusal(endpoint: Endpoint) -> tuple[str, int]:
    """Why a client does not get in, and how many connections went through the network for it."""
    with Network(endpoint, Conditions(), Random(1)) as network, Helper(network.endpoint) as helper:
        try:
            helper.client(None).connect()
        except ConnectFailedError as error:
            return str(error), network.counts["connections"]
        return "", network.counts["connections"]


def main(url: str, ca_file: str, token: str, project_id: str, transport: str, latency_s: str) -> dict[str, Any]:
    trust = Trust(ca_file=ca_file)
    found = conversation(Endpoint(url, transport, trust=trust), token, project_id, float(latency_s))
    return {
        **found,
        "another authority": refusal(Endpoint(url, transport)),
        "another name": refusal(Endpoint(url.replace("localhost", "127.0.0.1"), transport, trust=trust)),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])))
