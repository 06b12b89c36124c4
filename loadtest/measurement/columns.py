"""Rows of plain values that grow for as long as a run lasts, kept by column.

A row of eighty numbers takes 640 bytes in it, and six kilobytes as a dictionary: a day of seconds is 55 MB.
"""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any, Final, overload

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NOTHING: Final = math.nan


class Columns:
    """A sequence of rows. A row comes back with the names that were known when it is read; what it did not have is
    None. A name's values are all numbers, or all texts; whole numbers come back as such up to 2⁵³.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, array[float]] = {}
        self._texts: dict[str, list[str | None]] = {}
        self._whole: set[str] = set()
        self._length = 0

    def append(self, row: Mapping[str, Any]) -> None:
        """One more."""
        for name, value in row.items():
            if isinstance(value, str):
                self._texts.setdefault(name, [None] * self._length).append(value)
                continue
            if (column := self._numbers.get(name)) is None:
                if name in self._texts:
                    continue
                column = self._numbers[name] = array("d", [_NOTHING]) * self._length
                self._whole.add(name)
            if isinstance(value, float):
                self._whole.discard(name)
            column.append(_NOTHING if value is None else value)
        self._length += 1
        for numbers in self._numbers.values():
            if len(numbers) < self._length:
                numbers.append(_NOTHING)
        for texts in self._texts.values():
            if len(texts) < self._length:
                texts.append(None)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self._row(at) for at in range(self._length))

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, at: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        places = range(self._length)[at]
        return self._row(places) if isinstance(places, int) else [self._row(place) for place in places]

    def _row(self, at: int) -> dict[str, Any]:
        row: dict[str, Any] = {name: column[at] for name, column in self._texts.items()}
        for name, column in self._numbers.items():
            value = column[at]
            row[name] = None if math.isnan(value) else int(value) if name in self._whole else value
        return row
