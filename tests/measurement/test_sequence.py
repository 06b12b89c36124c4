import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from loadtest.measurement.sequence import SequenceLedger


@given(st.lists(st.integers(0, 40)), st.integers(0, 45), st.integers(0, 45))
def test_against_a_plain_model(arrivals: list[int], start: int, stop: int) -> None:
    ledger = SequenceLedger()
    seen: list[int] = []
    duplicates = reordered = extent = 0
    distinct: list[int] = []
    for seq in arrivals:
        fresh = ledger.record(seq)
        assert fresh == (seq not in seen)
        if seq in seen:
            duplicates += 1
        elif any(earlier > seq for earlier in seen):
            reordered += 1
            # RFC 4737, section 4.2.1: the distance to the first arrival with a larger number.
            first_larger = next(at for at, earlier in enumerate(distinct) if earlier > seq)
            extent = max(extent, len(distinct) - first_larger)
        if fresh:
            distinct.append(seq)
        seen.append(seq)
    assert ledger.count(0, 100) == len(set(arrivals))
    assert ledger.count(start, stop) == len({seq for seq in arrivals if start <= seq < stop})
    assert (ledger.duplicates, ledger.reordered, ledger.extent) == (duplicates, reordered, extent)
    missing = [seq for seq in range(start, stop) if seq not in arrivals]
    parts = ledger.missing_of(range(start, stop))
    assert [seq for begin, end in parts for seq in range(begin, end)] == missing
    assert list(ledger.missing_of(np.arange(start, max(start, stop)))) == missing


def test_a_reordered_number_before_the_first_leaves_the_gap_in_its_order() -> None:
    ledger = SequenceLedger()
    for seq in (10, 15, 5, 2):
        assert ledger.record(seq)
    assert list(ledger.missing(0, 20)) == [(0, 2), (3, 5), (6, 10), (11, 15), (16, 20)]
    assert (ledger.reordered, ledger.extent) == (2, 3)
    for seq in (4, 3, 6, 9, 7, 8):
        assert ledger.record(seq)
    assert list(ledger.missing(0, 20)) == [(0, 2), (11, 15), (16, 20)]
    assert [ledger.record(seq) for seq in (3, 8, 2, 10, 15)] == [False] * 5
    assert ledger.duplicates == 5


def test_the_number_just_before_the_first_leaves_no_gap() -> None:
    ledger = SequenceLedger()
    ledger.record(5)
    ledger.record(4)
    assert list(ledger.missing(4, 6)) == []
    assert ledger.count(0, 10) == 2


def test_nothing_is_missing_of_nothing() -> None:
    ledger = SequenceLedger()
    assert list(ledger.missing(3, 7)) == [(3, 7)]
    assert ledger.count(0, 9) == 0
    ledger.record(0)
    assert list(ledger.missing(0, 0)) == []
    assert list(ledger.missing(0, 1)) == []
