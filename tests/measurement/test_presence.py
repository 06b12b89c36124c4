"""The denominator: each rule by example, then everything against a slow plain model."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.measurement.owed import Ranges
from loadtest.measurement.presence import Arrival, Counts, End, Presence, ledger_key
from loadtest.measurement.recogniser import Broadcast, Kind
from loadtest.measurement.settlement import count
from loadtest.measurement.triggers import Outcome, StreamLog, TriggerLog

from .logs import FLIGHT, log_of

PUBLISHER, ROOM, SLOT = 3, 0, 0
ENDS = {"leave": End.LEFT, "lose": End.LOST, "drop": End.DROPPED}


class OneStream(TriggerLog):
    def __init__(self, log: StreamLog) -> None:
        super().__init__()
        self._rooms[ROOM] = {PUBLISHER: log}


def settle_all(presence: Presence, log: StreamLog) -> Counts:
    owed = Ranges()
    ((publisher, slot, counts),) = count(presence, {PUBLISHER: log}, 1, FLIGHT, owed)
    assert (publisher, slot) == (PUBLISHER, SLOT)
    # Told apart by seconds, it is the same in sum.
    seconds = owed.by_second(OneStream(log), lambda ns: ns).values()
    assert (sum(row[0] for row in seconds), sum(row[1] for row in seconds)) == (counts.expected, counts.lost)
    return counts


def settle(presence: Presence, log: StreamLog) -> Counts:
    """Without what is merely added up, which the model checks."""
    return replace(settle_all(presence, log), arrived=0, unowed=0)


def receive(presence: Presence, *seqs: int) -> None:
    for seq in seqs:
        presence.ledger(ledger_key(PUBLISHER, SLOT)).record(seq)


def member(joined_ns: int) -> Presence:
    presence = Presence(ROOM)
    presence.join(joined_ns)
    return presence


def test_a_member_that_gets_everything() -> None:
    presence = member(100)
    receive(presence, 0, 1, 2)
    assert settle(presence, log_of(110, 120, 130)) == Counts(expected=3, delivered=3)


def test_a_member_that_never_gets_anything_has_lost_everything() -> None:
    assert settle(member(100), log_of(110, 120, 130)) == Counts(expected=3, lost=3)


def test_losses_at_head_and_tail_count() -> None:
    presence = member(100)
    receive(presence, 1)
    assert settle(presence, log_of(110, 120, 130)) == Counts(expected=3, delivered=1, lost=2)


def test_what_was_in_flight_when_the_user_joined_is_edge() -> None:
    presence = member(100)
    receive(presence, 1, 2)
    assert settle(presence, log_of(80, 95, 110)) == Counts(expected=1, delivered=1, edge=1)


def test_what_was_in_flight_when_the_user_left_is_edge() -> None:
    presence = member(100)
    presence.close(200, End.LEFT)
    receive(presence, 0)
    assert settle(presence, log_of(110, 195, 205, 215)) == Counts(expected=1, delivered=1, edge=2)


def test_who_comes_back_at_once_is_owed_everything_again() -> None:
    presence = member(100)
    presence.close(200, End.LEFT)
    presence.join(204)
    assert settle(presence, log_of(110, 195, 203, 205)) == Counts(expected=2, lost=2, edge=2)


def test_what_was_sent_while_the_connection_was_lost_is_missed_offline() -> None:
    presence = member(100)
    presence.close(200, End.LOST)
    presence.join(300)
    receive(presence, 0, 3)
    counts = settle(presence, log_of(110, 220, 290, 310))
    assert counts == Counts(expected=4, delivered=2, lost=2, missed_offline=2)


def test_what_is_missed_after_a_drop_by_the_load_test_is_told_apart() -> None:
    presence = member(100)
    presence.close(200, End.DROPPED)
    presence.resumed_ns = 300
    presence.join(320)
    presence.close(400, End.LOST)
    receive(presence, 0, 4)
    # In flight when it was dropped, while offline, and while rejoining; then once more by the backend's fault.
    counts = settle(presence, log_of(110, 195, 250, 310, 330, 450))
    assert counts == Counts(expected=6, delivered=2, lost=4, missed_offline=4, missed_dropped=3)


def test_what_is_sent_again_after_a_drop_by_the_load_test_is_replayed() -> None:
    presence = member(100)
    presence.close(200, End.DROPPED)
    assert presence.is_lost
    assert presence.receive(broadcast(0, 210), 305, in_line=True) is Arrival.REPLAYED
    presence.resumed_ns = 304
    presence.join(304)
    assert settle(presence, log_of(210)) == Counts(expected=1, delivered=1, replayed=1)


def test_who_never_comes_back_from_a_drop_goes_on_missing_because_of_it() -> None:
    presence = member(100)
    presence.close(200, End.DROPPED)
    counts = settle(presence, log_of(220, 500))
    assert counts == Counts(expected=2, lost=2, missed_offline=2, missed_dropped=2)


def test_a_connection_that_never_came_back() -> None:
    presence = member(100)
    presence.close(200, End.LOST)
    assert settle(presence, log_of(220, 500)) == Counts(expected=2, lost=2, missed_offline=2)


def test_whoever_leaves_while_offline_is_owed_no_more() -> None:
    presence = member(100)
    presence.close(200, End.LOST)
    presence.close(300, End.LEFT)
    assert settle(presence, log_of(250, 350)) == Counts(expected=1, lost=1, missed_offline=1)


def test_a_refused_trigger_is_owed_to_nobody() -> None:
    presence = member(100)
    receive(presence, 1)
    assert settle(presence, log_of(110, 120, refused=frozenset({0}))) == Counts(expected=1, delivered=1)


def test_a_second_joined_answer_changes_nothing() -> None:
    presence = member(100)
    presence.join(150)
    assert len(presence.spans) == 1


def test_whoever_never_joined_is_owed_nothing() -> None:
    assert settle(Presence(ROOM), log_of(1, 2)) == Counts()


def test_duplicates_and_reordering_are_counted() -> None:
    presence = member(100)
    receive(presence, 1, 0, 0, 2)
    counts = settle(presence, log_of(110, 120, 130))
    assert counts == Counts(expected=3, delivered=3, duplicate=1, reordered=1, reorder_extent=1)


# The model


@dataclass
class Step:
    at_ns: int
    what: str


acts = st.sampled_from(["join", "leave", "lose", "drop"])
steps = st.lists(st.builds(Step, st.integers(0, 300), acts), max_size=8).map(
    lambda found: sorted(found, key=lambda step: step.at_ns)
)


def model(history: list[Step], sent_ns: list[int], refused: set[int], seen: set[int]) -> Counts:
    """Each trigger on its own, by walking through the user's history."""
    counts = Counts(arrived=len(seen))
    for seq, moment in enumerate(sent_ns):
        why = "" if seq in refused else why_owed(history, moment)
        if not why:
            counts.unowed += seq in seen
        elif why == "edge":
            counts.edge += 1
        else:
            counts.expected += 1
            if seq in seen:
                counts.delivered += 1
            else:
                counts.lost += 1
                counts.missed_offline += why in ("offline", "dropped")
                counts.missed_dropped += why == "dropped"
    return counts


