"""What a task's life sends to its room."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from loadtest.backends.prometheus import contract

from .broadcasts import create_task, member

if TYPE_CHECKING:
    from loadtest.backends.prometheus.rows import OwnedRoom

    from ..support import Backend, Wire


def burst_of(backend: Backend, room: OwnedRoom, title: str, *, agent: bool) -> tuple[str, list[list[object]]]:
    with member(backend, room) as wire:
        task_id = create_task(backend, room, title, agent=agent)
        burst = [wire.event() for _ in range(7 if agent else 3)]
        assert wire.is_silent()
    return task_id, burst


def test_the_seven_events(backend: Backend, room: OwnedRoom) -> None:
    task_id, burst = burst_of(backend, room, 'a "title"', agent=True)
    who = {"agentId": room.agent_id, "agentName": f"Agent-{room.agent_id[:8]}"}
    for event, payload in burst:
        if event == contract.AGENT_LOG:
            stamp = payload.pop("timestamp")
            assert stamp.endswith("Z")
            assert time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")

    def log(message: str) -> list[object]:
        return [contract.AGENT_LOG, {"message": message, **who}]

    def update(status: str) -> list[object]:
        return [contract.TASK_STATUS_UPDATE, {"taskId": task_id, "newStatus": status, **who}]

    assert burst == [
        log('[Оркестратор]: Принял задачу "a "title"" в работу.'),
        update("IN_PROGRESS"),
        log("[Статус]: Статус задачи изменен на IN_PROGRESS"),
        log('[Docker]: Создаю среду на базе образа "ubuntu:latest"...'),
        log(
            "[Оркестратор]: КРИТИЧЕСКАЯ ОШИБКА: Ошибка Docker при создании контейнера: "
            "Не удалось загрузить Docker-образ: ubuntu:latest."
        ),
        update("FAILED"),
        log("[Статус]: Статус задачи изменен на FAILED"),
    ]
    assert backend.sql("SELECT status FROM tasks WHERE id = %s", [task_id]) == [("FAILED",)]


def test_the_three_events_without_an_agent(backend: Backend, room: OwnedRoom) -> None:
    task_id, burst = burst_of(backend, room, "alone", agent=False)
    assert [event for event, _ in burst] == [
        contract.AGENT_LOG,
        contract.TASK_STATUS_UPDATE,
        contract.AGENT_LOG,
    ]
    assert all(payload["agentId"] == "system" and payload["agentName"] == "System" for _, payload in burst)
    assert burst[1][1]["taskId"] == task_id
    assert burst[1][1]["newStatus"] == "FAILED"


def test_utf8_is_left_as_it_is(backend: Backend, room: OwnedRoom) -> None:
    with member(backend, room) as wire:
        create_task(backend, room, "utf-8")
        assert "Принял" in wire.receive()


def task_that_has_run(wire: Wire, backend: Backend, room: OwnedRoom) -> tuple[str, str]:
    """Its id and its path."""
    task_id = create_task(backend, room, "to be changed")
    for _ in range(7):
        wire.event()
    return task_id, f"{contract.tasks_path(room.project_id)}/{task_id}"


def test_patch_of_a_status(backend: Backend, room: OwnedRoom) -> None:
    with member(backend, room) as wire:
        task_id, path = task_that_has_run(wire, backend, room)
        status, _, task = backend.request("PATCH", path, backend.token(room), {"status": "COMPLETED"})
        assert (status, task["status"]) == (200, "COMPLETED")
        if backend.profile == "documented":
            event, payload = wire.event()
            assert (event, payload["taskId"], payload["newStatus"]) == (
                contract.TASK_STATUS_UPDATE,
                task_id,
                "COMPLETED",
            )
        assert wire.is_silent()


def test_delete_is_silent(backend: Backend, room: OwnedRoom) -> None:
    with member(backend, room) as wire:
        task_id, path = task_that_has_run(wire, backend, room)
        assert backend.request("DELETE", path, backend.token(room))[2] == {"deleted": True, "id": task_id}
        assert wire.is_silent()
