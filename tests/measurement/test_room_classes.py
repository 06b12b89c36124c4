from __future__ import annotations

import pytest

from loadtest.backends.topology import Topology
from loadtest.measurement import room_classes


@pytest.mark.parametrize(
    ("members", "name"),
    [(0, "up to 1"), (1, "up to 1"), (2, "2–19"), (19, "2–19"), (20, "20–99"), (10_000, "10,000 and more")],
)
def test_each_size_has_a_class(members: int, name: str) -> None:
    assert room_classes.NAMES[room_classes.class_of(members)] == name
    assert (room_classes.class_of(members) >= room_classes.FIRST_CROWDED) == (members >= 20)


def test_the_classes_are_those_of_the_topology() -> None:
    sizes = Topology(skew=1.5).members(200, 10)
    assert sum(sizes) == 200
    assert sizes[0] > 20 > sizes[-1]
    assert room_classes.classes_of(sizes)[0] == 3 - (sizes[0] < 100)
    assert Topology(rooms_per_owner=4, rooms_each=2).members(8, 4) == [4, 4, 4, 4]
    assert Topology().members(10, 5, workers=3) == Topology().members(10, 5, workers=3)
    assert sum(Topology().members(10, 5, workers=3)) == 10


def test_names_of_latencies_come_apart() -> None:
    assert room_classes.split(f"agentLog{room_classes.CLASS}3") == ("agentLog", 3)
    assert room_classes.split("agentLog") == ("agentLog", None)
    assert room_classes.of_room((2, 1), 1) == 1
    assert room_classes.of_room((2, 1), 7) == 0
