"""Runs tasks: broadcasts their steps, and keeps the status of their rows up to date."""

from __future__ import annotations

import asyncio
import itertools
import logging
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any

from lab.reference_backend.agent import agent_steps
from lab.reference_backend.steps import Step, steps_without_docker
from loadtest.backends.prometheus import contract

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from uuid import UUID

    from lab.reference_backend.agent_options import AgentOptions
    from lab.reference_backend.database import Database, Row
    from lab.reference_backend.profile import Profile

logger = logging.getLogger(__name__)

EARLY_SHARE = 0.02
"""Share of tasks whose first broadcast goes out before the answer to the POST."""


class Orchestrator:
    """Runs tasks.

    :param broadcast: sends (project id, event, payload) to a room.
    :param random: decides which bursts start early.
    :param agents: how agents work, if the profile has a Docker daemon.
    """

    def __init__(
        self,
        profile: Profile,
        database: Database,
        broadcast: Callable[[str, str, dict[str, Any]], Awaitable[None]],
        random: Random,
        agents: AgentOptions,
    ) -> None:
        self._has_docker = profile.has_docker
        self._database = database
        self._broadcast = broadcast
        self._random = random
        self._agents = agents
        self._agent_numbers = itertools.count(1)
        self._running: dict[asyncio.Task[None], Row] = {}

    async def start(self, task: Row, image: str) -> None:
        """Run a task in the background; return before its first broadcast, except for a few that start early.

        :param task: the task's row.
        :param image: the project's Docker image.
        """
        agents = task["assigneeIds"]
        agent_id = agents.split(",")[0] if agents else contract.SYSTEM_AGENT_ID
        name = contract.agent_name(agent_id) if agents else contract.SYSTEM_AGENT_NAME
        steps = self._steps(task, image)
        if self._random.random() < EARLY_SHARE:
            await self._send(task, next(steps), agent_id, name)
        running = asyncio.create_task(self._run(task, steps, agent_id, name))
        self._running[running] = task
        running.add_done_callback(self._done)

    def end_agents(self, table: str, row_id: UUID) -> None:
        """End the agents that work on a deleted task or project.

        :param table: the row's table.
        """
        column = {"tasks": "id", "projects": "projectId"}.get(table)
        if self._has_docker and column is not None:
            for running, task in self._running.items():
                if task[column] == row_id:
                    running.cancel()

    async def close(self) -> None:
        """Abandon the tasks that are under way."""
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _steps(self, task: Row, image: str) -> Iterator[Step]:
        if self._has_docker and task["assigneeIds"]:
            random = Random(f"agent {self._agents.seed} {next(self._agent_numbers)}")  # noqa: S311
            return agent_steps(task["title"], image, self._agents, random)
        return steps_without_docker(task["title"], image, with_agent=bool(task["assigneeIds"]))

    def _done(self, running: asyncio.Task[None]) -> None:
        del self._running[running]
        if not running.cancelled() and (error := running.exception()) is not None:
            logger.error("a task's burst failed: %s", error)

    async def _run(self, task: Row, steps: Iterator[Step], agent_id: str, name: str) -> None:
        for step in steps:
            if step.delay_s:
                await asyncio.sleep(step.delay_s)
            if step.status:
                row = await self._database.update("tasks", task["id"], {"status": step.status})
                if row is None and self._has_docker:
                    return  # the row was deleted by SQL: nobody waits for this agent
            sending = self._send(task, step, agent_id, name)
            # An agent may be ended at any time: each of its broadcasts still reaches all members or none.
            await (asyncio.shield(sending) if self._has_docker else sending)

    async def _send(self, task: Row, step: Step, agent_id: str, name: str) -> None:
        if step.status:
            event, payload = contract.TASK_STATUS_UPDATE, status_update(task, step.status, agent_id, name)
        else:
            event, payload = contract.AGENT_LOG, agent_log(step.text, agent_id, name, datetime.now(UTC))
        await self._broadcast(str(task["projectId"]), event, payload)


def status_update(task: Row, status: str, agent_id: str, name: str) -> dict[str, Any]:
    """The payload of a `taskStatusUpdate`."""
    return {"taskId": str(task["id"]), "newStatus": status, "agentId": agent_id, "agentName": name}


def agent_log(text: str, agent_id: str, name: str, now: datetime) -> dict[str, Any]:
    """Return the payload of an `agentLog`."""
    timestamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"message": text, "agentId": agent_id, "agentName": name, "timestamp": timestamp}