def why_owed(history: list[Step], moment: int) -> str:
    state = "out"
    left_ns = -1000
    for step in (step for step in history if step.at_ns <= moment):
        if state != "out" and step.what == "leave":
            left_ns = step.at_ns
        state = transition(state, step.what)
    if state == "out" and moment < left_ns + FLIGHT:
        return "edge"
    return why_owed_before(history, moment, state)


def why_owed_before(history: list[Step], moment: int, state: str) -> str:
    """By what comes after the moment."""
    following = [step for step in history if step.at_ns > moment]
    after = state
    for step in following:
        following_state = transition(after, step.what)
        if following_state == after:
            continue
        near = moment >= step.at_ns - FLIGHT
        if state == "out":
            return "edge" if near and following_state == "in" else ""
        if state == "in":
            if near and following_state == "out":
                return "edge"
            if near and following_state in ("offline", "dropped"):
                return following_state
        break
    return {"in": "member", "out": ""}.get(state, state)


def transition(state: str, what: str) -> str:
    if what == "join":
        return "in"
    if what == "leave":
        return "out"
    return {"lose": "offline", "drop": "dropped"}[what] if state == "in" else state


@settings(max_examples=400)
@given(
    steps,
    st.lists(st.integers(0, 300), max_size=25).map(sorted),
    st.sets(st.integers(0, 24)),
    st.sets(st.integers(0, 24)),
)
def test_against_the_model(history: list[Step], sent_ns: list[int], refused: set[int], seen: set[int]) -> None:
    presence = Presence(ROOM)
    for step in history:
        if step.what == "join":
            presence.join(step.at_ns)
        else:
            presence.close(step.at_ns, ENDS[step.what])
    seen = {seq for seq in seen if seq < len(sent_ns)}
    receive(presence, *sorted(seen))
    log = log_of(*sent_ns, refused=frozenset(refused))
    counts = settle_all(presence, log)
    assert counts == model(history, sent_ns, refused, seen)
    assert counts.expected == counts.delivered + counts.lost


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 1, 0, 2)])
def test_triggers_may_become_known_in_any_order(order: tuple[int, ...]) -> None:
    log = StreamLog()
    for seq in order:
        log.add(seq, 110 + seq, Outcome.ACCEPTED)
    presence = member(100)
    receive(presence, 0, 1, 2)
    assert settle(presence, log) == Counts(expected=3, delivered=3)


