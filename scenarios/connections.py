"""Connecting, staying, going, and coming back."""

from __future__ import annotations

import time

from backend import contract

from . import capabilities as can
from .scenario import CORE, INTEGRATION, STRESS, scenario
from .stage import Stage, outcome

CYCLES = 20
CLIENTS = 50


@scenario(
    "authenticated connection",
    CORE,
    checks={"a client with a token is let in": (), "it joins its own room": ()},
)
def authenticated(stage: Stage) -> None:
    client = stage.owner()
    stage.check("a client with a token is let in", True, f"after {client.connect():.1f} ms")
    stage.check("it joins its own room", True, f"after {client.join(stage.project()):.1f} ms")


@scenario(
    "guest connection",
    CORE,
    checks={"a guest is let in": (can.GUESTS,), "it joins no room": (can.GUESTS, can.OWN_ROOMS)},
)
def guest(stage: Stage) -> None:
    guest = stage.helper.client(measured=False)
    stage.check("a guest is let in", True, f"after {guest.connect():.1f} ms")
    refusal = outcome(lambda: guest.join(stage.project()))
    stage.check("it joins no room", bool(refusal), refusal or "it joined")


@scenario(
    "graceful disconnection",
    CORE,
    checks={"those that stay hear on": ()},
)
def disconnection(stage: Stage) -> None:
    staying, leaving = stage.members(2)
    leaving.disconnect()
    task = stage.create_task()
    stage.check("those that stay hear on", stage.hears_of(staying, task), f"task {task.task_id}")


@scenario(
    "rapid cycles",
    CORE,
    STRESS,
    checks={f"{CYCLES} of {CYCLES} cycles connect and join": ()},
)
def cycling(stage: Stage) -> None:
    done = 0
    failures = []
    for _ in range(CYCLES):
        client = stage.owner()
        if failure := outcome(lambda: (client.connect(), client.join(stage.project()))):  # noqa: B023
            failures.append(failure)
        else:
            done += 1
        client.disconnect()
    evidence = f"{done} of {CYCLES}{': ' + failures[0] if failures else ''}"
    stage.check(f"{CYCLES} of {CYCLES} cycles connect and join", done == CYCLES, evidence)


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
    stage.check("the backend drops it", ended.wait(stage.patience_s), client.end_reason or "it is still connected")
    back = stage.wait_until(lambda: client.connected and client.joined_again, 2 * stage.patience_s)
    took_ms = (time.perf_counter() - began_s) * 1000
    stage.check("it comes back", back, f"after {took_ms:.0f} ms" if back else "it does not")
    if back:
        stage.answered("recovery", took_ms)
        task = stage.create_task()
        stage.check("it hears its room again", stage.hears_of(client, task), f"task {task.task_id}")


@scenario(
    "many at once",
    STRESS,
    checks={f"{CLIENTS} of {CLIENTS} clients connect": (), f"{CLIENTS} of {CLIENTS} are let into the room": ()},
)
def many(stage: Stage) -> None:
    clients = [stage.owner() for _ in range(CLIENTS)]
    took_ms = stage.helper.wait_for_connections(clients)
    stage.answered(f"connect {CLIENTS}", took_ms)
    connected = sum(client.connected for client in clients)
    stage.check(f"{CLIENTS} of {CLIENTS} clients connect", connected == CLIENTS, f"{connected}, {took_ms:.0f} ms")
    stage.helper.join(clients, stage.project())
    stage.check(f"{CLIENTS} of {CLIENTS} are let into the room", True, "all of them")


@scenario(
    "acknowledgements",
    CORE,
    checks={"a join is acknowledged": (can.ACKS,)},
)
def acknowledgements(stage: Stage) -> None:
    client = stage.member()
    stage.check("a join is acknowledged", True, client.call(contract.JOIN, stage.project(), stage.patience_s))


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
    leaving.heard.clear()
    second = stage.create_task()
    late = stage.member()
    third = stage.create_task()
    stage.check("who comes late hears what comes then", stage.hears_of(late, third), f"task {third.task_id}")
    stage.check("who stays hears everything", stage.hears_of(staying, first, second, third), "3 tasks")
    came = [one.event for one in leaving.heard]
    stage.check("who left hears no more", not came, f"{len(came)} events after it had left")
