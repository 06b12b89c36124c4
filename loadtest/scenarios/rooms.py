"""Joining rooms, leaving them, being in several, and being kept out."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from loadtest.backends.prometheus import contract
from loadtest.clients.errors import EventTimeoutError
from loadtest.scenarios import capabilities as can
from loadtest.scenarios.company import SkipError
from loadtest.scenarios.hearing import heard_of, statuses_of
from loadtest.scenarios.scenario import CORE, STRESS, scenario
from loadtest.scenarios.task_events import wrong_known_events

if TYPE_CHECKING:
    from loadtest.clients.client import Client
    from loadtest.scenarios.stage import Stage

ROOMS: Final = 3
SWITCHES: Final = 100
MADE_UP: Final[tuple[Any, ...]] = (
    "00000000-0000-4000-8000-000000000000",
    "no-such-room",
    "",
    " ",
    "../../etc/passwd",
    "'; DROP TABLE projects; --",
    "x" * 10_000,
    "\x00",
    None,
    True,
    0,
    -1.5,
    {},
    {"projectId": "x"},
    [],
)
"""Room ids that are no project's."""


@scenario(
    "joining and leaving",
    CORE,
    checks={
        "a join is answered": (),
        "a leave is answered": (can.LEAVE,),
        "nothing is heard after leaving": (can.LEAVE,),
    },
)
def leaving(stage: Stage) -> None:
    witness, client = stage.member(), stage.member()
    stage.check("a join is answered", "", "joined")
    if not stage.can(can.LEAVE):
        return
    client.leave(stage.project())
    stage.check("a leave is answered", "", "left")
    stage.forget(client)
    task = stage.create_task()
    if not stage.hears_of(witness, task):
        raise EventTimeoutError("whoever stayed in the room heard nothing either")
    stage.pause()
    stage.check("nothing is heard after leaving", client.heard, "nothing came, and who stayed heard the task")


@scenario(
    "several rooms at once",
    CORE,
    checks={f"each of {ROOMS} rooms is heard": ()},
)
def several(stage: Stage) -> None:
    rooms = stage.own_rooms(ROOMS)
    client = stage.member(rooms[0])
    for room in rooms[1:]:
        client.join(stage.project(room))
    tasks = [stage.create_task(room) for room in rooms]
    stage.hears_of(client, *tasks)
    stage.pause()
    wrong = [one for task in tasks if (one := wrong_known_events(client, task))]
    stage.check(f"each of {ROOMS} rooms is heard", wrong, f"title, start and end of a task in each of {ROOMS}")


@scenario(
    "invalid room ids",
    CORE,
    checks={"made-up ids are refused": (can.ROOM_IDS,), "the connection survives them": ()},
)
def invalid(stage: Stage) -> None:
    client = stage.owner(measured=False)
    client.connect()
    if stage.holds("made-up ids are refused"):
        let_in = [str(room)[:40] for room in itertools.islice(filter(partial(_lets_in, client), MADE_UP), 1)]
        stage.check("made-up ids are refused", [f"{one!r} let in" for one in let_in], f"all {len(MADE_UP)} are")
    for made_up in MADE_UP:
        client.emit(contract.JOIN, made_up)
    refusal = stage.serves(client)
    stage.check("the connection survives them", refusal, "its own room can be joined afterwards")


def _lets_in(client: Client, room: Any) -> bool:
    refused = client.expect(contract.EXCEPTION)
    client.emit(contract.JOIN, room)
    try:
        refused.wait(client.patience_s)
    except EventTimeoutError:
        return True
    finally:
        client.inbox.forget(refused)
    return False


@scenario(
    "rapid room switching",
    CORE,
    STRESS,
    checks={f"{SWITCHES} of {SWITCHES} joins are answered": (), "only the last room is heard": (can.LEAVE,)},
)
def switching(stage: Stage) -> None:
    rooms = stage.own_rooms(2)
    client = stage.member(rooms[0])
    for switch in range(1, SWITCHES + 1):
        if stage.can(can.LEAVE):
            client.leave(stage.project(rooms[(switch - 1) % 2]), stage.patience_s)
        took_ms = client.join(stage.project(rooms[switch % 2]), stage.patience_s)
        stage.answered("room switch", took_ms)
    stage.check(f"{SWITCHES} of {SWITCHES} joins are answered", "", "all of them")
    stage.forget(client)
    elsewhere = stage.create_task(rooms[(SWITCHES - 1) % 2])
    here = stage.create_task(rooms[SWITCHES % 2])
    deaf = "" if stage.hears_of(client, here) else "its own room is not heard"
    stage.pause()
    stage.check("only the last room is heard", deaf or heard_of(client, elsewhere), "its own room, and no other")


@scenario(
    "isolation of rooms",
    CORE,
    checks={
        "its own room is heard": (),
        "no other room is heard": (),
        "who is in no room hears nothing": (),
    },
)
def isolation(stage: Stage) -> None:
    stage.other_room()
    here, (there, nowhere) = stage.member(), stage.outsiders()
    room = stage.private_room()
    private = stage.enter(stage.owner(measured=False), room.project_id)
    by_nobody = stage.task_in(room, agent=False)
    task = stage.create_task()
    heard = stage.hears_of(here, task) and stage.hears_of(private, by_nobody)
    told = ", ".join([*statuses_of(here, task), *statuses_of(private, by_nobody)])
    stage.check("its own room is heard", "" if heard else f"the end did not come, but {told or 'nothing'}", told)
    if not heard:
        raise SkipError("nobody heard it")
    stage.pause()
    leaked = [
        *(*heard_of(there, task), *heard_of(private, task)),
        *(*heard_of(there, by_nobody), *heard_of(here, by_nobody)),
    ]
    stage.check("no other room is heard", leaked, "nothing by the task's agent came to a member of another room")
    stage.check("who is in no room hears nothing", nowhere.heard, "nothing came")


@scenario(
    "a repeated join",
    CORE,
    checks={"it is answered again": (), "each event comes once": ()},
)
def repeated(stage: Stage) -> None:
    client = stage.member()
    for _ in range(2):
        client.join(stage.project())
    stage.check("it is answered again", "", "twice more")
    task = stage.create_task()
    stage.hears_of(client, task)
    stage.pause()
    stage.check("each event comes once", wrong_known_events(client, task), "title, start and end")
