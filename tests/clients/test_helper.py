"""Clients and their helper against both profiles: what they measure, what they say when something is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gevent
import pytest

from loadtest.backends.endpoint import Endpoint
from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.rows import Rows
from loadtest.clients import assertions
from loadtest.clients.errors import ConnectFailedError, EventTimeoutError, JoinRefusedError
from loadtest.clients.helper import BroadcastResult, Helper
from loadtest.clients.latency import Latency

from ..contract.broadcasts import create_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtest.backends.prometheus.rows import OwnedRoom

    from ..support import Backend


@pytest.fixture
def helper(backend: Backend) -> Iterator[Helper]:
    with Helper(Endpoint(backend.url)) as made:
        yield made


def test_connections_are_counted(helper: Helper, backend: Backend, room: OwnedRoom) -> None:
    clients = helper.create(5, backend.token(room))
    assert helper.connection_stats().disconnected == 5
    assert helper.wait_for_connections() > 0
    assertions.assert_connected(*clients)
    clients[0].disconnect()
    stats = helper.connection_stats()
    assert (stats.total, stats.connected, stats.disconnected) == (5, 4, 1)
    with pytest.raises(AssertionError, match="1 of 5 clients are not connected"):
        assertions.assert_connected(*clients)
    with pytest.raises(AssertionError, match="4 of 5 clients are still connected"):
        assertions.assert_disconnected(*clients)
    helper.close()
    assertions.assert_disconnected(*clients)


def test_a_broadcast_and_who_misses_it(helper: Helper, backend: Backend, room: OwnedRoom) -> None:
    clients = helper.create(3, backend.token(room))
    helper.wait_for_connections(clients)
    helper.join(clients[:2], room.project_id)
    result = helper.test_broadcast(
        lambda: create_task(backend, room, "heard"), contract.TASK_STATUS_UPDATE, clients, timeout_s=1
    )
    assert set(result.received_ms) == {0, 1}
    assert result.missing == [2]
    assert result.spread_ms < max(result.received_ms.values())
    with pytest.raises(AssertionError, match=r"2 of 3 clients got it .* not numbers \[2\]"):
        assertions.assert_broadcast(result)
    assert BroadcastResult().spread_ms == 0


def test_events_a_second(helper: Helper, backend: Backend, room: OwnedRoom) -> None:
    client = helper.client(backend.token(room))
    client.connect()
    rate_per_s = helper.measure_events_per_second(
        lambda: client.emit(contract.JOIN, room.project_id), client, contract.JOINED, 0.3
    )
    assert rate_per_s > 0
    nothing = helper.measure_events_per_second(lambda: client.emit("noSuchEvent"), client, "nothing", 0.1)
    assert nothing == 0
    with pytest.raises(AssertionError, match="more than 100"):
        assertions.assert_throughput(nothing)


def test_round_trips(helper: Helper, backend: Backend, room: OwnedRoom) -> None:
    client = helper.client(backend.token(room))
    client.connect()
    client.join(room.project_id)
    assert len(client.measure_latency(3, by_ping=False).samples_ms) == 3
    if backend.profile == "documented":
        assert client.measure_latency(3).max_ms > 0
    else:
        with pytest.raises(EventTimeoutError, match="no pong"):
            client.ping(0.2)


def test_latencies_and_their_limits() -> None:
    latency = Latency([10.0, 20.0, 60.0])
    assert (latency.average_ms, latency.median_ms, latency.min_ms, latency.max_ms) == (30.0, 20.0, 10.0, 60.0)
    assertions.assert_latency(latency)
    with pytest.raises(AssertionError, match="mean has to be below 20"):
        assertions.assert_latency(latency, average_ms=20)
    with pytest.raises(AssertionError, match="longest has to be below 50"):
        assertions.assert_latency(latency, max_ms=50)


def test_what_cannot_connect_or_join_says_why(helper: Helper, backend: Backend, room: OwnedRoom) -> None:
    garbage = helper.client("garbage")
    guest = helper.client()
    if backend.profile == "documented":
        with pytest.raises(ConnectFailedError, match="Unauthorized"):
            helper.wait_for_connections([garbage, guest])
        assert "Unauthorized" in garbage.refusal
        with pytest.raises(JoinRefusedError, match="guests may join no project room"):
            guest.join(room.project_id)
    else:
        helper.wait_for_connections([garbage, guest])
        assert guest.join(room.project_id) > 0
    nowhere = Helper(Endpoint("http://127.0.0.1:1")).client()
    with pytest.raises(ConnectFailedError, match="refused"):
        nowhere.connect(1)


def test_events_are_heard_in_order_and_silence_is_silence(
    helper: Helper, backend: Backend, room: OwnedRoom
) -> None:
    client = helper.client(backend.token(room))
    client.connect()
    client.listen(contract.TASK_STATUS_UPDATE)
    client.join(room.project_id)
    last = client.expect(contract.TASK_STATUS_UPDATE, lambda update: update["newStatus"] == contract.FAILED)
    task_id = create_task(backend, room, "in order")
    last.wait(5)
    event = contract.TASK_STATUS_UPDATE
    assertions.assert_order(client, event, "newStatus", [contract.IN_PROGRESS, contract.FAILED])
    assertions.assert_event(client, event, taskId=task_id)
    with pytest.raises(AssertionError, match="and should be"):
        assertions.assert_order(client, event, "newStatus", [contract.FAILED])
    with pytest.raises(AssertionError, match="and there should be none"):
        assertions.assert_silent(client, event, newStatus=contract.FAILED)
    assertions.assert_silent(client, event, newStatus=contract.COMPLETED)


def test_a_dropped_client_comes_back_to_its_rooms(helper: Helper, backend: Backend, room: OwnedRoom) -> None:
    client = helper.client(backend.token(room), reconnects=True)
    client.connect()
    client.join(room.project_id)
    ended = client.expect_end()
    client.drop()
    assert ended.wait(5)
    assert client.end_reason == "dropped by the load test"
    with gevent.Timeout(10):
        while not client.joined_again:
            gevent.sleep(0.01)
    heard = client.expect(contract.TASK_STATUS_UPDATE)
    create_task(backend, room, "after coming back")
    heard.wait(5)


@pytest.mark.parametrize("breakage", ["everything is sent twice", "each update is sent twice"])
def test_a_broadcast_that_comes_twice_is_no_broadcast(breakable: Backend, breakage: str) -> None:
    with Rows(breakable.database_url, "twice") as rows, Helper(Endpoint(breakable.url)) as helper:
        room = rows.create_rooms(1)[0]
        clients = helper.create(3, breakable.token(room))
        helper.wait_for_connections(clients)
        helper.join(clients, room.project_id)
        breakable.breaks(breakage)
        try:
            result = helper.test_broadcast(
                lambda: create_task(breakable, room, "heard"), contract.TASK_STATUS_UPDATE, clients
            )
        finally:
            breakable.breaks()
            rows.remove()
    assert result.complete
    assert result.repeated == dict.fromkeys(range(3), 2)
    with pytest.raises(
        AssertionError, match="3 of 3 clients got it .*; more than once, by number: {0: 2, 1: 2, 2: 2}"
    ):
        assertions.assert_broadcast(result)


def test_a_broadcast_is_the_same_for_everybody() -> None:
    result = BroadcastResult({0: 1.0, 1: 1.0}, different=[1])
    with pytest.raises(AssertionError, match=r"another payload: numbers \[1\]"):
        assertions.assert_broadcast(result)
