"""Bodies of REST calls for test data, each unlike all others; the guide's `WebSocketTestDataFactory`. Pure."""

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

    def user(self) -> dict[str, Any]:
        """For signing up."""
        number = next(self._numbers)
        return {"email": f"lt-{self._tag}-{number}@loadtest.invalid", "password": f"Aa1@{self._tag}{number:08}"}

    def project(self) -> dict[str, Any]:
        """A project, and with it a room."""
        return {"name": f"lt-{self._tag} project {next(self._numbers)}"}

    def agent(self) -> dict[str, Any]:
        """An agent."""
        return {
            "name": f"Load test {next(self._numbers)}",
            "role": "load tester",
            "personalityMatrix": {"tone": "neutral"},
            "llmConfig": {"provider": "openai", "model": "gpt-4"},
        }

    def task(self, agent_id: str = "", title: str = "") -> dict[str, Any]:
        """A task; the backend runs it at once, by this agent or by none, and broadcasts what happens.

        :param title: comes back in the first `agentLog`; default: one of its own.
        """
        body = {
            "title": title or f"lt-{self._tag} task {next(self._numbers)}",
            "description": "made by a load test",
        }
        return body | ({"agentId": agent_id} if agent_id else {})
