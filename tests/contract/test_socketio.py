"""The Socket.IO half of the contract, row by row, on the wire."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING

import jwt
import pytest
import urllib3

from backend import contract

from ..support import ANSWER_S, SECRET, Wire, start_backend
from .tasks import create_task

if TYPE_CHECKING:
    from backend.rows import OwnedRoom, Rows

    from ..support import Backend

STRANGE_ARGUMENTS = [
    ((None,), "null"),
    ((), "undefined"),
    (({"a": 1},), "[object Object]"),
    ((123,), "123"),
    (("",), ""),
    ((True,), "true"),
    (("no uuid",), "no uuid"),
]


def polling(backend: Backend, query: str) -> tuple[int, bytes]:
    with urllib3.PoolManager(retries=False, timeout=ANSWER_S) as pool:
        response = pool.request("GET", f"{backend.url}/socket.io/?{query}")
        return response.status, response.data


def member(backend: Backend, room: OwnedRoom) -> Wire:
    wire = Wire(backend)
    assert wire.connect({"token": backend.token(room)}).startswith("40{")
    wire.emit(contract.JOIN, room.project_id)
    assert wire.event()[0] == contract.JOINED
    return wire


# The handshake


def test_open_packet_of_a_websocket(backend: Backend) -> None:
    with Wire(backend) as wire:
        opened = json.loads(wire.receive()[1:])
    assert opened.pop("sid")
    assert opened == {"upgrades": [], "pingInterval": 25000, "pingTimeout": 20000, "maxPayload": 1000000}


def test_open_packet_of_polling_offers_the_upgrade(backend: Backend) -> None:
    status, data = polling(backend, "EIO=4&transport=polling")
    assert status == 200
    assert json.loads(data[1:])["upgrades"] == ["websocket"]


def test_other_engine_versions_are_refused(backend: Backend) -> None:
    status, data = polling(backend, "EIO=3&transport=polling")
    assert status == 400
    assert json.loads(data) == {"code": 5, "message": "Unsupported protocol version"}


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_a_session_that_is_not_known_is_refused(backend: Backend, transport: str) -> None:
    import websocket

    query = f"EIO=4&transport={transport}&sid=nobody"
    if transport == "polling":
        status, data = polling(backend, query)
        assert (status, json.loads(data)) == (400, {"code": 1, "message": "Session ID unknown"})
        return
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        Wire(backend, query)
    assert refused.value.status_code == 400


def test_other_engine_versions_are_refused_on_websocket(backend: Backend) -> None:
    import websocket

    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        Wire(backend, "EIO=3&transport=websocket")
    assert refused.value.status_code == 400


def test_connect_answers_with_a_sid(backend: Backend) -> None:
    with Wire(backend) as wire:
        assert json.loads(wire.connect()[2:])["sid"]


def test_unknown_namespace(backend: Backend) -> None:
    with Wire(backend) as wire:
        wire.receive()
        wire.send("40/nope,")
        assert wire.receive() == '44/nope,{"message":"Invalid namespace"}'


def test_no_compression(backend: Backend) -> None:
    with Wire(backend) as wire:
        assert "sec-websocket-extensions" not in {name.lower() for name in wire.socket.getheaders()}


# Tokens


def bad_tokens(room: OwnedRoom) -> dict[str, str]:
    claims = {"id": room.user_id, "email": room.email}
    now_s = int(time.time())
    return {
        "garbage": "garbage",
        "expired": jwt.encode({**claims, "exp": now_s - 10}, SECRET, "HS256"),
        "wrong secret": jwt.encode({**claims, "exp": now_s + 10}, "x" * 32, "HS256"),
        "alg none": jwt.encode(claims, None, "none"),
    }


@pytest.mark.parametrize("kind", ["garbage", "expired", "wrong secret", "alg none"])
def test_bad_token(backend: Backend, room: OwnedRoom, kind: str) -> None:
    with Wire(backend) as wire:
        answer = wire.connect({"token": bad_tokens(room)[kind]})
    if backend.profile == "documented":
        assert answer.startswith("44{")
        assert "Unauthorized" in json.loads(answer[2:])["message"]
    else:
        assert answer.startswith("40{")


def test_guest(backend: Backend, room: OwnedRoom) -> None:
    with Wire(backend) as wire:
        assert wire.connect().startswith("40{")
        wire.emit(contract.JOIN, room.project_id)
        event, answer = wire.event()
    if backend.profile == "documented":
        assert event == contract.EXCEPTION
        assert answer["status"] == "error"
    else:
        assert event == contract.JOINED


# Rooms


def test_joined_message(backend: Backend, room: OwnedRoom) -> None:
    prefix = {
        "documented": "You have successfully joined project room ",
        "as-built": "Вы успешно присоединились к комнате проекта ",
    }[backend.profile]
    with Wire(backend) as wire:
        wire.connect({"token": backend.token(room)})
        wire.emit(contract.JOIN, room.project_id)
        assert wire.event() == [contract.JOINED, prefix + room.project_id]


@pytest.mark.parametrize(("arguments", "shown"), STRANGE_ARGUMENTS)
def test_strange_room(backend: Backend, room: OwnedRoom, arguments: tuple[object, ...], shown: str) -> None:
    with Wire(backend) as wire:
        wire.connect({"token": backend.token(room)})
        wire.emit(contract.JOIN, *arguments)
        event, answer = wire.event()
    if backend.profile == "documented":
        assert event == contract.EXCEPTION
        assert answer["status"] == "error"
    else:
        assert (event, answer) == (contract.JOINED, contract.JOINED_PREFIX_AS_BUILT + shown)


def test_foreign_and_unknown_rooms(backend: Backend, rows: Rows) -> None:
    mine, foreign = rows.create_rooms(2)
    with Wire(backend) as wire:
        wire.connect({"token": backend.token(mine)})
        for project_id in (foreign.project_id, str(uuid.uuid4())):
            wire.emit(contract.JOIN, project_id)
            expected = contract.EXCEPTION if backend.profile == "documented" else contract.JOINED
            assert wire.event()[0] == expected


def test_an_array_joins_every_room_as_built(backend: Backend, rows: Rows) -> None:
    one, two = rows.create_rooms(2)
    with Wire(backend) as wire:
        wire.connect({"token": backend.token(one)})
        wire.emit(contract.JOIN, [one.project_id, two.project_id])
        event, answer = wire.event()
        if backend.profile == "documented":
            assert event == contract.EXCEPTION
            return
        assert answer == f"{contract.JOINED_PREFIX_AS_BUILT}{one.project_id},{two.project_id}"
        create_task(backend, two, "in the second room")
        assert "in the second room" in wire.event()[1]["message"]


def test_joining_twice_answers_twice_and_delivers_once(backend: Backend, room: OwnedRoom) -> None:
    with member(backend, room) as wire:
        wire.emit(contract.JOIN, room.project_id)
        assert wire.event()[0] == contract.JOINED
        create_task(backend, room, "joined twice")
        assert [wire.event()[0] for _ in range(7)].count(contract.AGENT_LOG) == 5
        assert wire.is_silent()


def test_leaving(backend: Backend, room: OwnedRoom) -> None:
    with member(backend, room) as wire:
        wire.emit(contract.LEAVE, room.project_id)
        if backend.profile == "documented":
            assert wire.event() == [contract.LEFT, contract.LEFT_PREFIX + room.project_id]
            create_task(backend, room, "after leaving")
            assert wire.is_silent()
        else:
            assert wire.is_silent()
            create_task(backend, room, "cannot leave")
            assert wire.event()[0] == contract.AGENT_LOG


def test_rooms_are_apart_and_accumulate(backend: Backend, rows: Rows) -> None:
    mine, other = rows.create_rooms(2)
    with member(backend, mine) as wire:
        create_task(backend, other, "not mine")
        assert wire.is_silent()
        create_task(backend, mine, "mine")
        assert "mine" in wire.event()[1]["message"]


# Answers


def test_ping(backend: Backend) -> None:
    with Wire(backend) as wire:
        wire.connect()
        wire.emit(contract.PING, {"n": 1})
        if backend.profile == "documented":
            assert wire.event() == [contract.PONG, {"n": 1}]
        else:
            assert wire.is_silent()


def test_acks(backend: Backend, room: OwnedRoom) -> None:
    with Wire(backend) as wire:
        wire.connect({"token": backend.token(room)})
        wire.emit(contract.JOIN, room.project_id, ack=7)
        assert wire.event()[0] == contract.JOINED
        if backend.profile == "documented":
            assert wire.receive().startswith("437[")
        else:
            assert wire.is_silent()


def test_an_unknown_event_is_ignored(backend: Backend) -> None:
    with Wire(backend) as wire:
        wire.connect()
        wire.emit("noSuchEvent", 1, ack=1)
        assert wire.is_silent()


# The burst


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


def test_patch_of_a_status(backend: Backend, room: OwnedRoom) -> None:
    with member(backend, room) as wire:
        task_id = create_task(backend, room, "to be patched")
        for _ in range(7):
            wire.event()
        path = f"{contract.tasks_path(room.project_id)}/{task_id}"
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
        task_id = create_task(backend, room, "to be deleted")
        for _ in range(7):
            wire.event()
        path = f"{contract.tasks_path(room.project_id)}/{task_id}"
        assert backend.request("DELETE", path, backend.token(room))[2] == {"deleted": True, "id": task_id}
        assert wire.is_silent()


# Ends


def test_an_oversized_message_closes(backend: Backend) -> None:
    with Wire(backend) as wire:
        wire.connect()
        wire.emit("x", "a" * 1_000_001)
        assert wire.close_code() == 1005


def test_a_message_of_nearly_the_limit_is_taken(backend: Backend, room: OwnedRoom) -> None:
    with Wire(backend) as wire:
        wire.connect({"token": backend.token(room)})
        wire.emit("x", "a" * 999_000)
        wire.emit(contract.JOIN, room.project_id)
        assert wire.event()[0] == contract.JOINED


@pytest.mark.parametrize("frame", ["x", "42[", "4x", "42{}", "9", ""])
def test_a_malformed_packet_closes_without_a_code(backend: Backend, frame: str) -> None:
    with Wire(backend) as wire:
        wire.connect()
        wire.send(frame)
        assert wire.close_code() == 1005


def test_a_client_that_never_connects_is_closed_after_45_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real time-out, on a loop whose clock we turn."""
    import asyncio

    from target import realtime

    async def scenario() -> tuple[list[dict[str, object]], float]:
        server = realtime.Server()
        sent: list[dict[str, object]] = []

        async def send(message: dict[str, object]) -> None:
            sent.append(message)

        environ = {"asgi.scope": {"type": "websocket"}, "asgi.send": send}
        loop = asyncio.get_running_loop()
        await server._handle_eio_connect("sid", environ)
        timer = server._openings["sid"]
        wait_s = timer.when() - loop.time()
        timer._run()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        timer.cancel()
        return sent, wait_s

    sent, wait_s = asyncio.run(scenario())
    assert sent == [{"type": "websocket.close"}]
    assert 44 < wait_s <= 45


def test_sigterm_closes_at_once_and_ends_the_database_too() -> None:
    backend = start_backend("documented")
    with Wire(backend) as wire:
        wire.connect()
        assert backend.stop() == 0
        assert wire.close_code() in (1005, 1012)
    folder = backend.database_url.rpartition("=")[2]
    from pathlib import Path

    assert not Path(folder).exists()
