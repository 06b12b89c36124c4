"""How this backend's broadcasts carry a trace: the title inside one `agentLog`, the id in `taskStatusUpdate`.

Whatever carries none names its agent. Each room of a run has an agent of its own, which leads to the room. Tasks
without an agent all name the same one, `system`, which leads nowhere.

An agent at work sends any number of logs with any text. The reader counts them by the tag at the start of their
text. None of them is expected, because their number is not known in advance.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from loadtest.backends.prometheus import contract
from loadtest.measurement.sighting import Corrupt, Keyed, Slot, Traced, Untraced
from loadtest.measurement.trace import CorruptTraceError, find

if TYPE_CHECKING:
    from loadtest.measurement.sighting import Sighting

_TASK_ID: Final = re.compile(rb'"taskId":"([0-9a-f-]{36})"')
_NEW_STATUS: Final = re.compile(rb'"newStatus":"([A-Z_]+)"')
_TAG: Final = re.compile(rb'"message":\s?"\[([^\]"]{1,120})\]')
_AGENT_ID: Final = re.compile(rb'"agentId":\s?"([^"\\]{1,120})"')
_STATUS_LOG: Final = re.compile(f'{re.escape(contract.LOG_STATUS.split("{")[0])}([A-Z_]+)"'.encode())

_ACCEPTED: Final = 0
_STATUS_SLOTS: Final = {
    contract.IN_PROGRESS.encode(): 1,
    contract.COMPLETED.encode(): 2,
    contract.FAILED.encode(): 2,
}

_STEPS: Final = {
    contract.TAG_ORCHESTRATOR: "orchestrator",
    contract.TAG_STATUS: "status",
    contract.TAG_DOCKER: "docker",
    contract.TAG_GIT: "git",
    contract.TAG_COMMAND: "command",
    contract.TAG_RESULT: "result",
    contract.TAG_MEMORY: "memory",
    contract.TAG_THOUGHT: "thought",
    contract.TAG_TOOL: "tool",
}
"""Tag of a log's text -> the name of the step."""


def _step(name: str) -> str:
    return f"{contract.AGENT_LOG} {name}"


class Reader:
    """Reads the broadcasts of a task that has an agent. See `measurement.sighting.FrameReader`."""

    slots: tuple[Slot, ...] = (
        Slot(contract.AGENT_LOG, "accepted"),
        Slot(contract.TASK_STATUS_UPDATE, contract.IN_PROGRESS),
        Slot(contract.TASK_STATUS_UPDATE, "final", is_completion=True),
    )
    untraced: tuple[str, ...] = (_step(f"status {contract.IN_PROGRESS}"),)
    events: tuple[str, ...] = (contract.AGENT_LOG, contract.TASK_STATUS_UPDATE)

    def read(self, event: str, frame: bytes) -> Sighting:
        """Tell what a frame of one of `events` is."""
        return _read_status(frame) if event == contract.TASK_STATUS_UPDATE else _read_log(frame)


def _read_status(frame: bytes) -> Sighting:
    task_id, status = _TASK_ID.search(frame), _NEW_STATUS.search(frame)
    if task_id is None or status is None:
        return Corrupt()
    slot = _STATUS_SLOTS.get(status[1])
    if slot is None:
        return Untraced(f"{contract.TASK_STATUS_UPDATE}, another status", _agent(frame))
    return Keyed(slot, task_id[1].decode(), _agent(frame))


def _agent(frame: bytes) -> str | None:
    """Return the agent that an event names; empty if it names none.

    None for the one that all tasks without an agent name. An agent's text may contain the same words, but with a
    backslash before each quotation mark.
    """
    found = _AGENT_ID.search(frame)
    if found is None:
        return ""
    agent_id = found[1].decode("utf-8", "replace")
    return None if agent_id == contract.SYSTEM_AGENT_ID else agent_id


def _read_log(frame: bytes) -> Sighting:
    tag = _tag(frame)
    if tag in _STEPS and tag != contract.TAG_ORCHESTRATOR:
        # An agent may quote a title or a part of it. Only the log that accepts the task carries the trace.
        status = _STATUS_LOG.search(frame) if tag == contract.TAG_STATUS else None
        name = _STEPS[tag] if status is None else f"status {status[1].decode()}"
        return Untraced(_step(name), _agent(frame))
    try:
        trace = find(frame)
    except CorruptTraceError:
        return Corrupt()
    if trace is not None:
        return Traced(_ACCEPTED, trace)
    return Untraced(_step(_STEPS[tag]) if tag in _STEPS else f"{contract.AGENT_LOG}, another text", _agent(frame))


def _tag(frame: bytes) -> str:
    """Return the tag that a log's text begins with; empty if there is none."""
    found = _TAG.search(frame)
    if found is None:
        return ""
    try:
        # A server may escape every character outside ASCII.
        tag = json.loads(b'"%b"' % found[1])
    except ValueError:
        return ""
    return str(tag)
