"""What a task's life sends to its room: updates, logs, to one and to many, in order and once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import gevent

from loadtest.backends.prometheus import contract
from loadtest.clients.errors import NoAnswerError
from loadtest.scenarios import capabilities as can
from loadtest.scenarios.company import SkipError
from loadtest.scenarios.hearing import Task, acceptances_of, heard_of, statuses_of, updates_of
from loadtest.scenarios.scenario import CORE, INTEGRATION, STRESS, scenario
from loadtest.scenarios.task_events import (
    wrong_known_events,
    wrong_order,
    wrong_payloads,
    wrong_statuses,
    wrong_times,
    wrong_title,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loadtest.clients.client import Client
    from loadtest.clients.inbox import Heard
    from loadtest.scenarios.stage import Stage

CLIENTS: Final = 20
SEQUENCE: Final = 5
VOLUME: Final = 20
LONG_TITLE: Final = ': "quoted", <b>bold</b> & back\\slash, Задача № 5, 任务, \U0001f600 ' + 130 * "x"
"""Ends a title that is near the limit, and has to come back as it is."""


@scenario(
    "task status updates",
    CORE,
    checks={
        "the start and the end are told, in order": (),
        "they name the agent": (),
        "a PATCH is told": (can.PATCH,),
        "a PATCH is told once, and to its room alone": (can.PATCH,),
    },
)
def updates(stage: Stage) -> None:
    client, outsiders = stage.member(), stage.outsiders()
    task = stage.create_task()
    stage.hears_of(client, task)
    stage.pause()
    told = statuses_of(client, task)
    stage.check("the start and the end are told, in order", wrong_statuses(told), ", ".join(told))
    came = [*acceptances_of(client, task), *updates_of(client, task)]
    wrong = wrong_payloads(task, came) or ("" if came else "nothing came")
    stage.check("they name the agent", wrong, f"{len(came)} events of {task.agent_name}")
    if stage.can(can.PATCH):
        _patch(stage, client, outsiders, task)


def _patch(stage: Stage, client: Client, outsiders: Iterable[Client], task: Task) -> None:
    # A status that no agent sets: an agent's own COMPLETED could be mistaken for the PATCH's.
    before = len(updates_of(client, task))
    path = f"{contract.tasks_path(task.project_id)}/{task.task_id}"
    answer = stage.request("PATCH", path, stage.token(), {"status": contract.PENDING})
    if answer.status != 200:
        raise SkipError(f"PATCH was answered with {answer.status}: {answer.message}")
    stage.wait_until(lambda: len(updates_of(client, task)) > before)
    stage.pause()
    told = updates_of(client, task)[before:]
    statuses = [str(one.data.get("newStatus")) for one in told]
    missing = "" if contract.PENDING in statuses else f"expected {contract.PENDING}, got {statuses or 'nothing'}"
    wrong = missing or wrong_payloads(task, told)
    stage.check("a PATCH is told", wrong, f"{contract.PENDING}, by {task.agent_name}")
    elsewhere = [one for outsider in outsiders for one in heard_of(outsider, task)]
    times = statuses.count(contract.PENDING)
    stage.check(
        "a PATCH is told once, and to its room alone",
        elsewhere or ("" if times == 1 else f"it was told {times} times"),
        "once, and nobody outside of the room heard it",
    )


@scenario(
    "agent logs",
    CORE,
    checks={
        "they come in order, each once": (),
        "the first has the title": (),
        "their times are ISO 8601, and of now": (),
        "they name the agent": (),
    },
)
def logs(stage: Stage) -> None:
    room = stage.private_room()
    client = stage.enter(stage.owner(measured=False), room.project_id)
    task = stage.task_in(room, title=f"{stage.random.getrandbits(64):016x}{LONG_TITLE}")
    missing = "" if stage.hears_of(client, task) else "its end did not come, "
    stage.pause()
    heard = list(client.heard)
    wrong = wrong_order(task, heard)
    stage.check("they come in order, each once", wrong and missing + wrong, f"{len(heard)} events")
    stage.check("the first has the title", wrong_title(task, heard), task.title)
    stage.check("their times are ISO 8601, and of now", wrong_times(heard) or _nothing(heard), "all of them")
    stage.check("they name the agent", wrong_payloads(task, heard) or _nothing(heard), task.agent_name)


def _nothing(heard: list[Heard]) -> str:
    return "" if heard else "nothing came"


@scenario(
    "a task without an agent",
    CORE,
    checks={"three events come, by the system": ()},
)
def system(stage: Stage) -> None:
    room = stage.private_room()
    client = stage.enter(stage.owner(measured=False), room.project_id)
    task = stage.task_in(room, agent=False)
    stage.hears_of(client, task)
    stage.pause()
    heard = list(client.heard)
    wrong = wrong_order(task, heard) or wrong_title(task, heard) or wrong_payloads(task, heard)
    stage.check("three events come, by the system", wrong or wrong_times(heard), f"{len(heard)} events")


@scenario(
    "one broadcast to many",
    CORE,
    INTEGRATION,
    checks={f"{CLIENTS} of {CLIENTS} clients get it": (), "each of them once": ()},
)
def many(stage: Stage) -> None:
    clients = stage.members(CLIENTS)
    task = stage.create_task()
    gone = stage.missing(clients, [task])
    stage.check(f"{CLIENTS} of {CLIENTS} clients get it", gone, "all of them")
    stage.pause()
    wrong = [f"client {number}: {one}" for number, one in _wrong(clients, [task])]
    stage.check("each of them once", wrong, "title, start and end, each once")


def _wrong(clients: Iterable[Client], tasks: Iterable[Task]) -> list[tuple[int, str]]:
    """Return which clients got the events of which tasks wrong."""
    found = ((number, wrong_known_events(client, one)) for number, client in enumerate(clients) for one in tasks)
    return [(number, wrong) for number, wrong in found if wrong]


@scenario(
    "sequential updates",
    CORE,
    checks={"each task's events are in order": (), "the tasks are in order": ()},
)
def sequential(stage: Stage) -> None:
    client = stage.member()
    tasks: list[Task] = []
    for _ in range(SEQUENCE):
        tasks.append(stage.create_task())
        # Its start, and not its end: an agent may work on it for minutes, and others begin meanwhile.
        stage.wait_until(lambda: bool(statuses_of(client, tasks[-1])))
    stage.missing([client], tasks)
    stage.pause()
    wrong = [one for _, one in _wrong([client], tasks)]
    stage.check("each task's events are in order", wrong, f"{SEQUENCE} tasks: title, start, end")
    stage.check("the tasks are in order", _wrong_sequence(client, tasks), f"{SEQUENCE} tasks")


def _wrong_sequence(client: Client, tasks: list[Task]) -> str:
    """Return which kind of first events did not come in the order of their tasks; empty if all did."""
    for kind, of in (("titles", acceptances_of), ("starts", updates_of)):
        firsts = [next(iter(of(client, task)), None) for task in tasks]
        places = [len(client.heard) if one is None else client.heard.index(one) for one in firsts]
        order = sorted(range(len(tasks)), key=places.__getitem__)
        if order != list(range(len(tasks))):
            return f"the {kind} of the tasks came in the order {order}"
    return ""


@scenario(
    "high volume",
    STRESS,
    checks={
        f"{CLIENTS} clients hear of {VOLUME} tasks at once": (),
        "each task's events are in order": (),
    },
)
def volume(stage: Stage) -> None:
    with stage.overload():
        clients = stage.members(CLIENTS)
        running = [gevent.spawn(_create, stage) for _ in range(VOLUME)]
        gevent.joinall(running)
        tasks = [one.value for one in running if isinstance(one.value, Task)]
        if len(tasks) < VOLUME:
            raise NoAnswerError(f"{VOLUME - len(tasks)} of {VOLUME} tasks could not be made")
    # Agents may work on them for minutes, which is no overload.
    gone = stage.missing(clients, tasks)
    stage.check(f"{CLIENTS} clients hear of {VOLUME} tasks at once", gone, f"{CLIENTS * VOLUME} times")
    stage.pause()
    wrong = [f"client {number}: {one}" for number, one in _wrong(clients, tasks)]
    stage.check("each task's events are in order", wrong, f"{CLIENTS * VOLUME} times: title, start, end")


def _create(stage: Stage) -> Task | None:
    try:
        return stage.create_task()
    except (SkipError, NoAnswerError):
        return None


@scenario(
    "the orchestrator",
    INTEGRATION,
    checks={"a task is run when it is told to": (can.RUN,)},
)
def orchestrator(stage: Stage) -> None:
    room = stage.private_room()
    client = stage.enter(stage.owner(measured=False), room.project_id)
    task = stage.task_in(room)
    stage.hears_of(client, task)
    stage.forget(client)
    answer = stage.request("POST", contract.ORCHESTRATOR_RUN.format(task_id=task.task_id), stage.token())
    refused = "" if answer.status == 201 else f"it was answered with {answer.status}: {answer.message}"
    if not refused:
        stage.hears_of(client, task)
        stage.pause()
    heard = list(client.heard)
    wrong = refused or wrong_order(task, heard) or wrong_payloads(task, heard)
    stage.check("a task is run when it is told to", wrong, f"201, and {len(heard)} events")
