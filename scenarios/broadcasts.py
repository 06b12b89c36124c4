"""What a task's life sends to its room: updates, logs, to one and to many, in order and once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import gevent

from backend import contract
from clients.errors import NoAnswerError

from . import capabilities as can
from .company import SkipError
from .hearing import Task, logs_of, statuses_of, titles_of, updates_of
from .scenario import CORE, INTEGRATION, STRESS, scenario

if TYPE_CHECKING:
    from .stage import Stage

CLIENTS: Final = 20
SEQUENCE: Final = 5
VOLUME: Final = 20
_BURST: Final = contract.BURST_WITH_AGENT
_STATUSES: Final = [contract.IN_PROGRESS, contract.FAILED]
_ISO_8601: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@scenario(
    "task status updates",
    CORE,
    checks={
        "the start and the end are told, in order": (),
        "they name the agent": (),
        "a PATCH is told": (can.PATCH,),
    },
)
def updates(stage: Stage) -> None:
    client = stage.member()
    task = stage.create_task()
    stage.hears_of(client, task)
    stage.check(
        "the start and the end are told, in order",
        statuses_of(client, task) == _STATUSES,
        statuses_of(client, task) or "nothing came",
    )
    named = [(update.get("agentId"), update.get("agentName")) for update in updates_of(client, task)]
    right = all(name == contract.agent_name(str(agent)) for agent, name in named) and bool(named)
    stage.check("they name the agent", right, named)
    if not stage.can(can.PATCH):
        return
    path = f"{contract.tasks_path(task.project_id)}/{task.task_id}"
    answer = stage.request("PATCH", path, stage.token(), {"status": contract.COMPLETED})
    if answer.status != 200:
        raise SkipError(f"PATCH was answered with {answer.status}: {answer.message}")
    told = stage.wait_until(lambda: contract.COMPLETED in statuses_of(client, task))
    stage.check("a PATCH is told", told, statuses_of(client, task))


@scenario(
    "agent logs",
    CORE,
    checks={
        "five logs come, in order": (),
        "the first has the title": (),
        "their time is an ISO 8601 timestamp": (),
    },
)
def logs(stage: Stage) -> None:
    room = stage.private_room()
    client = stage.enter(stage.owner(measured=False), room.project_id)
    task = stage.task_in(room)
    steps = [step for step in _BURST if step.event == contract.AGENT_LOG]
    stage.wait_until(lambda: len(logs_of(client)) >= len(steps))
    came = [str(log.get("message")) for log in logs_of(client)]
    expected = [_pattern(step) for step in steps]
    in_order = len(came) == len(steps) and all(
        re.fullmatch(pattern, message) for pattern, message in zip(expected, came, strict=True)
    )
    stage.check("five logs come, in order", in_order, [message[:60] for message in came])
    stage.check("the first has the title", bool(came) and task.title in came[0], came[:1])
    times = [str(log.get("timestamp")) for log in logs_of(client)]
    iso = bool(times) and all(_ISO_8601.fullmatch(one) for one in times)
    stage.check("their time is an ISO 8601 timestamp", iso, times[:1])


def _pattern(step: contract.BurstEvent) -> str:
    return re.sub(r"\\\{\w+\\\}", ".*", re.escape(step.template.replace("{status}", step.status)))


@scenario(
    "a task without an agent",
    CORE,
    checks={"three events come, by the system": ()},
)
def system(stage: Stage) -> None:
    room = stage.private_room()
    client = stage.enter(stage.owner(measured=False), room.project_id)
    stage.task_in(room, agent=False)
    stage.wait_until(lambda: len(client.heard) >= len(contract.BURST_WITHOUT_AGENT))
    stage.stays_quiet(lambda: len(client.heard) > len(contract.BURST_WITHOUT_AGENT))
    came = [(one.event, one.data.get("agentId"), one.data.get("agentName")) for one in client.heard]
    wanted = [
        (step.event, contract.SYSTEM_AGENT_ID, contract.SYSTEM_AGENT_NAME) for step in contract.BURST_WITHOUT_AGENT
    ]
    stage.check("three events come, by the system", came == wanted, came)


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
    stage.check(f"{CLIENTS} of {CLIENTS} clients get it", not gone, gone or "all of them")
    stage.stays_quiet(lambda: any(len(updates_of(client, task)) > 2 for client in clients))
    twice = [number for number, client in enumerate(clients) if len(updates_of(client, task)) > 2]
    titles = [number for number, client in enumerate(clients) if titles_of(client, task) > 1]
    stage.check(
        "each of them once", not twice and not titles, f"more than once: clients {twice or titles or 'none'}"
    )


@scenario(
    "sequential updates",
    CORE,
    checks={"each task's updates are in order": (), "the tasks are in order": ()},
)
def sequential(stage: Stage) -> None:
    client = stage.member()
    tasks = []
    for _ in range(SEQUENCE):
        tasks.append(stage.create_task())
        stage.hears_of(client, tasks[-1])
    came = [statuses_of(client, task) for task in tasks]
    stage.check("each task's updates are in order", came == [_STATUSES] * SEQUENCE, came)
    ids = {task.task_id for task in tasks}
    heard = [one.data.get("taskId") for one in client.heard if one.event == contract.TASK_STATUS_UPDATE]
    order = list(dict.fromkeys(one for one in heard if one in ids))
    stage.check("the tasks are in order", order == [task.task_id for task in tasks], f"{len(order)} tasks")


@scenario(
    "high volume",
    STRESS,
    checks={
        f"{CLIENTS} clients hear of {VOLUME} tasks at once": (),
        "each task's updates are in order": (),
    },
)
def volume(stage: Stage) -> None:
    clients = stage.members(CLIENTS)
    running = [gevent.spawn(_create, stage) for _ in range(VOLUME)]
    gevent.joinall(running)
    tasks = [one.value for one in running if isinstance(one.value, Task)]
    if len(tasks) < VOLUME:
        raise NoAnswerError(f"{VOLUME - len(tasks)} of {VOLUME} tasks could not be made")
    gone = stage.missing(clients, tasks)
    stage.check(f"{CLIENTS} clients hear of {VOLUME} tasks at once", not gone, gone or f"{CLIENTS * VOLUME} times")
    wrong = [
        statuses_of(client, task) for client in clients for task in tasks if statuses_of(client, task) != _STATUSES
    ]
    stage.check("each task's updates are in order", not wrong, f"{len(wrong)} are not: {wrong[:1]}")


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
    stage.wait_until(lambda: len(client.heard) >= len(_BURST))
    client.heard.clear()
    answer = stage.request("POST", contract.ORCHESTRATOR_RUN.format(task_id=task.task_id), stage.token())
    told = answer.status == 201 and stage.wait_until(lambda: statuses_of(client, task) == _STATUSES)
    stage.check("a task is run when it is told to", told, f"{answer.status}, {statuses_of(client, task)}")
