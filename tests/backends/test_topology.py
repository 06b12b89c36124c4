from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.backends.topology import Topology


def taken(topology: Topology, users: int, rooms: int, workers: int = 1) -> Counter[int]:
    return Counter(
        topology.room_of(user, rooms, worker, workers)
        for worker in range(workers)
        for user in range(users // workers)
    )


@given(st.integers(1, 50), st.integers(1, 10), st.integers(1, 20))
def test_a_size_fills_room_after_room(size: int, rooms: int, full: int) -> None:
    full = min(full, rooms)
    assert taken(Topology(size=size), size * full, rooms) == dict.fromkeys(range(full), size)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("skew", [0.5, 1.0, 2.0])
def test_a_skew_follows_zipf_s_law(skew: float, workers: int) -> None:
    rooms, users = 8, 4000
    found = taken(Topology(skew=skew), users, rooms, workers)
    weights = [(place + 1) ** -skew for place in range(rooms)]
    for room, weight in enumerate(weights):
        assert found[room] / users == pytest.approx(weight / sum(weights), abs=0.01)


@given(st.integers(0, 500), st.integers(1, 40), st.integers(1, 5), st.integers(1, 5))
def test_a_viewer_s_rooms_are_its_owner_s(user: int, rooms: int, each: int, per_owner: int) -> None:
    topology = Topology(rooms_each=each, rooms_per_owner=per_owner)
    joined = topology.rooms_of(user, rooms)
    assert joined[0] == topology.room_of(user, rooms)
    assert len(set(joined)) == len(joined) <= min(each, per_owner)
    assert {room // per_owner for room in joined} == {joined[0] // per_owner}
    assert all(0 <= room < rooms for room in joined)