# Replays


def broadcast(seq: int, due_ns: int) -> Broadcast:
    found = Broadcast("x", Kind.DELIVERY, room=ROOM, publisher=PUBLISHER, seq=seq, next_seq=seq + 1, due_ns=due_ns)
    found.key = ledger_key(PUBLISHER, SLOT)
    return found


def test_what_was_sent_while_offline_and_came_by_the_next_connection_is_replayed() -> None:
    presence = member(100)
    arrivals = [presence.receive(broadcast(0, 110), 111, in_line=True)]
    presence.close(200, End.LOST)
    # A server that remembers the connection replays before anybody joins again.
    arrivals.append(presence.receive(broadcast(1, 195), 305, in_line=True))
    presence.resumed_ns = 304
    presence.join(310)
    arrivals.append(presence.receive(broadcast(2, 250), 312, in_line=True))
    arrivals.append(presence.receive(broadcast(3, 305), 313, in_line=True))
    arrivals.append(presence.receive(broadcast(4, 320), 321, in_line=True))
    arrivals.append(presence.receive(broadcast(2, 250), 322, in_line=True))
    first, replayed, duplicate = Arrival.FIRST, Arrival.REPLAYED, Arrival.DUPLICATE
    assert arrivals == [first, replayed, replayed, first, first, duplicate]
    counts = settle(presence, log_of(110, 195, 250, 305, 320))
    assert counts == Counts(expected=5, delivered=5, replayed=2, duplicate=1)


def test_what_is_replayed_is_told_apart_after_every_loss_not_only_after_the_first() -> None:
    presence = member(100)
    arrivals = []
    for seq, lost_ns in enumerate((200, 400)):
        presence.close(lost_ns, End.LOST)
        arrivals.append(presence.receive(broadcast(seq, lost_ns + 10), lost_ns + 100, in_line=True))
        presence.resumed_ns = lost_ns + 101
        presence.join(lost_ns + 101)
    assert arrivals == [Arrival.REPLAYED, Arrival.REPLAYED]
    assert settle(presence, log_of(210, 410)) == Counts(expected=2, delivered=2, replayed=2)


def test_an_update_that_came_before_the_connection_was_lost_is_not_replayed() -> None:
    presence = member(100)
    presence.close(200, End.LOST)
    # Its trigger became known only now.
    assert presence.receive(broadcast(0, 195), 199, in_line=True) is Arrival.FIRST
    assert settle(presence, log_of(195)) == Counts(expected=1, delivered=1)


# Other clocks


def test_the_edges_are_as_wide_as_the_times_are_uncertain() -> None:
    log = StreamLog()
    for seq, moment in enumerate((95, 103, 106, 183, 188, 195, 203, 206)):
        log.add(seq, moment, Outcome.ACCEPTED, 5)
    presence = member(100)
    presence.close(200, End.LEFT)
    # 95 and 103 may have been sent before the joined answer; 188 to 206 when the user had left, or not.
    assert settle(presence, log) == Counts(expected=2, lost=2, edge=6)


def test_counts_add_up_in_every_field() -> None:
    total = Counts(*range(1, 14))
    total.add(Counts(*range(100, 113)))
    extent = Counts.__slots__.index("reorder_extent")
    expected = [own + 99 + own for own in range(1, 14)]
    expected[extent] = 100 + extent
    assert list(astuple(total)) == expected
