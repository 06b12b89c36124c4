from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from backend.plan import Plan, Room

PLAN = Plan("run", "0123abcd", "http://x", (Room("p", "a", "t"),) * 3, 10.0, 4, ("127.0.0.2",))


def test_messages_carry_everything() -> None:
    assert Plan.from_message(PLAN.to_message()) == PLAN


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
