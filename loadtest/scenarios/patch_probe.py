"""The probe of whether a PATCH of a task's status reaches its room. It does not mistake an agent's update for one.

The task has no agent. The probe waits until the task's own updates are over, then patches it to COMPLETED, PENDING
and COMPLETED again, each time after a silence. No agent sets a task to PENDING. Each silence is longer than the
one between the last two updates, so that an update that the backend repeats by itself falls into it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import gevent

from loadtest.backends.prometheus import contract
from loadtest.scenarios.capabilities import Answer
from loadtest.scenarios.hearing import ended_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.backends.rest import Answer as RestAnswer
    from loadtest.clients.client import Client
    from loadtest.clients.inbox import Heard

_STATUSES: Final = (contract.COMPLETED, contract.PENDING, contract.COMPLETED)
_OWN_UPDATES_S: Final = 3.0
"""Maximum time for a task without an agent to end, or to fall silent after a PATCH, in seconds."""
_QUIET_S: Final = 0.25
_LONGER: Final = 1.25
_TICK_S: Final = 0.01


def ask(client: Client, task_id: str, patch: Callable[[str], RestAnswer], wait_s: float) -> Answer:
    """Patch a task until it is certain whether its room receives the update.

    :param client: a client that joined the task's room before the task was made, and keeps its updates.
    :param task_id: the id of a task without an agent.
    :param patch: sends a PATCH of the status.
    :param wait_s: how long an update may take, in seconds.
    """
    if not _wait(lambda: task_id in ended_of(client), _OWN_UPDATES_S) and _updates(client, task_id):
        return Answer(None, f"a task without an agent was still worked on after {_OWN_UPDATES_S:g} s")
    for number, status in enumerate(_STATUSES, 1):
        if not _falls_silent(client, task_id):
            return Answer(None, f"a task's own updates did not end: {_last(client, task_id)} came without a PATCH")
        before = len(_updates(client, task_id))
        answer = patch(status)
        if answer.status != 200:
            return Answer(None, f"PATCH was answered with {answer.status} {answer.message}")
        if not _wait(lambda: status in _statuses(client, task_id)[before:], wait_s):  # noqa: B023
            came = ", ".join(_statuses(client, task_id)[before:]) or "nothing"
            said = f"PATCH {number} of {len(_STATUSES)}, to {status}: expected its update within {wait_s:.1f} s"
            return Answer(False, f"{said}, got {came}")
    return Answer(True, f"{len(_STATUSES)} of {len(_STATUSES)} PATCHes were told: {', '.join(_STATUSES)}")


def _falls_silent(client: Client, task_id: str) -> bool:
    """Wait until a task is silent for longer than between its last two updates; return whether it was in time."""
    at_s = [one.at_ns / 1e9 for one in _updates(client, task_id)]
    gap_s = at_s[-1] - at_s[-2] if len(at_s) > 1 else 0.0
    quiet_s = max(_QUIET_S, _LONGER * gap_s)
    deadline_s = time.monotonic() + quiet_s + _OWN_UPDATES_S
    seen, since_s = len(at_s), time.monotonic()
    while time.monotonic() - since_s < quiet_s:
        gevent.sleep(_TICK_S)
        if len(_updates(client, task_id)) > seen:
            seen, since_s = len(_updates(client, task_id)), time.monotonic()
        if since_s + quiet_s > deadline_s:
            return False
    return True


def _wait(condition: Callable[[], bool], for_s: float) -> bool:
    deadline_s = time.monotonic() + for_s
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        gevent.sleep(_TICK_S)
    return True


def _updates(client: Client, task_id: str) -> list[Heard]:
    return [one for one in client.heard if isinstance(one.data, dict) and one.data.get("taskId") == task_id]


def _statuses(client: Client, task_id: str) -> list[Any]:
    return [one.data.get("newStatus") for one in _updates(client, task_id)]


def _last(client: Client, task_id: str) -> str:
    return str(_statuses(client, task_id)[-1])
