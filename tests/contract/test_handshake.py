"""How a backend is connected to, and with which tokens."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import jwt
import pytest
import urllib3

from loadtest.backends.prometheus import contract

from ..support import ANSWER_S, SECRET, Wire

if TYPE_CHECKING:
    from loadtest.backends.prometheus.rows import OwnedRoom

    from ..support import Backend


def polling(backend: Backend, query: str) -> tuple[int, bytes]:
    with urllib3.PoolManager(retries=False, timeout=ANSWER_S) as pool:
        response = pool.request("GET", f"{backend.url}/socket.io/?{query}")
        return response.status, response.data


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
