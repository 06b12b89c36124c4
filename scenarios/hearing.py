"""Tasks, and what clients heard of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from backend import contract

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clients.client import Client

_ENDS: Final = (contract.FAILED, contract.COMPLETED)


@dataclass(frozen=True, slots=True)
class Task:
    """A task that was created; its title comes back in the first log."""

    task_id: str
    title: str
    project_id: str


def updates_of(client: Client, task: Task) -> list[dict[str, Any]]:
    """A task's updates that a client heard, in order."""
    return [data for data in _heard(client, contract.TASK_STATUS_UPDATE) if data.get("taskId") == task.task_id]


def statuses_of(client: Client, task: Task) -> list[str]:
    """The statuses of a task that a client heard of, in order."""
    return [str(update.get("newStatus")) for update in updates_of(client, task)]


def logs_of(client: Client) -> list[dict[str, Any]]:
    """All logs that a client heard, in order."""
    return _heard(client, contract.AGENT_LOG)


def titles_of(client: Client, task: Task) -> int:
    """How many logs a client heard in which a task's title stands."""
    return sum(task.title in str(log.get("message")) for log in logs_of(client))


def heard_of(client: Client, task: Task) -> bool:
    """Whether a client heard anything of a task."""
    return bool(updates_of(client, task) or titles_of(client, task))


def ended_of(client: Client) -> set[str]:
    """The ids of the tasks of whose end a client heard."""
    heard = _heard(client, contract.TASK_STATUS_UPDATE)
    return {str(data.get("taskId")) for data in heard if data.get("newStatus") in _ENDS}


class Missing:
    """Who has not heard yet of the end of which tasks; looks only at whom something is missing at."""

    def __init__(self, clients: Sequence[Client], tasks: Sequence[Task]) -> None:
        self._clients = clients
        self._tasks = len(tasks)
        wanted = {task.task_id for task in tasks}
        self._left = dict.fromkeys(range(len(clients)), wanted)

    def nothing(self) -> bool:
        """Whether nobody misses anything any more."""
        for number in list(self._left):
            self._left[number] = self._left[number] - ended_of(self._clients[number])
            if not self._left[number]:
                del self._left[number]
        return not self._left

    def __str__(self) -> str:
        if not self._left:
            return ""
        number, gone = max(self._left.items(), key=lambda item: len(item[1]))
        client = self._clients[number]
        return (
            f"{len(self._left)} of {len(self._clients)} clients did not hear the end of all {self._tasks} tasks; "
            f"number {number} ({'connected' if client.connected else client.end_reason}) missed {len(gone)}"
        )


def _heard(client: Client, event: str) -> list[dict[str, Any]]:
    return [one.data for one in client.heard if one.event == event and isinstance(one.data, dict)]
