from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.measurement.columns import Columns

NUMBERS = st.none() | st.integers(-(2**53), 2**53)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"at_s": st.integers(0, 2**40)},
        optional={
            "p50": st.none() | st.floats(allow_nan=False),
            "count": NUMBERS,
            "phase": st.sampled_from(["ramp", "steady", ""]),
        },
    )
)


def filled(rows: list[dict[str, Any]]) -> Columns:
    columns = Columns()
    for row in rows:
        columns.append(row)
    return columns


@given(ROWS)
def test_rows_come_back_as_they_were(rows: list[dict[str, Any]]) -> None:
    columns = filled(rows)
    names = {name for row in rows for name in row}
    expected = [{name: row.get(name) for name in names} for row in rows]
    assert list(columns) == expected == columns[:]
    assert len(columns) == len(rows)
    for row in columns:
        for name in ("at_s", "count"):
            assert not isinstance(row.get(name), float)


@given(ROWS, st.integers(-5, 5), st.integers(-5, 5))
def test_parts_of_them_are_those_of_a_list(rows: list[dict[str, Any]], start: int, stop: int) -> None:
    columns = filled(rows)
    assert columns[start:stop] == list(columns)[start:stop]
    assert columns[-3:] == list(columns)[-3:]
    if rows:
        assert columns[-1] == list(columns)[-1]


@pytest.mark.slow
def test_a_row_takes_a_tenth_of_a_dictionary() -> None:
    rows = 2000
    tracemalloc.start()
    columns = Columns()
    for number in range(rows):
        columns.append({f"figure_{name}": number / 7 + name for name in range(80)})
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / rows < 800


def test_a_text_may_be_missing_beside_a_number() -> None:
    columns = Columns()
    for row in ({"text": "a", "number": 1}, {"text": None, "number": 2}, {"number": None, "text": "b"}):
        columns.append(row)
    assert list(columns) == [
        {"text": "a", "number": 1},
        {"text": None, "number": 2},
        {"text": "b", "number": None},
    ]
