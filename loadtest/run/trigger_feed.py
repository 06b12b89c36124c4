"""The feed by which every worker learns of every trigger and of when its broadcasts were made.

The feed has numbered rows. A worker asks again for rows that are missing.

Rows are packed once for all workers: what a master says to a thousand of them, it would pack a thousand times.

Pure: what is sent, and when, is the caller's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgpack

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_KEPT: Final = 400_000
"""Rows that the master keeps for workers that missed some: about 60 MB."""
_ROWS_AT_ONCE: Final = 5000


class Feed:
    """The master's: all rows of the run, in their order of arrival."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._rows: list[Any] = []
        self._most = most
        self.oldest = 0
        """The number of the oldest row that is kept."""

    @property
    def end(self) -> int:
        """How many rows there were."""
        return self.oldest + len(self._rows)

    def add(self, rows: list[Any]) -> None:
        """Rows came from a worker."""
        self._rows += rows
        too_many = len(self._rows) - self._most
        if too_many > self._most // 10:
            del self._rows[:too_many]
            self.oldest += too_many

    def since(self, start: int) -> Iterator[dict[str, Any]]:
        """The messages that carry all rows from a number on, as far as they are kept."""
        for first in range(max(start, self.oldest), self.end, _ROWS_AT_ONCE):
            at = first - self.oldest
            rows = self._rows[at : at + _ROWS_AT_ONCE]
            yield {"start": first, "oldest": self.oldest, "count": len(rows), "triggers": msgpack.packb(rows)}


class Inlet:
    """The worker's: takes rows in order, each once.

    :param start: the number of the first row that this worker has to know.
    """

    def __init__(self, start: int = 0) -> None:
        self.next = start
        """The number of the row that has to come next."""
        self.missed = 0
        """Rows that nobody keeps any more."""

    def take(self, message: dict[str, Any]) -> list[Any]:
        """The rows of a message that are new; none if there are some missing before them."""
        start, oldest = message["start"], message["oldest"]
        if self.next < oldest:
            self.missed += oldest - self.next
            self.next = oldest
        if start > self.next or start + message["count"] <= self.next:
            return []
        fresh: list[Any] = msgpack.unpackb(message["triggers"])[self.next - start :]
        self.next += len(fresh)
        return fresh
