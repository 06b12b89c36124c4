"""What one attacker can do to everybody: keep connections for ever, send half of things, come in hundreds."""

from __future__ import annotations

import time
from typing import Final

import gevent

from loadtest.scenarios import capabilities as can
from loadtest.scenarios import findings
from loadtest.scenarios.company import SkipError
from loadtest.scenarios.scenario import SECURITY, scenario
from loadtest.scenarios.stage import Stage, outcome

SLOW: Final = 45
FLOOD: Final = 200
_HALF_BYTES: Final = 5_000
_LEAST_S: Final = 0.5
"""A token that is good for less is not begun with."""
_MOST_S: Final = 30.0
"""The end of one that is good for longer is not waited for."""
_AFTER_S: Final = 1.2
"""Times in tokens are whole seconds."""


@scenario(
    "a token whose time is over",
    SECURITY,
    checks={"it is let in before": (), "it is refused after": (can.TOKEN_CHECK,)},
)
def expiring(stage: Stage) -> None:
    if not stage.cast.expiring:
        raise SkipError("it takes the backend's own key to make one: --jwt-secret")
    found = stage.token_that_ends(_LEAST_S, _MOST_S)
    if found is None:
        raise SkipError(f"no token of the run ended in the {_MOST_S:g} s after this play began")
    token, ends_s = found
    client = stage.helper.client(token, measured=False)
    refusal = outcome(client.connect)
    stage.check("it is let in before", refusal, "it was")
    gevent.sleep(max(ends_s - time.time(), 0) + _AFTER_S)
    refusal = outcome(stage.helper.client(token, measured=False).connect)
    stage.check("it is refused after", "" if refusal else "the same token was let in again", refusal)
    # The token is that of the first room's owner.
    if client.connected and not outcome(lambda: client.join(stage.project(0))):
        stage.find(findings.OUTLIVES, f"a room was joined {_AFTER_S:g} s after the token's end")


@scenario("slow input", SECURITY, checks={"others are served meanwhile": ()})
def slow(stage: Stage) -> None:
    clients = [stage.owner(measured=False) for _ in range(SLOW)]
    with stage.overload():
        stage.helper.wait_for_connections(clients)
        for client in clients:
            client.send_half("x" * 2 * _HALF_BYTES)
        refusal = _serves_another(stage)
    kept = sum(client.connected for client in clients)
    said = f"{kept} of {SLOW} that sent half of a message are still connected"
    stage.check("others are served meanwhile", refusal, said)


@scenario("a flood of connections", SECURITY, checks={"others are served meanwhile": ()})
def flood(stage: Stage) -> None:
    clients = [stage.owner(measured=False) for _ in range(FLOOD)]
    with stage.overload():
        started_s = time.perf_counter()
        running = [gevent.spawn(outcome, client.connect) for client in clients]
        gevent.joinall(running)
        took_s = time.perf_counter() - started_s
        let_in = sum(one.value == "" for one in running)
        refusal = _serves_another(stage)
    said = f"{let_in} of {FLOOD} connections of one client were let in, in {took_s:.1f} s"
    stage.check("others are served meanwhile", refusal, said)
    if let_in == FLOOD:
        stage.find(findings.FLOOD, said)


def _serves_another(stage: Stage) -> str:
    """Why somebody who comes now is not served; empty if it is."""
    other = stage.owner(measured=False)
    return outcome(other.connect) or stage.serves(other)
