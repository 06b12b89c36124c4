"""Has a backend broadcast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backend import contract

if TYPE_CHECKING:
    from backend.rows import OwnedRoom

    from ..support import Backend


def create_task(backend: Backend, room: OwnedRoom, title: str, *, agent: bool = True) -> str:
    body = {"title": title, "description": "ten characters and more"} | (
        {"agentId": room.agent_id} if agent else {}
    )
    status, _, task = backend.request("POST", contract.tasks_path(room.project_id), backend.token(room), body)
    assert status == 201
    assert task["status"] == contract.PENDING
    return str(task["id"])
