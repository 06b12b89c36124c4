"""Tests of which source address the next trigger leaves from."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from loadtest.tasks.sources import Sources

ADDRESSES = tuple("abcdefgh")


def taken(sources: Sources, count: int, now_s: float = 1.0) -> list[str | None]:
    found = (sources.take(now_s) for _ in range(count))
    return [source.address for source in found if source is not None]


def test_they_are_used_in_turn() -> None:
    assert taken(Sources("http://x", ADDRESSES), 10) == [*ADDRESSES, "a", "b"]


def test_without_any_the_system_chooses() -> None:
    assert taken(Sources("http://x", ()), 3) == [None] * 3


def test_one_that_has_to_be_quiet_is_skipped_until_its_time_is_over() -> None:
    sources = Sources("http://x", ("a", "b", "c"))
    sources.budgets[1].refuse(10.0, 9.0)
    assert taken(sources, 4) == ["a", "c", "a", "c"]
    assert taken(sources, 3, now_s=10.0) == ["a", "b", "c"]


def test_none_leaves_while_all_have_to_be_quiet() -> None:
    sources = Sources("http://x", ("a", "b"))
    for budget in sources.budgets:
        budget.refuse(10.0, 9.0)
    assert sources.take(9.9) is None
    assert taken(sources, 2, now_s=10.0) == ["a", "b"]


@given(st.integers(1, 12), st.integers(1, 12))
def test_workers_begin_at_different_addresses(workers: int, count: int) -> None:
    addresses = [str(number) for number in range(count)]
    for each in range(1, 4):
        used: Counter[str | None] = Counter()
        for worker in range(workers):
            used.update(taken(Sources("http://x", addresses, worker, workers), each))
        assert len(used) >= min(count, workers)
    assert sum(used.values()) == workers * 3


def test_all_workers_together_use_all_addresses() -> None:
    first = {taken(Sources("http://x", ADDRESSES, worker, 4), 2)[0] for worker in range(4)}
    both = {one for worker in range(4) for one in taken(Sources("http://x", ADDRESSES, worker, 4), 2)}
    assert first == {"a", "c", "e", "g"}
    assert both == set(ADDRESSES)
