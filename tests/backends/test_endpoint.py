from __future__ import annotations

from loadtest.backends.endpoint import Backoff, Endpoint
from loadtest.backends.plan import Plan, Room
from loadtest.backends.tls import Trust
from loadtest.clients.client import Client


def test_clients_come_back_as_the_options_say() -> None:
    endpoint = Endpoint("http://a", backoff=Backoff(2, 9, 0))
    plan = Plan("r", "0", endpoint, (Room("p", "a", "t"),), 1.0, 1)
    again = Plan.from_message(plan.to_message())
    assert again == plan
    client = Client(again.endpoint)
    assert client.socket.reconnection_delay == 2
    assert client.socket.reconnection_delay_max == 9
    assert client.socket.randomization_factor == 0


def test_users_go_to_the_instances_in_turn_over_all_workers() -> None:
    endpoint = Endpoint.at("http://a/, http://b", trust=Trust())
    assert (endpoint.host, endpoint.hosts) == ("http://a", "http://a,http://b")
    room = Room("p", "a", "t")
    plan = Plan("r", "0", endpoint, (room,), 1.0, 1, workers=3, worker=1)
    again = Plan.from_message(plan.to_message())
    assert again == plan
    assert [again.endpoint_of(user).host for user in range(4)] == ["http://b", "http://a", "http://b", "http://a"]


def test_one_instance_is_everybody_s() -> None:
    endpoint = Endpoint("http://a")
    assert endpoint.instance(7) is endpoint
