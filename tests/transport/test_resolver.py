"""Tests of which address of a host name a connection goes to, with a simulated clock and name server."""

from __future__ import annotations

import errno
import random
import socket
from typing import TYPE_CHECKING, Any

import gevent
import pytest

from loadtest.transport.resolver import DEAD_S, Resolver, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

V4 = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
REFUSED = OSError(errno.ECONNREFUSED, "refused")


class Names:
    """A name server whose answer the test sets, and a clock that it moves."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked = 0
        self.now_s = 100.0
        self.slow_s = 0.0

    def lookup(self, host: str, port: int) -> Sequence[tuple[Any, ...]]:
        self.asked += 1
        gevent.sleep(self.slow_s)
        if not self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no such host")
        return [(_family(one), socket.SOCK_STREAM, 6, "", (one, port)) for one in self.addresses]

    def resolver(self, ttl_s: float = 60.0) -> Resolver:
        resolver = Resolver(self.lookup, lambda: self.now_s)
        resolver.ttl_s = ttl_s
        return resolver


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def order(resolver: Resolver, **more: Any) -> list[str]:
    return [target.address[0] for target in resolver.targets("backend", 80, **more)]


def firsts(resolver: Resolver, count: int) -> list[str]:
    return [order(resolver)[0] for _ in range(count)]


def fail(resolver: Resolver, address: str, error: OSError = REFUSED) -> None:
    target = Target(_family(address), socket.SOCK_STREAM, 6, (address, 80))
    resolver.failed("backend", 80, target, error)


def test_connections_go_to_all_addresses_in_turn() -> None:
    names = Names(*V4)
    resolver = names.resolver()
    assert [order(resolver) for _ in range(3)] == [[*V4[n:], *V4[:n]] for n in range(3)]
    assert names.asked == 1


def test_a_name_server_that_shuffles_makes_turns_no_less_even() -> None:
    names = Names(*V4)
    resolver = names.resolver(0.0)
    shuffle = random.Random(1)
    found = []
    for _ in range(9):
        names.addresses = tuple(shuffle.sample(V4, 3))
        found.append(order(resolver)[0])
    assert found == [*V4] * 3
    assert names.asked == 9, "0 resolves for each connection"


def test_a_name_is_resolved_again_after_its_time() -> None:
    names = Names(*V4[:2])
    resolver = names.resolver(60.0)
    assert set(firsts(resolver, 4)) == set(V4[:2])
    names.addresses = V4[1:]
    names.now_s += 59.9
    assert set(firsts(resolver, 4)) == set(V4[:2])
    names.now_s += 0.1
    assert set(firsts(resolver, 4)) == set(V4[1:])
    assert names.asked == 2


def test_an_address_that_failed_comes_last_for_a_while_and_is_then_tried_by_one() -> None:
    names = Names(*V4)
    resolver = names.resolver()
    fail(resolver, V4[1])
    found = [order(resolver) for _ in range(6)]
    assert all(one[-1] == V4[1] for one in found)
    assert [one[0] for one in found].count(V4[0]) == 3, "the others share its connections evenly"
    names.now_s += DEAD_S
    assert firsts(resolver, 6).count(V4[1]) == 1, "one finds out, the others do not wait for it"
    resolver.reached(Target(socket.AF_INET, socket.SOCK_STREAM, 6, (V4[1], 80)))
    assert firsts(resolver, 6).count(V4[1]) == 2


def test_where_all_are_dead_all_are_tried_and_the_name_is_resolved_again() -> None:
    names = Names(*V4[:2])
    resolver = names.resolver()
    order(resolver)
    for address in V4[:2]:
        fail(resolver, address)
    assert set(order(resolver)) == set(V4[:2])
    names.addresses = V4[2:]
    names.now_s += 1.0
    assert order(resolver) == [V4[2]]


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EADDRNOTAVAIL])
def test_a_fault_on_our_side_says_nothing_of_the_address(number: int) -> None:
    resolver = Names(*V4).resolver()
    fail(resolver, V4[0], OSError(number, ""))
    assert firsts(resolver, 3) == [*V4]


def test_the_family_that_the_system_prefers_is_used_in_turn_and_the_other_comes_after() -> None:
    resolver = Names(V4[0], "::2", V4[1]).resolver()
    assert [order(resolver) for _ in range(2)] == [[V4[0], V4[1], "::2"], [V4[1], V4[0], "::2"]]
    assert order(resolver, source="::1") == ["::2"]
    assert order(resolver, source="127.0.0.9")[0] in V4


def test_the_system_s_own_order_may_be_asked_for() -> None:
    resolver = Names(V4[2], V4[0]).resolver()
    assert [order(resolver, in_turn=False) for _ in range(2)] == [[V4[2], V4[0]]] * 2


def test_a_name_server_that_is_gone_leaves_what_is_known() -> None:
    names = Names(*V4[:1])
    resolver = names.resolver(10.0)
    order(resolver)
    names.addresses = ()
    names.now_s += 10.0
    assert order(resolver) == [V4[0]]
    with pytest.raises(socket.gaierror):
        resolver.targets("other", 80)


def test_an_address_is_not_looked_up_again() -> None:
    names = Names(V4[0])
    resolver = names.resolver(0.0)
    for _ in range(3):
        assert resolver.targets(V4[0], 80)[0].address == (V4[0], 80)
    assert names.asked == 1


def test_many_connections_at_once_ask_once_and_others_go_on_meanwhile() -> None:
    names = Names(*V4)
    names.slow_s = 0.05
    resolver = names.resolver(60.0)
    ticks = gevent.spawn(lambda: [gevent.sleep(0.001) for _ in range(5)])
    dials = [gevent.spawn(order, resolver) for _ in range(20)]
    ticks.join()
    assert not any(dial.ready() for dial in dials), "the loop turned while the name was looked up"
    gevent.joinall(dials, raise_error=True)
    assert names.asked == 1
    names.now_s += 60.0
    refreshes = [gevent.spawn(order, resolver) for _ in range(20)]
    gevent.idle()
    assert sum(refresh.ready() for refresh in refreshes) == 19, "the others go on with what is known"
    gevent.joinall(refreshes, raise_error=True)
    assert names.asked == 2


@pytest.mark.parametrize(("left_s", "remaining", "share_s"), [(10, 1, 10), (10, 2, 5), (10, 10, 2), (1, 4, 1)])
def test_the_time_is_shared_by_the_addresses(left_s: float, remaining: int, share_s: float) -> None:
    assert Resolver().attempt_s(left_s, remaining) == share_s
