from hypothesis import given
from hypothesis import strategies as st

from measure.sequence import SequenceLedger


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
