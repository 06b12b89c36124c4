"""What must not work: bad tokens, in all places; other users' rooms and projects; tokens of nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from loadtest.backends.endpoint import IN_AUTH, TOKEN_PLACES
from loadtest.backends.prometheus import contract
from loadtest.clients.errors import EventTimeoutError
from loadtest.scenarios import capabilities as can
from loadtest.scenarios.company import SkipError
from loadtest.scenarios.scenario import CORE, SECURITY, scenario
from loadtest.scenarios.stage import Stage, outcome

if TYPE_CHECKING:
    from loadtest.clients.client import Client

_HIDDEN: Final = (401, 403, 404)


@scenario(
    "bad tokens",
    CORE,
    SECURITY,
    checks={"none of them connects": (can.TOKEN_CHECK,), "the refusal says why": (can.TOKEN_CHECK,)},
)
def bad_tokens(stage: Stage) -> None:
    if not stage.cast.bad_tokens:
        raise SkipError("there is no good token to make bad ones from")
    let_in, silent, said = [], [], ""
    for what, token in stage.cast.bad_tokens.items():
        client = stage.helper.client(token, measured=False)
        if not outcome(client.connect):
            let_in.append(what)
        elif not client.refusal:
            silent.append(what)
        said = said or client.refusal
    all_of_them = ", ".join(stage.cast.bad_tokens)
    wrong = f"let in with a token that is: {', '.join(let_in)}" if let_in else ""
    stage.check("none of them connects", wrong, f"refused: {all_of_them}")
    wrong = "" if said and not silent else f"nothing is said of: {', '.join(silent) or all_of_them}"
    stage.check("the refusal says why", wrong, said)


@scenario(
    "bad tokens in other places",
    SECURITY,
    checks={"none of them opens a room, in header, query or cookie": (can.OWN_ROOMS,)},
)
def elsewhere(stage: Stage) -> None:
    opened = []
    for place in TOKEN_PLACES:
        endpoint = replace(stage.endpoint, token_in=place)
        for what, token in stage.cast.bad_tokens.items() if place != IN_AUTH else ():
            client = stage.helper.client(token, endpoint=endpoint, measured=False)
            if not outcome(client.connect) and not outcome(lambda: client.join(stage.project())):  # noqa: B023
                opened.append(f"{what} in {place}")
            client.disconnect()
    said = f"refused: {len(stage.cast.bad_tokens)} tokens in 3 places"
    stage.check("none of them opens a room, in header, query or cookie", opened, said)


@scenario(
    "a foreign room",
    SECURITY,
    checks={"it is refused": (can.OWN_ROOMS,), "it is not heard": (can.OWN_ROOMS,)},
)
def foreign_room(stage: Stage) -> None:
    foreign = stage.foreign()
    client = stage.owner(measured=False)
    client.connect()
    client.listen(contract.TASK_STATUS_UPDATE, contract.AGENT_LOG)
    refusal = outcome(lambda: client.join(foreign.project_id))
    stage.check("it is refused", "" if refusal else "it was joined", refusal)
    witness = stage.enter(stage.helper.client(foreign.token, measured=False), foreign.project_id)
    _is_not_heard(stage, "it is not heard", client, witness)


def _is_not_heard(stage: Stage, check: str, client: Client, witness: Client) -> None:
    task = stage.task_in(stage.foreign())
    if not stage.hears_of(witness, task):
        raise EventTimeoutError("its owner hears nothing either")
    stage.pause()
    stage.check(check, client.heard, f"nothing came, and its owner heard {len(witness.heard)} events")


@scenario(
    "guests at the door",
    SECURITY,
    checks={"a guest is let into no room": (can.OWN_ROOMS,)},
)
def guests(stage: Stage) -> None:
    guest = stage.helper.client(measured=False)
    wrong, refusal = _gets_in(stage, guest)
    stage.check("a guest is let into no room", wrong, refusal)


@scenario(
    "a token of nobody",
    SECURITY,
    checks={"REST refuses it": (can.TOKEN_ID,), "it opens no room": (can.OWN_ROOMS,)},
)
def nobody(stage: Stage) -> None:
    token = stage.cast.without_id
    if not token:
        raise SkipError("it takes the backend's own key to make one: --jwt-secret")
    wrong, refusal = _gets_in(stage, stage.helper.client(token, measured=False))
    stage.check("it opens no room", wrong, refusal)
    answer = stage.request("GET", contract.PROJECT.format(project_id=stage.project()), token)
    said = f"it was answered with {answer.status}"
    stage.check("REST refuses it", "" if answer.status == 401 else said, said)


def _gets_in(stage: Stage, client: Client) -> tuple[str, str]:
    """Return (how a client gets at the events of a room that it has no right to, how it is refused)."""
    if refusal := outcome(client.connect):
        return "", refusal
    client.listen(contract.TASK_STATUS_UPDATE, contract.AGENT_LOG)
    refusal = outcome(lambda: client.join(stage.project()))
    if not refusal:
        return "it was joined", ""
    witness = stage.member(measured=False)
    if missing := stage.missing([witness], [stage.create_task()]):
        raise EventTimeoutError(missing)
    stage.pause()
    return f"it was refused, and heard {len(client.heard)} events" if client.heard else "", refusal


@scenario(
    "bad tokens over REST",
    SECURITY,
    checks={"REST refuses all of them": (can.REST_TOKENS,)},
)
def rest_tokens(stage: Stage) -> None:
    tokens = {"none": None, **stage.cast.bad_tokens}
    statuses = {what: stage.request("GET", contract.PROJECTS, token).status for what, token in tokens.items()}
    said = ", ".join(f"{what}: {status}" for what, status in statuses.items())
    stage.check("REST refuses all of them", "" if set(statuses.values()) == {401} else said, said)


@scenario(
    "a foreign project",
    SECURITY,
    checks={"it is not shown": (), "nothing can be made or changed in it": ()},
)
def foreign_project(stage: Stage) -> None:
    foreign = stage.foreign()
    tasks = contract.tasks_path(foreign.project_id)
    task = f"{tasks}/{stage.task_in(foreign, agent=False).task_id}"
    project = contract.PROJECT.format(project_id=foreign.project_id)
    made = {"title": "by somebody else", "description": "made by a load test"}
    reading = [("GET", project, None), ("GET", tasks, None), ("GET", task, None)]
    writing = [("POST", tasks, made), ("PATCH", task, {"status": contract.FAILED})]
    for check, calls in (("it is not shown", reading), ("nothing can be made or changed in it", writing)):
        answers = [
            f"{call[0]} {call[1]}: {stage.request(*call[:2], stage.token(), call[2]).status}" for call in calls
        ]
        open_ones = [said for said in answers if int(said.rpartition(" ")[2]) not in _HIDDEN]
        stage.check(check, open_ones, ", ".join(answers))
