"""Requests of user classes that are not ours, such as an `HttpUser`: how many there were, and how many failed."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RequestId = tuple[str, str]
"""(method, name), as Locust has them."""

_MOST_NAMES: Final = 200
_OTHERS: Final[RequestId] = ("", "other names")


@dataclass(slots=True)
class RequestCount:
    """Requests of one name.

    failure: the first reason of a failure; empty if there was none.
    """

    requests: int = 0
    failures: int = 0
    failure: str = ""

    def add(self, other: RequestCount) -> None:
        """Add another worker's counts to these."""
        self.requests += other.requests
        self.failures += other.failures
        self.failure = self.failure or other.failure


class RequestCounts:
    """Requests by name, of one worker or of all. A client that names each request anew fills no memory."""

    def __init__(self) -> None:
        self._counts: dict[RequestId, RequestCount] = {}

    def note(self, method: str, name: str, failure: str) -> None:
        """Count one request.

        :param failure: why it failed, in one line; empty if it did not.
        """
        self._of((method, name)).add(RequestCount(1, int(bool(failure)), failure))

    def add(self, rows: Iterable[list[Any]]) -> None:
        """Add the rows of another worker's `to_rows`."""
        for method, name, *values in rows:
            self._of((method, name)).add(RequestCount(*values))

    def to_rows(self) -> list[list[Any]]:
        """Return plain rows: method, name, requests, failures, failure."""
        return [[*key, *astuple(count)] for key, count in self._counts.items()]

    def to_json(self) -> list[Mapping[str, Any]]:
        """Return the `requests` of a summary, the names with most failures first."""
        names = ("method", "name", "requests", "failures", "failure")
        rows = [dict(zip(names, row, strict=True)) for row in self.to_rows()]
        return sorted(rows, key=lambda row: (-row["failures"], row["method"], row["name"]))

    def _of(self, key: RequestId) -> RequestCount:
        if key not in self._counts and len(self._counts) >= _MOST_NAMES:
            key = _OTHERS
        return self._counts.setdefault(key, RequestCount())
