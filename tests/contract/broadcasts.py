"""A member of a room, and what makes a backend broadcast to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtest.backends.prometheus import contract

from ..support import Wire

if TYPE_CHECKING:
    from loadtest.backends.prometheus.rows import OwnedRoom

    from ..support import Backend


def create_task(backend: Backend, room: OwnedRoom, title: str, *, agent: bool = True) -> str:
    body = {"title": title, "description": "ten characters and more"} | (
        {"agentId": room.agent_id} if agent else {}
    )
    status, _, task = backend.request("POST", contract.tasks_path(room.project_id), backend.token(room), body)
    assert status == 201
    assert task["status"] == contract.PENDING
    return str(task["id"])


def member(backend: Backend, room: OwnedRoom) -> Wire:
    wire = Wire(backend)
    assert wire.connect({"token": backend.token(room)}).startswith("40{")
    wire.emit(contract.JOIN, room.project_id)
    assert wire.event()[0] == contract.JOINED
    return wire
