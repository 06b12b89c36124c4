"""Connecting, staying, going, and coming back."""

from __future__ import annotations

import time

from loadtest.backends.prometheus import contract
from loadtest.scenarios import capabilities as can
from loadtest.scenarios.scenario import CORE, INTEGRATION, STRESS, scenario
from loadtest.scenarios.stage import Stage, outcome

CYCLES = 20
CLIENTS = 50


@scenario(
    "authenticated connection",
    CORE,
    checks={"a client with a token is let in": (), "it joins its own room": ()},
)
def authenticated(stage: Stage) -> None:
    client = stage.owner()
    stage.check("a client with a token is let in", "", f"after {client.connect():.1f} ms")
    stage.check("it joins its own room", "", f"after {client.join(stage.project()):.1f} ms")


@scenario(
    "guest connection",
    CORE,
    checks={"a guest is let in": (can.GUESTS,), "it joins no room": (can.GUESTS, can.OWN_ROOMS)},
)
def guest(stage: Stage) -> None:
    guest = stage.helper.client(measured=False)
    stage.check("a guest is let in", "", f"after {guest.connect():.1f} ms")
    refusal = outcome(lambda: guest.join(stage.project()))
    stage.check("it joins no room", "" if refusal else "it joined", refusal)


@scenario(
    "graceful disconnection",
    CORE,
    checks={"those that stay hear on": ()},
)
def disconnection(stage: Stage) -> None:
    staying, leaving = stage.members(2)
    leaving.disconnect()
    task = stage.create_task()
    stage.check("those that stay hear on", stage.missing([staying], [task]), f"task {task.task_id}")


@scenario(
    "rapid cycles",
    CORE,
    STRESS,
    checks={f"{CYCLES} of {CYCLES} cycles connect and join": ()},
)
def cycling(stage: Stage) -> None:
    failures = []
    for _ in range(CYCLES):
        client = stage.owner()
        if failure := outcome(lambda: (client.connect(), client.join(stage.project()))):  # noqa: B023
            failures.append(failure)
        client.disconnect()
    stage.check(f"{CYCLES} of {CYCLES} cycles connect and join", failures, f"{CYCLES} of {CYCLES}")


@scenario(
    "recovery of a lost connection",
    CORE,
    STRESS,
    checks={"the backend drops it": (), "it comes back": (), "it hears its room again": ()},
)
def recovery(stage: Stage) -> None:
    client = stage.member(measured=False, reconnects=True)
    ended = client.expect_end()
    began_s = time.perf_counter()
    client.send_packet("no packet")
    kept = "" if ended.wait(stage.patience_s) else "it is still connected"
    stage.check("the backend drops it", kept, client.end_reason)
    back = stage.wait_until(lambda: client.connected and client.joined_again, 2 * stage.patience_s)
    took_ms = (time.perf_counter() - began_s) * 1000
    stage.check("it comes back", "" if back else f"it did not within {took_ms:.0f} ms", f"after {took_ms:.0f} ms")
    if back:
        stage.answered("recovery", took_ms)
        task = stage.create_task()
        stage.check("it hears its room again", stage.missing([client], [task]), f"task {task.task_id}")


@scenario(
    "many at once",
    STRESS,
    checks={f"{CLIENTS} of {CLIENTS} clients connect": (), f"{CLIENTS} of {CLIENTS} are let into the room": ()},
)
def many(stage: Stage) -> None:
    clients = [stage.owner() for _ in range(CLIENTS)]
    with stage.overload():
        took_ms = stage.helper.wait_for_connections(clients)
        stage.answered(f"connect {CLIENTS}", took_ms)
        gone = [client.end_reason or "it is not connected" for client in clients if not client.connected]
        stage.check(f"{CLIENTS} of {CLIENTS} clients connect", gone, f"{CLIENTS}, {took_ms:.0f} ms")
        stage.helper.join(clients, stage.project())
    stage.check(f"{CLIENTS} of {CLIENTS} are let into the room", "", "all of them")


@scenario(
    "acknowledgements",
    CORE,
    checks={"a join is acknowledged": (can.ACKS,)},
)
def acknowledgements(stage: Stage) -> None:
    client = stage.member()
    stage.check("a join is acknowledged", "", client.call(contract.JOIN, stage.project(), stage.patience_s))


@scenario(
    "clients that come and go",
    INTEGRATION,
    checks={
        "who stays hears everything": (),
        "who comes late hears what comes then": (),
        "who left hears no more": (can.LEAVE,),
    },
)
def coming_and_going(stage: Stage) -> None:
    staying, leaving = stage.members(2)
    first = stage.create_task()
    stage.hears_of(leaving, first)
    if stage.can(can.LEAVE):
        leaving.leave(stage.project())
    stage.forget(leaving)
    second = stage.create_task()
    late = stage.member()
    third = stage.create_task()
    gone = stage.missing([late], [third])
    stage.check("who comes late hears what comes then", gone, f"task {third.task_id}")
    stage.check("who stays hears everything", stage.missing([staying], [first, second, third]), "3 tasks")
    stage.pause()
    stage.check("who left hears no more", leaving.heard, "nothing came after it had left")
