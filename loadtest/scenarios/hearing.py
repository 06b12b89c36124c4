"""Tasks, and what clients heard of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from loadtest.backends.prometheus import contract

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtest.backends.plan import Room
    from loadtest.clients.inbox import Heard


class Listener(Protocol):
    """A client, as far as it hears."""

    heard: list[Heard]
    end_reason: str

    @property
    def connected(self) -> bool:
        """Whether it is connected now."""
        ...


ENDS: Final = (contract.COMPLETED, contract.FAILED)
"""How a task may end: without Docker always FAILED, with it as the agent's work goes."""

_WORK: Final = tuple(
    f"[{tag}]"
    for tag in (
        *(contract.TAG_GIT, contract.TAG_COMMAND, contract.TAG_RESULT, contract.TAG_MEMORY),
        *(contract.TAG_THOUGHT, contract.TAG_TOOL),
    )
)


@dataclass(frozen=True, slots=True)
class Task:
    """A task that was created.

    title: comes back in the first log.
    room: its project's.
    by_agent: whether the room's agent works on it; otherwise the backend itself does.
    """

    task_id: str
    title: str
    room: Room
    by_agent: bool = True

    @property
    def project_id(self) -> str:
        """The id of its project, which is its room's name."""
        return self.room.project_id

    @property
    def agent_id(self) -> str:
        """Who has to be named in its events."""
        return self.room.agent_id if self.by_agent else contract.SYSTEM_AGENT_ID

    @property
    def agent_name(self) -> str:
        """The name that belongs to that id."""
        return contract.agent_name(self.agent_id) if self.by_agent else contract.SYSTEM_AGENT_NAME


def updates_of(client: Listener, task: Task) -> list[Heard]:
    """A task's updates that a client heard, in order."""
    return [one for one in client.heard if _is_update(one) and one.data.get("taskId") == task.task_id]


def statuses_of(client: Listener, task: Task) -> list[str]:
    """The statuses of a task that a client heard of, in order."""
    return [str(update.data.get("newStatus")) for update in updates_of(client, task)]


def acceptances_of(client: Listener, task: Task) -> list[Heard]:
    """The logs that a client heard in which a task is accepted. An agent may quote the title in others, too."""
    accepted = contract.LOG_ACCEPTED.format(title=task.title)
    return [one for one in client.heard if _text(one) == accepted]


def heard_of(client: Listener, task: Task) -> list[Heard]:
    """Everything that a client heard of a task, in order.

    For a client outside the task's room. What names no task is told by its agent, who works in one room only.
    """
    return [
        one
        for one in client.heard
        if isinstance(one.data, dict)
        and (
            one.data.get("taskId") == task.task_id
            or f'"{task.title}"' in _text(one)
            or (task.by_agent and one.data.get("agentId") == task.agent_id)
        )
    ]


def ended_of(client: Listener) -> set[str]:
    """The ids of the tasks of whose end a client heard."""
    return {str(one.data.get("taskId")) for one in client.heard if _is_update(one) and _status(one) in ENDS}


def is_of_work(one: Heard, task: Task) -> bool:
    """Whether an event is a log that only agents at work send, which takes Docker, and of the task's agent."""
    return is_by_work(_text(one)) and one.data.get("agentId") == task.agent_id


def is_by_work(text: str) -> bool:
    """Whether a log's text is one that only agents at work send."""
    return text.startswith(_WORK)


class Missing:
    """Who has not heard yet of the end of which tasks; looks only at whom something is missing at."""

    def __init__(self, clients: Sequence[Listener], tasks: Sequence[Task]) -> None:
        self._clients = clients
        self._tasks = {task.task_id: task for task in tasks}
        wanted = set(self._tasks)
        self._left = dict.fromkeys(range(len(clients)), wanted)

    def nothing(self) -> bool:
        """Whether nobody misses anything any more."""
        for number in list(self._left):
            self._left[number] = self._left[number] - ended_of(self._clients[number])
            if not self._left[number]:
                del self._left[number]
        return not self._left

    def tasks(self) -> list[Task]:
        """The tasks of whose end somebody has not heard."""
        left = set().union(*self._left.values())
        return [task for task_id, task in self._tasks.items() if task_id in left]

    def __str__(self) -> str:
        if not self._left:
            return ""
        number, gone = max(self._left.items(), key=lambda item: len(item[1]))
        client = self._clients[number]
        return (
            f"{len(self._left)} of {len(self._clients)} clients did not hear the end of all {len(self._tasks)} "
            f"tasks; number {number} ({'connected' if client.connected else client.end_reason}) missed {len(gone)}"
        )


def _is_update(one: Heard) -> bool:
    return one.event == contract.TASK_STATUS_UPDATE and isinstance(one.data, dict)


def _status(one: Heard) -> Any:
    return one.data.get("newStatus")


def _text(one: Heard) -> str:
    """The text of a log; empty of everything else."""
    return str(one.data.get("message")) if one.event == contract.AGENT_LOG and isinstance(one.data, dict) else ""
