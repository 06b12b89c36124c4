"""Members are users: one user's accounts count once in a room, whenever they came."""

from __future__ import annotations

import pytest

from loadtest.measurement.figures import crowded
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.meter import Meter
from loadtest.measurement.presence import Counts
from loadtest.measurement.report import Totals

from .metering import S, complete, settle
from .runs import summary_of


def visit(meter: Meter, user: int | None, *rooms: int, ends: bool, at_ns: int = S) -> None:
    account = meter.open_account(user=user)
    for room in rooms:
        account.joined(room, at_ns)
    if ends:
        account.ended(at_ns + 1)


def members_so_far(meter: Meter) -> int:
    count = meter.count_so_far()
    for _ in count.steps():
        pass
    return count.found.members.total()


@pytest.mark.parametrize("ends", [False, True])
def test_the_clients_of_one_user_are_one_member(meter: Meter, ends: bool) -> None:
    for _ in range(3):
        visit(meter, 7, 0, 1, ends=ends)
    visit(meter, 8, 0, ends=ends)
    visit(meter, None, 0, ends=ends)
    visit(meter, None, 0, ends=ends)
    assert members_so_far(meter) == 5
    assert settle(meter).members == {0: 4, 1: 1}


def test_a_user_whose_earlier_clients_were_counted_already_is_not_counted_again(meter: Meter) -> None:
    visit(meter, 7, 0, ends=True)
    complete(meter, 100 * S)
    assert not meter.accounts, "it was settled"
    visit(meter, 7, 0, ends=False)
    visit(meter, 9, 0, ends=False)
    assert members_so_far(meter) == members_so_far(meter) == 2
    assert settle(meter).members == {0: 2}


def test_who_never_got_in_is_no_member(meter: Meter) -> None:
    meter.open_account(user=7).joining(0)
    assert settle(meter).members == {0: 0}


def test_sockets_are_counted_at_their_most(meter: Meter) -> None:
    for _ in range(2):
        for _ in range(3):
            visit(meter, 7, 0, ends=False)
        for account in list(meter.accounts.values()):
            account.disconnected(2 * S, wanted=False)
    meter.accounts[0].recovered(3 * S)
    meter.accounts[0].joined(0, 4 * S)
    meter.accounts[0].left(0, 5 * S)
    meter.accounts[0].left(0, 5 * S)
    totals = Totals.from_message(settle(meter).to_message())
    assert totals.sockets == {0: 3}
    assert totals.members == {0: 1}


def test_a_room_of_twenty_sockets_is_crowded_whoever_they_belong_to() -> None:
    fleet = Fleet()
    for sockets in (12, 8):
        fleet.finish(f"w{sockets}", Totals(1, {}, {}, {0: 1, 1: 1}, {}, {}, [], sockets={0: sockets, 1: 9}))
    rooms = {room: [Counts(expected=10**room)] for room in range(2)}
    assert crowded(fleet, rooms) == Counts(expected=1)


def test_memberships_that_are_shorter_than_a_flight_are_told(meter: Meter) -> None:
    """All that came to them is an edge: the reason for large numbers of these."""
    assert meter.flight_ns == 2 * S
    brief, longer, staying, lost = (meter.open_account() for _ in range(4))
    for account in (brief, longer, staying, lost):
        account.joined(0, 10 * S)
    brief.left(0, 12 * S - 1)
    longer.left(0, 12 * S)
    lost.disconnected(11 * S, wanted=False)
    brief.joined(0, 20 * S)
    brief.ended(21 * S)
    totals = Totals.from_message(settle(meter).to_message())
    assert (totals.memberships, totals.brief_memberships) == (5, 2)
    fleet = Fleet()
    for worker in "ab":
        fleet.finish(worker, totals)
    assert summary_of(fleet)["memberships"] == {"number": 10, "brief": 4}
