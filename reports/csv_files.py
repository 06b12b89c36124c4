"""CSV files: texts in them are as `measurement.names.cell` makes them, numbers are numbers."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

import pandas as pd

from loadtest.measurement.names import cell, text_of_cell

if TYPE_CHECKING:
    from collections.abc import Callable

_TEXTS: Final = frozenset(
    ("event", "label", "id", "machine", "instance", "phase", "scenario", "check", "outcome", "suites", "evidence")
)
"""Columns whose values are texts, though they may look like numbers or like nothing."""
_NO_VALUE: Final = ("", "nan", "NaN")


def whole_rows(data: bytes) -> bytes:
    """Return the data up to the end of its last whole row: a text may contain line ends."""
    end = data.rfind(b"\n")
    while end >= 0 and data.count(b'"', 0, end) % 2:
        end = data.rfind(b"\n", 0, end)
    return data[: end + 1]


def parse(data: bytes) -> pd.DataFrame:
    """Return the table of a CSV file.

    :raises pandas.errors.EmptyDataError: if it has no header.
    :raises pandas.errors.ParserError: if it is damaged.
    :raises UnicodeDecodeError: if it is damaged.
    """
    text = data.decode()
    columns = [text_of_cell(name) for name in next(csv.reader(io.StringIO(text, newline="")), ())]
    found = pd.read_csv(
        io.StringIO(text, newline=""),
        header=0,
        names=columns or None,
        dtype=dict.fromkeys(_TEXTS.intersection(columns), object),
        keep_default_na=False,
        na_values={name: list(_NO_VALUE) for name in columns if name not in _TEXTS},
    )
    return _map_texts(found, text_of_cell)


def render(table: pd.DataFrame) -> str:
    """Return a table as CSV."""
    return _map_texts(table.rename(columns=lambda name: cell(str(name))), cell).to_csv(index=False)


def _map_texts(table: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    found = table.copy(deep=False)
    for place, kind in enumerate(table.dtypes):  # two columns may have one name
        if not pd.api.types.is_numeric_dtype(kind):
            values = table.iloc[:, place].map(lambda value: change(value) if isinstance(value, str) else value)
            found.isetitem(place, values)
    return found
