from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from loadtest.backends.endpoint import Endpoint
from loadtest.backends.plan import Plan, Room

PLAN = Plan("run", "0123abcd", Endpoint("http://x"), (Room("p", "a", "t"),) * 3, 10.0, 4, ("127.0.0.2",))


def test_messages_carry_everything() -> None:
    assert Plan.from_message(PLAN.to_message()) == PLAN


def test_agents_lead_to_their_rooms() -> None:
    rooms = (Room("p", "a", "t"), Room("q", "b", "t"), Room("r", "a", "t"), Room("s", "", "t"))
    assert replace(PLAN, rooms=rooms).sources() == {"a": frozenset({0, 2}), "b": frozenset({1})}


@given(st.integers(1, 20), st.integers(1, 5), st.integers(0, 40))
def test_every_worker_spreads_its_users_evenly(rooms: int, workers: int, users: int) -> None:
    for worker in range(workers):
        plan = replace(PLAN, rooms=(PLAN.rooms[0],) * rooms, worker=worker, workers=workers)
        taken = Counter(plan.room_of(user) for user in range(users))
        sizes = [taken[room] for room in range(rooms)]
        assert max(sizes) - min(sizes) <= 1


def test_publishers_of_different_workers_differ() -> None:
    numbers = {replace(PLAN, worker=worker).publisher_number(n) for worker in range(5) for n in range(5)}
    assert len(numbers) == 25


def test_users_leave_from_the_addresses_in_turn_over_all_workers() -> None:
    addresses = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
    plans = [replace(PLAN, source_addresses=addresses, worker=worker, workers=2) for worker in range(2)]
    taken = Counter(plan.source_of(user) for plan in plans for user in range(30))
    assert taken == dict.fromkeys(addresses, 20)
    assert replace(PLAN, source_addresses=()).source_of(5) is None
