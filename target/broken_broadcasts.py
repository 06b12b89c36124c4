"""What goes out instead of a broadcast where breakages are on; see `breakages`. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from backend import contract

from .breakages import Breakage

if TYPE_CHECKING:
    from .breakages import Breakages

Broadcast = tuple[str, dict[str, Any]]
"""(event, payload)."""

_LOGS: Final = sum(step.event == contract.AGENT_LOG for step in contract.BURST_WITH_AGENT)


class Spoiler:
    """Leaves out, spoils, holds back and swaps."""

    def __init__(self, breakages: Breakages) -> None:
        self._broken = breakages
        self._logs: dict[str, list[Broadcast]] = defaultdict(list)
        self._starts: dict[str, Broadcast] = {}
        self._late: list[Broadcast] = []

    def instead(self, room: str, event: str, payload: dict[str, Any]) -> list[Broadcast]:
        """What goes out to a room now."""
        if Breakage.DEAF in self._broken:
            return []
        if event == contract.AGENT_LOG:
            return self._of_log(room, self._spoilt_log(payload))
        return self._of_update(self._named(payload))

    def _named(self, payload: dict[str, Any]) -> dict[str, Any]:
        return {**payload, "agentName": ""} if Breakage.NAMELESS in self._broken else payload

    def _spoilt_log(self, payload: dict[str, Any]) -> dict[str, Any]:
        payload = dict(payload)
        if Breakage.NO_TITLES in self._broken and payload["message"].endswith("в работу."):
            payload["message"] = contract.LOG_ACCEPTED.format(title="…")
        if Breakage.NO_TIMES in self._broken:
            payload["timestamp"] = "just now"
        return payload

    def _of_log(self, room: str, payload: dict[str, Any]) -> list[Broadcast]:
        if Breakage.SWAPPED_LOGS not in self._broken:
            return [(contract.AGENT_LOG, payload)]
        held = self._logs[room]
        held.append((contract.AGENT_LOG, payload))
        if len(held) < _LOGS:
            return []
        del self._logs[room]
        return [*held[1:], held[0]]

    def _of_update(self, payload: dict[str, Any]) -> list[Broadcast]:
        update = (contract.TASK_STATUS_UPDATE, payload)
        started = payload["newStatus"] == contract.IN_PROGRESS
        if Breakage.SILENT_UPDATES in self._broken or (Breakage.SILENT_ENDS in self._broken and not started):
            return []
        if Breakage.SWAPPED_UPDATES in self._broken:
            if started:
                self._starts[payload["taskId"]] = update
                return []
            start = self._starts.pop(payload["taskId"], None)
            return [update] if start is None else [update, start]
        if Breakage.LATE_FIRST_TASK in self._broken:
            return self._after_the_next(update)
        return [update]

    def _after_the_next(self, update: Broadcast) -> list[Broadcast]:
        """Hold a task's updates until another task's come, and send them behind those."""
        others = [late for late in self._late if late[1]["taskId"] != update[1]["taskId"]]
        if not others:
            self._late.append(update)
            return []
        self._late = []
        return [update, *others]
