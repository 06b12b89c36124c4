"""Which moments of other workers' clocks are ours, and by how much they may be wrong."""

from __future__ import annotations

from dataclasses import replace

from loadtest.measurement.clock import Estimate
from loadtest.measurement.clocks import Clock, ClockTable, Moment, publisher_number, worker_of

S = 1_000_000_000
NOW = 1_800_000_000 * S


def clock(worker: int, machine: str, offset_ns: int | None = 0, bound_ns: float = 1000.0) -> Clock:
    """Of a worker that is behind the master by so much."""
    estimate = None if offset_ns is None else Estimate(NOW, offset_ns, 0.0, bound_ns, 0.0)
    return Clock(worker, machine, estimate)


def here(own: Clock, other: Clock, worker: int = 1) -> Moment:
    table = ClockTable(own)
    table.update([own, other])
    return table.here(worker, NOW)


def test_every_publisher_has_its_worker() -> None:
    for worker in (0, 1, 99):
        assert {worker_of(publisher_number(worker, publisher)) for publisher in (0, 1, 4095)} == {worker}


def test_messages_carry_everything() -> None:
    for sent in (clock(3, "m"), clock(3, "", None), replace(clock(3, "m"), steps=2, doubtful_from_ns=7)):
        assert Clock.from_message(sent.to_message()) == sent


def test_one_s_own_moments_are_exact() -> None:
    assert here(clock(0, "a"), clock(1, "b"), worker=0) == Moment(NOW, 0, one_clock=True)


def test_processes_of_one_machine_read_one_clock_however_well_it_is_known() -> None:
    assert here(clock(0, "a", 100), clock(1, "a", 900)) == Moment(NOW, 0, one_clock=True)


def test_a_process_that_sees_another_time_than_its_machine_is_told_apart() -> None:
    assert here(clock(0, "a", 0), clock(1, "a", 2001)) == Moment(NOW + 2001, 2000, one_clock=False)


def test_across_machines_the_offsets_and_the_bounds_add_up() -> None:
    own, other = clock(0, "a", -5 * S), clock(1, "b", 2 * S, 3000.0)
    assert here(own, other) == Moment(NOW + 7 * S, 4000, one_clock=False)


def test_machines_without_a_name_are_never_one_clock() -> None:
    assert not here(clock(0, ""), clock(1, "")).one_clock


def test_what_is_not_known_has_no_bound() -> None:
    unknown = Moment(NOW, None, one_clock=False)
    assert here(clock(0, "a", None), clock(1, "b")) == unknown
    assert here(clock(0, "a"), clock(1, "b", None)) == unknown
    assert here(clock(0, "a"), clock(1, "b"), worker=7) == unknown


def test_a_clock_is_its_own_whatever_is_known_of_it() -> None:
    assert clock(0, "", None).is_that_of(clock(0, "", None))


def test_one_machine_is_not_enough_where_one_clock_is_not_known() -> None:
    assert not clock(0, "a").is_that_of(clock(1, "a", None))
    assert not clock(0, "a", None).is_that_of(clock(1, "a"))


def test_how_many_clocks_are_known() -> None:
    table = ClockTable(clock(0, "a"))
    assert table.knows(1)
    assert not table.knows(2)
    table.update([clock(1, "b", None)])
    assert not table.knows(2)
    table.update([clock(1, "b"), clock(2, "b")])
    assert table.knows(3)
    assert not ClockTable(clock(0, "a", None)).knows(1)


def test_the_master_s_time_is_ours_until_more_is_known() -> None:
    assert ClockTable(clock(0, "a", None)).master_ns(NOW) == NOW
    assert ClockTable(clock(0, "a", 5)).master_ns(NOW) == NOW + 5


def test_a_clock_of_another_worker_that_was_set_is_told_once_by_our_own_clock() -> None:
    table = ClockTable(clock(0, "a"))
    other, third = clock(1, "b", 5 * S), clock(2, "c")
    assert table.update([other, third]) is None
    was_set = replace(other, steps=1, doubtful_from_ns=NOW - S)
    assert table.update([was_set]) == NOW + 4 * S
    assert table.update([was_set]) is None
    both = [replace(was_set, steps=2), replace(third, steps=1, doubtful_from_ns=NOW - 2 * S)]
    assert table.update(both) == NOW - 2 * S
