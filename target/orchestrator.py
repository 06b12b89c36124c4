"""What running a task broadcasts: the burst of seven events, or of three without an agent."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from backend import contract

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

    from .database import Database, Row

logger = logging.getLogger(__name__)

DOCKER_ATTEMPT_S = 0.01
"""How long the backend tries to reach a Docker daemon that is not there."""

EARLY_SHARE = 0.02
"""Share of tasks whose first broadcast goes out before the answer to the POST."""


class Orchestrator:
    """Runs tasks.

    :param broadcast: sends (project id, event, payload) to a room.
    :param random: decides which bursts start early.
    """

    def __init__(
        self,
        database: Database,
        broadcast: Callable[[str, str, dict[str, Any]], Awaitable[None]],
        random: Random,
    ) -> None:
        self._database = database
        self._broadcast = broadcast
        self._random = random
        self._running: set[asyncio.Task[None]] = set()

    async def start(self, task: Row, image: str) -> None:
        """Run a task in the background; returns before its burst, save for a few that start early.

        :param task: the task's row.
        :param image: the project's Docker image.
        """
        agents = task["assigneeIds"]
        agent_id = agents.split(",")[0] if agents else contract.SYSTEM_AGENT_ID
        name = contract.agent_name(agent_id) if agents else contract.SYSTEM_AGENT_NAME
        burst = contract.BURST_WITH_AGENT if agents else contract.BURST_WITHOUT_AGENT
        first, *rest = burst
        if self._random.random() < EARLY_SHARE:
            await self._send(task, first, image, agent_id, name)
        else:
            rest = list(burst)
        running = asyncio.create_task(self._run(task, rest, image, agent_id, name))
        self._running.add(running)
        running.add_done_callback(self._done)

    async def close(self) -> None:
        """Abandon the bursts that are under way."""
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _done(self, running: asyncio.Task[None]) -> None:
        self._running.discard(running)
        if not running.cancelled() and (error := running.exception()) is not None:
            logger.error("a task's burst failed: %s", error)

    async def _run(
        self, task: Row, burst: list[contract.BurstEvent], image: str, agent_id: str, name: str
    ) -> None:
        for step in burst:
            if step.template == contract.LOG_CRITICAL:
                await asyncio.sleep(DOCKER_ATTEMPT_S)
            if step.event == contract.TASK_STATUS_UPDATE:
                await self._database.update("tasks", task["id"], {"status": step.status})
            await self._send(task, step, image, agent_id, name)

    async def _send(self, task: Row, step: contract.BurstEvent, image: str, agent_id: str, name: str) -> None:
        if step.event == contract.TASK_STATUS_UPDATE:
            payload = status_update(task, step.status, agent_id, name)
        else:
            payload = {
                "message": step.template.format(title=task["title"], status=step.status, image=image),
                "agentId": agent_id,
                "agentName": name,
                "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            }
        await self._broadcast(str(task["projectId"]), step.event, payload)


def status_update(task: Row, status: str, agent_id: str, name: str) -> dict[str, Any]:
    """The payload of a `taskStatusUpdate`."""
    return {"taskId": str(task["id"]), "newStatus": status, "agentId": agent_id, "agentName": name}
