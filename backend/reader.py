"""How this backend's broadcasts carry a trace: the title inside one `agentLog`, the id in `taskStatusUpdate`."""

from __future__ import annotations

import re

from measure.sighting import Corrupt, Keyed, Sighting, Slot, Traced, Untraced
from measure.trace import CorruptTraceError, find

from . import contract

_TASK_ID = re.compile(rb'"taskId":"([0-9a-f-]{36})"')
_NEW_STATUS = re.compile(rb'"newStatus":"([A-Z_]+)"')

_ACCEPTED = 0
_STATUS_SLOTS = {contract.IN_PROGRESS.encode(): 1, contract.FAILED.encode(): 2}


def _step(place: int, step: contract.BurstEvent) -> str:
    return f"{step.event} {place} {step.label}"


def _words(step: contract.BurstEvent) -> bytes:
    """What a log's text always has, as it stands in a frame."""
    if step.status:
        return step.template.format(status=step.status).encode()
    return re.split('[{"]', step.template)[0].encode()


_UNTRACED_LOGS = {
    _words(step): _step(place, step)
    for place, step in enumerate(contract.BURST_WITH_AGENT, 1)
    if step.event == contract.AGENT_LOG and place > 1
}


class Reader:
    """Reads the burst of a task that has an agent. See `measure.sighting.FrameReader`."""

    slots: tuple[Slot, ...] = (
        Slot(contract.AGENT_LOG, "accepted"),
        Slot(contract.TASK_STATUS_UPDATE, contract.IN_PROGRESS),
        Slot(contract.TASK_STATUS_UPDATE, contract.FAILED),
    )
    untraced: tuple[str, ...] = tuple(_UNTRACED_LOGS.values())
    events: tuple[str, ...] = (contract.AGENT_LOG, contract.TASK_STATUS_UPDATE)

    def read(self, event: str, frame: bytes) -> Sighting:
        """Tell what a frame of one of `events` is."""
        if event == contract.TASK_STATUS_UPDATE:
            task_id = _TASK_ID.search(frame)
            status = _NEW_STATUS.search(frame)
            if task_id is None or status is None:
                return Corrupt()
            slot = _STATUS_SLOTS.get(status[1])
            return Untraced(f"{event}, another status") if slot is None else Keyed(slot, task_id[1].decode())
        try:
            trace = find(frame)
        except CorruptTraceError:
            return Corrupt()
        if trace is not None:
            return Traced(_ACCEPTED, trace)
        known = (step for words, step in _UNTRACED_LOGS.items() if words in frame)
        return Untraced(next(known, f"{event}, another text"))
