"""What goes out instead of a broadcast where breakages are on; see `breakages`. Pure."""

from __future__ import annotations

from collections import defaultdict
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from lab.reference_backend.breakages import Breakage
from loadtest.backends.prometheus import contract

if TYPE_CHECKING:
    from lab.reference_backend.breakages import Breakages

Broadcast = tuple[str, dict[str, Any]]
"""(event, payload)."""

PATCHING: Final[ContextVar[bool]] = ContextVar("PATCHING", default=False)
"""Whether what is broadcast now is a PATCH's."""
ANOTHER: Final = "99999999-2222-4333-8444-555555555555"
"""The id of another agent, or of another task."""
_LOGS: Final = sum(step.event == contract.AGENT_LOG for step in contract.BURST_WITH_AGENT)
_DOCKER: Final = f"[{contract.TAG_DOCKER}]"
_SHORT: Final = 20
_ZONE: Final = timedelta(hours=2)


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
        payload = self._named(event, payload)
        found = self._of_log(room, payload) if event == contract.AGENT_LOG else self._of_update(room, payload)
        return [one for one in found for _ in range(self._copies(*one))]

    def is_for_everybody(self, event: str, payload: dict[str, Any]) -> bool:
        """Whether it goes to every socket."""
        broken, log = self._broken, event == contract.AGENT_LOG
        return (
            Breakage.CROSSTALK in broken
            or (log and Breakage.LOG_CROSSTALK in broken and not _is_first(payload))
            or (log and Breakage.DOCKER_CROSSTALK in broken and _is_docker(payload))
            or (not log and Breakage.UPDATE_CROSSTALK in broken)
            or (Breakage.SYSTEM_CROSSTALK in broken and payload.get("agentId") == contract.SYSTEM_AGENT_ID)
            or (Breakage.PATCH_TO_EVERYBODY in broken and PATCHING.get())
        )

    def strays(self, event: str, payload: dict[str, Any]) -> bool:
        """Whether it also goes to another room."""
        return Breakage.STRAY_DOCKER in self._broken and event == contract.AGENT_LOG and _is_docker(payload)

    def _copies(self, event: str, payload: dict[str, Any]) -> int:
        broken, log = self._broken, event == contract.AGENT_LOG
        twice = (
            Breakage.TWICE in broken
            or (log and Breakage.LOGS_TWICE in broken)
            or (log and Breakage.DOCKER_TWICE in broken and _is_docker(payload))
            or (log and Breakage.LAST_LOG_TWICE in broken and _is_of_end(payload))
            or (not log and Breakage.UPDATES_TWICE in broken)
            or (Breakage.PATCH_TWICE in broken and PATCHING.get())
        )
        return 2 if twice else 1

    def _named(self, event: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Spoil who is named."""
        broken, log = self._broken, event == contract.AGENT_LOG
        payload = dict(payload)
        another = {"agentId": ANOTHER, "agentName": contract.agent_name(ANOTHER)}
        if Breakage.WRONG_AGENT in broken or (log and Breakage.WRONG_AGENT_IN_LOGS in broken):
            payload |= another
        if Breakage.WRONG_NAME in broken:
            payload["agentName"] = another["agentName"]
        if Breakage.NO_AGENT in broken or (Breakage.PATCH_NAMELESS in broken and PATCHING.get()):
            del payload["agentId"], payload["agentName"]
        if Breakage.NAMELESS in broken and not log:
            payload["agentName"] = ""
        if Breakage.WRONG_TASK in broken and not log:
            payload["taskId"] = ANOTHER
        if Breakage.MORE_FIELDS in broken and not log:
            payload["title"] = "…"
        if Breakage.PATCH_AS_COMPLETED in broken and PATCHING.get():
            payload["newStatus"] = contract.COMPLETED
        return self._spoilt_log(payload) if log else payload

    def _spoilt_log(self, payload: dict[str, Any]) -> dict[str, Any]:
        broken, title = self._broken, _title(payload)
        if Breakage.NO_TITLES in broken and title:
            payload["message"] = contract.LOG_ACCEPTED.format(title="…")
        if Breakage.SHORT_TITLES in broken and title:
            payload["message"] = contract.LOG_ACCEPTED.format(title=title[:_SHORT])
        if Breakage.NO_TIMES in broken:
            payload["timestamp"] = "just now"
        if Breakage.OLD_TIMES in broken:
            payload["timestamp"] = "1999" + payload["timestamp"][4:]
        if Breakage.SHIFTED_TIMES in broken:
            shifted = datetime.fromisoformat(payload["timestamp"]) + _ZONE
            payload["timestamp"] = shifted.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return payload

    def _of_log(self, room: str, payload: dict[str, Any]) -> list[Broadcast]:
        log, broken = (contract.AGENT_LOG, payload), self._broken
        held = self._logs[room]
        if Breakage.NO_DOCKER_LOG in broken and _is_docker(payload):
            return []
        if Breakage.ONE_MORE_LOG in broken and _is_docker(payload):
            return [log, (contract.AGENT_LOG, payload | {"message": f"{_DOCKER}: ..."})]
        if Breakage.LATE_ACCEPTANCE in broken and _is_first(payload):
            held.append(log)
            return []
        if Breakage.LOGS_BEFORE_UPDATES in broken and held:
            return [log, held.pop()]
        if Breakage.SWAPPED_LOGS not in broken:
            return [log]
        held.append(log)
        if len(held) < _LOGS:
            return []
        del self._logs[room]
        return [*held[1:], held[0]]

    def _of_update(self, room: str, payload: dict[str, Any]) -> list[Broadcast]:
        update, broken = (contract.TASK_STATUS_UPDATE, payload), self._broken
        started = payload["newStatus"] == contract.IN_PROGRESS
        if (
            Breakage.SILENT_UPDATES in broken
            or (Breakage.SILENT_ENDS in broken and not started)
            or (Breakage.SILENT_STARTS in broken and started)
        ):
            return []
        ends = (contract.COMPLETED, contract.FAILED)
        if Breakage.TWO_ENDS in broken and payload["newStatus"] in ends:
            return [(contract.TASK_STATUS_UPDATE, payload | {"newStatus": end}) for end in ends]
        if Breakage.LATE_ACCEPTANCE in broken and self._logs[room]:
            return [update, self._logs[room].pop()]
        if Breakage.LOGS_BEFORE_UPDATES in broken:
            self._logs[room].append(update)
            return []
        if Breakage.SWAPPED_UPDATES in broken:
            if started:
                self._starts[payload["taskId"]] = update
                return []
            start = self._starts.pop(payload["taskId"], None)
            return [update] if start is None else [update, start]
        if Breakage.LATE_FIRST_TASK in broken:
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


def _is_docker(payload: dict[str, Any]) -> bool:
    return str(payload["message"]).startswith(_DOCKER)


def _is_of_end(payload: dict[str, Any]) -> bool:
    ends = (contract.FAILED, contract.COMPLETED)
    return payload["message"] in [contract.LOG_STATUS.format(status=status) for status in ends]


def _is_first(payload: dict[str, Any]) -> bool:
    return bool(_title(payload))


def _title(payload: dict[str, Any]) -> str:
    """Return the title that a task's first log quotes; empty of any other log."""
    before, after = contract.LOG_ACCEPTED.split("{title}")
    message = str(payload["message"])
    return message.removeprefix(before).removesuffix(after) if message.startswith(before) else ""
