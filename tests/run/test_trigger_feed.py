"""Whatever gets lost on the way, every worker has every row once, or knows how many it has not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loadtest.run.trigger_feed import Feed, Inlet


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=30))
def test_rows_that_get_lost_are_asked_for_again(steps: list[tuple[int, bool]]) -> None:
    feed, inlet = Feed(), Inlet()
    got: list[int] = []
    for count, arrives in steps:
        start = feed.end
        feed.add([*range(start, start + count)])
        for message in feed.since(start):
            if arrives:
                got += inlet.take(message)
    if inlet.next < feed.end:
        for message in feed.since(inlet.next):
            got += inlet.take(message)
    assert got == [*range(feed.end)]
    assert inlet.missed == 0


def test_a_message_that_comes_twice_is_taken_once() -> None:
    feed, inlet = Feed(), Inlet()
    feed.add(["a", "b"])
    (message,) = feed.since(0)
    assert inlet.take(message) == ["a", "b"]
    assert inlet.take(message) == []


def test_what_nobody_keeps_any_more_is_counted_as_missed() -> None:
    feed, inlet = Feed(most=10), Inlet()
    feed.add([*range(25)])
    assert feed.oldest == 15
    assert [row for message in feed.since(0) for row in inlet.take(message)] == [*range(15, 25)]
    assert inlet.missed == 15


def test_a_worker_that_comes_late_needs_only_what_is_kept() -> None:
    feed = Feed(most=10)
    feed.add([*range(25)])
    inlet = Inlet(feed.oldest)
    assert [row for message in feed.since(inlet.next) for row in inlet.take(message)] == [*range(15, 25)]
    assert inlet.missed == 0


def test_many_rows_go_in_several_messages() -> None:
    feed = Feed()
    feed.add([*range(12_000)])
    assert [message["count"] for message in feed.since(0)] == [5000, 5000, 2000]
