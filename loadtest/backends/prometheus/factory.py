"""Bodies of REST calls for test data, each unlike all others; the guide's `WebSocketTestDataFactory`. Pure.

Every method takes fields by the names that the REST call has for them; they extend the body, or replace its own.
"""

from __future__ import annotations

import itertools
from typing import Any


class DataFactory:
    """Makes bodies.

    :param tag: stands in every name, so that what a test made can be told from everything else.
    """

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._numbers = itertools.count()

    def user(self, **fields: Any) -> dict[str, Any]:
        """Return what signs up a user: `email` and `password`."""
        number = next(self._numbers)
        own = {"email": f"lt-{self._tag}-{number}@loadtest.invalid", "password": f"Aa1@{self._tag}{number:08}"}
        return own | fields

    def project(self, **fields: Any) -> dict[str, Any]:
        """Return a project, and with it a room: `name`, and for example `baseDockerImage="node:22"`."""
        return {"name": f"lt-{self._tag} project {next(self._numbers)}"} | fields

    def agent(self, **fields: Any) -> dict[str, Any]:
        """Return an agent: `name`, `role`, `personalityMatrix`, `llmConfig`."""
        own = {
            "name": f"Load test {next(self._numbers)}",
            "role": "load tester",
            "personalityMatrix": {"tone": "neutral"},
            "llmConfig": {"provider": "openai", "model": "gpt-4"},
        }
        return own | fields

    def task(self, agent_id: str = "", **fields: Any) -> dict[str, Any]:
        """Return a task: `title`, `description`, and for example `priority="high"`.

        The backend runs it at once and broadcasts what happens. The title comes back in the first `agentLog`.

        :param agent_id: who runs it; empty for nobody.
        """
        own = {"title": f"lt-{self._tag} task {next(self._numbers)}", "description": "made by a load test"}
        return own | ({"agentId": agent_id} if agent_id else {}) | fields
