"""Counting while the run goes on: by the rules of the end, and without changing what comes out there."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import astuple

from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.reader import Reader
from loadtest.measurement.interim import Count, Interim, merge
from loadtest.measurement.meter import Meter
from loadtest.measurement.presence import Counts
from loadtest.measurement.report import Totals
from loadtest.measurement.settlement import Settlement
from loadtest.measurement.triggers import Outcome, Trigger, TriggerLog

from .metering import RUN, S, complete, log_frame

CLASSES = (2, 1)
"""Of two rooms."""
Step = tuple[str, int, int, int]
"""(what, member, room, number)."""


def interim_of(meter: Meter) -> Interim:
    count = meter.count_so_far()
    for _ in count.steps():
        pass
    return count.found


def play(steps: list[Step], *, looked: bool) -> Meter:
    """A meter that saw these, a second each; perhaps somebody looked all the time."""
    meter = Meter(RUN, Reader(), flight_ns=2 * S, classes=CLASSES)
    accounts = [meter.open_account() for _ in range(3)]
    for at_s, (what, who, room, seq) in enumerate(steps, 1):
        now_ns = at_s * S
        account = accounts[who]
        if what == "join" and account.ended_ns is None:
            account.joined(room, now_ns)
        elif what == "leave":
            account.left(room, now_ns)
        elif what == "drop":
            account.disconnected(now_ns, wanted=False)
        elif what == "send":
            meter.learn([Trigger(room, 1, seq, now_ns, now_ns, Outcome(who), "")])
        elif account.number in meter.accounts:
            meter.observe(account.number, contract.AGENT_LOG, log_frame(seq, room), now_ns)
        complete(meter, now_ns)
        if looked:
            interim_of(meter)
    return meter


def by_class(totals: Totals) -> dict[tuple[int, int], Counts]:
    merged: dict[tuple[int, int], Counts] = defaultdict(Counts)
    for (room, _, slot), counts in totals.streams.items():
        merged[CLASSES[room], slot].add(counts)
    return merged


steps_of_a_run = st.lists(
    st.tuples(
        st.sampled_from(("join", "join", "leave", "drop", "send", "send", "receive", "receive", "receive")),
        st.integers(0, 2),
        st.integers(0, 1),
        st.integers(0, 5),
    ),
    max_size=40,
)


@settings(max_examples=60)
@given(steps_of_a_run)
def test_at_the_end_it_is_what_the_settlement_says_and_looking_changes_nothing(steps: list[Step]) -> None:
    looked, left_alone = play(steps, looked=True), play(steps, looked=False)
    looked.close()
    left_alone.close()
    complete(looked, 10_000 * S)
    found = interim_of(looked)
    totals, expected = looked.settle(), left_alone.settle()
    assert totals == expected
    whole = {key: counts for key, counts in by_class(totals).items() if any(astuple(counts))}
    assert {key: counts for key, counts in found.counts.items() if any(astuple(counts))} == whole
    members = [found.members[one] for one in CLASSES]
    assert members == [totals.members.get(room, 0) for room in range(2)]


def test_what_is_in_flight_is_neither_owed_nor_lost_yet() -> None:
    meter = Meter(RUN, Reader(), flight_ns=2 * S, classes=CLASSES)
    account = meter.open_account()
    account.joined(0, 1 * S)
    for seq, sent_s in enumerate((10, 11, 12, 13)):
        meter.learn([Trigger(0, 1, seq, sent_s * S, sent_s * S, Outcome.ACCEPTED, "")])
    meter.observe(account.number, contract.AGENT_LOG, log_frame(0), 10 * S)
    meter.observe(account.number, contract.AGENT_LOG, log_frame(3), 13 * S)
    complete(meter, 14 * S)
    found = interim_of(meter).counts[2, 0]
    assert (found.expected, found.delivered, found.lost) == (2, 1, 1)  # those of before 12 s
    complete(meter, 16 * S)
    found = interim_of(meter).counts[2, 0]
    assert (found.expected, found.delivered, found.lost) == (4, 2, 2)


def test_messages_carry_it_and_workers_add_up() -> None:
    one = Interim(5)
    one.counts[2, 0].add(Counts(expected=3, delivered=2, lost=1))
    one.members[2] = 7
    one.failures = {"why": 2}
    again = Interim.from_message(one.to_message())
    assert again == one
    other = Interim.from_message({**one.to_message(), "until_ns": 3, "failures": {"why": 1, "how": 9}})
    both = merge([one, other])
    assert (both.until_ns, both.counts[2, 0].lost, both.members[2]) == (3, 2, 14)
    assert both.failures == {"how": 9, "why": 3}
    assert merge([]).counts == {}


def test_nobody_counts_from_the_beginning() -> None:
    assert merge([]).until_ns == 0


def test_those_who_have_gone_are_members_of_their_rooms_class() -> None:
    settled = Settlement(TriggerLog(), 1, 0)
    settled.members.update({0: 2, 1: 3, 2: 4})
    assert Count(settled, [], (1, 0, 1), 0).found.members == {1: 6, 0: 3}
