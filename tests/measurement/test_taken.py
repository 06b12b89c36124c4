"""What was timed, added up over viewpoints."""

from __future__ import annotations

from collections import Counter

import numpy as np

from loadtest.measurement.taken import FanOut, Taken


def test_what_two_viewpoints_timed_is_added_up() -> None:
    first = Taken({"a": np.array([1]), "b": np.array([2])}, Counter({(0, 0): 1}), [], 2, 3)
    second = Taken({"a": np.array([4])}, Counter({(0, 0): 5}), [FanOut(0, 0, 0, 0, 0, 0, 0, 1)], 6, 7)
    second.bounds_us.extend([8])
    first.add(second)
    assert {name: list(values_us) for name, values_us in first.samples_us.items()} == {"a": [1, 4], "b": [2]}
    assert (first.timed, first.negative, first.unbounded, list(first.bounds_us)) == (
        Counter({(0, 0): 6}),
        8,
        10,
        [8],
    )
    assert first.fan_outs == second.fan_outs


def test_an_event_is_the_same_in_all_classes_and_from_all_clocks() -> None:
    taken = Taken({name: np.array([at]) for at, name in enumerate(("e", "e@class2", "e@class2@across", "f"))})
    assert {event: list(values_us) for event, values_us in taken.by_event().items()} == {"e": [0, 1, 2], "f": [3]}
