"""Who gets into which room, and what is answered."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from loadtest.backends.prometheus import contract

from ..support import Wire
from .broadcasts import create_task, member

if TYPE_CHECKING:
    from loadtest.backends.prometheus.rows import OwnedRoom, Rows

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
