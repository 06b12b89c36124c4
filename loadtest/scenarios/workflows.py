"""What people do with it: dashboards, operators at work, pages that are loaded again, everybody together."""

from __future__ import annotations

from typing import Final

from loadtest.backends.prometheus import contract
from loadtest.scenarios import capabilities as can
from loadtest.scenarios.hearing import ENDS, statuses_of
from loadtest.scenarios.scenario import INTEGRATION, PRODUCTION, scenario
from loadtest.scenarios.stage import Stage, outcome

TABS: Final = 3
GROUP: Final = 5
_LOOKS: Final = 4
_LOOK_S: Final = 0.5


@scenario(
    "an operator at work",
    INTEGRATION,
    checks={"the start of its task is told": (), "its end is told": (), "REST says the same": ()},
)
def operator(stage: Stage) -> None:
    client = stage.member()
    task = stage.create_task()
    stage.hears_of(client, task)
    came = statuses_of(client, task)
    told = ", ".join(came) or "nothing came"
    stage.check("the start of its task is told", "" if contract.IN_PROGRESS in came else told, told)
    ends = [status for status in came if status in ENDS]
    stage.check("its end is told", "" if len(ends) == 1 else f"expected one end, got {told}", told)
    answer = stage.request("GET", f"{contract.tasks_path(task.project_id)}/{task.task_id}", stage.token())
    status = answer.body.get("status") if isinstance(answer.body, dict) else answer.message
    same = bool(came) and status == came[-1]
    stage.check("REST says the same", "" if same else f"REST: {status}, events: {told}", f"both: {status}")


@scenario(
    "a new project",
    INTEGRATION,
    checks={"its room can be joined": (), "its tasks are told": ()},
)
def new_project(stage: Stage) -> None:
    room = stage.private_room()
    client = stage.enter(stage.owner(measured=False), room.project_id)
    stage.check("its room can be joined", "", room.project_id)
    gone = stage.missing([client], [stage.task_in(room)])
    stage.check("its tasks are told", gone, f"{len(client.heard)} events")


@scenario(
    "owners and guests together",
    INTEGRATION,
    PRODUCTION,
    checks={"all owners hear": (), "no guest does": (can.GUESTS, can.OWN_ROOMS)},
)
def mixed(stage: Stage) -> None:
    owners = stage.members(GROUP)
    guests = []
    if stage.can(can.GUESTS):
        guests = stage.helper.create(GROUP, measured=False)
        stage.helper.wait_for_connections(guests)
        for guest in guests:
            guest.listen(contract.TASK_STATUS_UPDATE, contract.AGENT_LOG)
            guest.emit(contract.JOIN, stage.project())
    task = stage.create_task()
    gone = stage.missing(owners, [task])
    stage.check("all owners hear", gone, f"{GROUP} of {GROUP}")
    stage.pause()
    heard = [one for guest in guests for one in guest.heard]
    stage.check("no guest does", heard, f"nothing came to {len(guests)} guests")


@scenario(
    "a dashboard's session",
    PRODUCTION,
    checks={"it hears of every task": (), "its pings are answered": (can.PING,)},
)
def dashboard(stage: Stage) -> None:
    client = stage.member()
    tasks, failures = [], []
    for _ in range(_LOOKS):
        tasks.append(stage.create_task())
        stage.wait_until(lambda: not client.connected, _LOOK_S)
        if stage.can(can.PING):
            failures.append(outcome(lambda: stage.answered("ping", client.ping(stage.patience_s))))
    gone = stage.missing([client], tasks)
    stage.check("it hears of every task", gone, f"{len(tasks)} tasks")
    silent = [failure for failure in failures if failure]
    stage.check("its pings are answered", silent, f"{len(failures)} pings")


@scenario(
    "a page that is loaded again",
    PRODUCTION,
    checks={"it hears its room as before": ()},
)
def reload(stage: Stage) -> None:
    before = stage.member()
    before.disconnect()
    after = stage.member()
    task = stage.create_task()
    gone = stage.missing([after], [task])
    stage.check("it hears its room as before", gone, ", ".join(statuses_of(after, task)))


@scenario(
    "several tabs of one user",
    PRODUCTION,
    checks={"every tab hears": (), "closing one leaves the others": ()},
)
def tabs(stage: Stage) -> None:
    open_tabs = stage.members(TABS)
    gone = stage.missing(open_tabs, [stage.create_task()])
    stage.check("every tab hears", gone, f"{TABS} of {TABS}")
    open_tabs[0].disconnect()
    gone = stage.missing(open_tabs[1:], [stage.create_task()])
    stage.check("closing one leaves the others", gone, f"{TABS - 1} of {TABS - 1}")


@scenario(
    "waves of viewers",
    PRODUCTION,
    checks={"each wave hears what happens in its time": ()},
)
def waves(stage: Stage) -> None:
    trouble = ""
    present = stage.members(GROUP)
    for _ in range(3):
        coming = stage.members(GROUP)
        trouble = trouble or stage.missing([*present, *coming], [stage.create_task()])
        for client in present:
            client.disconnect()
        present = coming
    stage.check("each wave hears what happens in its time", trouble, f"3 waves of {GROUP}")
