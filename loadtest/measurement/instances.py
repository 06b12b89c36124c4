"""The instances of a backend: who was with which, and what went from one to another."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from loadtest.measurement.latency import new_histogram, summarise
from loadtest.measurement.shards import merge_packed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from loadtest.measurement.report import Totals

Path = tuple[str, str]
"""(instance that was triggered, instance of the member); empty names where nobody said which it was."""


class Instances:
    """What the master knows of them, from the reports of all workers."""

    def __init__(self) -> None:
        self._latencies: dict[Path, Any] = defaultdict(new_histogram)
        self._members: dict[int, dict[str, Counter[str]]] = defaultdict(dict)
        """Second -> worker -> instance -> users that were in a room at its end."""

    def take(self, worker_id: str, at_s: int, members: Mapping[str, int], paths: Mapping[Path, bytes]) -> None:
        """Take in what one worker reported of one second."""
        if members:
            self._members[at_s][worker_id] = Counter(members)
        for path, packed in paths.items():
            merge_packed(packed, self._latencies[path])

    def rows(self) -> list[dict[str, Any]]:
        """Second by second, how many users were in a room by each instance."""
        last: dict[str, Counter[str]] = {}
        names: set[str] = set()
        rows: list[dict[str, Any]] = []
        for at_s, by_worker in sorted(self._members.items()):
            last |= by_worker
            total: Counter[str] = sum(last.values(), Counter())
            names |= total.keys()
            rows += [{"at_s": at_s, "instance": name, "members": total[name]} for name in sorted(names)]
        return rows

    def summary(self, totals: Iterable[Totals]) -> dict[str, Any] | None:
        """As it stands in a run's summary; None if no instance said its name."""
        owed: Counter[Path] = Counter()
        lost: Counter[Path] = Counter()
        for one in totals:
            for origin, instance, more_owed, more_lost in one.paths:
                owed[origin, instance] += more_owed
                lost[origin, instance] += more_lost
        found = sorted({*owed, *self._latencies})
        if not any(name for path in found for name in path):
            return None
        most: dict[str, int] = {}
        for row in self.rows():
            most[row["instance"]] = max(most.get(row["instance"], 0), row["members"])
        return {
            "members": dict(sorted(most.items())),
            "paths": [
                {
                    "triggered": path[0],
                    "member": path[1],
                    "expected": owed[path],
                    "lost": lost[path],
                    "latency_ms": summarise(self._latencies.get(path, new_histogram())),
                }
                for path in found
            ],
        }
