"""Deliberate overload: while a scenario asks for more at once than any backend serves in time.

What is delivered, lost, doubled or leaked meanwhile counts as always. How long it took says how large the burst
was, and not how fast the backend is: so the latencies of these seconds are a phase of their own, and count in no
figure of the whole run. An objective may speak of that phase.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement.names import key_of, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from loadtest.measurement.fleet import Fleet

OVERLOAD: Final = "overload"
"""The phase."""
RECOVERY_S: Final = 1
"""Whole seconds after an overload that still belong to it: what it has piled up is served then."""


class OverloadedSeconds:
    """Which seconds of a run were overloaded on purpose, over all workers; seconds since the epoch."""

    def __init__(self) -> None:
        self._by_scenario: defaultdict[str, set[int]] = defaultdict(set)
        self._seconds: set[int] = set()

    def note(self, at_s: int, scenarios: Iterable[str]) -> None:
        """Take in which scenarios overloaded the backend in a second; see `WorkerReport.overloads`."""
        for scenario in scenarios:
            self._by_scenario[scenario].add(at_s)
            self._seconds.update(range(at_s, at_s + RECOVERY_S + 1))

    def __bool__(self) -> bool:
        return bool(self._seconds)

    def __contains__(self, at_s: object) -> bool:
        return at_s in self._seconds

    def summary(
        self, fleet: Fleet, events: Iterable[str], rows: Iterable[Mapping[str, Any]]
    ) -> dict[str, Any] | None:
        """Return the `overload` of a run's summary; None if there was none.

        :param events: the traced ones.
        :param rows: of the record's time line.
        """
        seconds = sum(row.get("phase") == OVERLOAD for row in rows)
        if not seconds:
            return None
        times = fleet.phases[OVERLOAD]
        return {
            "seconds": seconds,
            "deliveries": sum(times[key_of(event)].total_count for event in events),
            "scenarios": {name: len(by_scenario) for name, by_scenario in sorted(self._by_scenario.items())},
        }


class Overloads:
    """The overloads of one worker's scenarios that are under way."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()
        self._since: set[str] = set()

    def begin(self, scenario: str) -> None:
        """A scenario begins to overload the backend."""
        self._under_way[scenario] += 1
        self._since.add(scenario)

    def end(self, scenario: str) -> None:
        """It has come to its end."""
        self._under_way[scenario] -= 1

    def take(self) -> list[str]:
        """Return the scenarios that overloaded the backend at any time since the last call."""
        taken = sorted(self._since)
        self._since = {scenario for scenario, times in self._under_way.items() if times}
        return taken


def line(summary: Mapping[str, Any]) -> str:
    """Return, in the words that all forms of a report share, what was overloaded; empty if nothing was."""
    found = summary["overload"]
    if found is None:
        return ""
    scenarios = ", ".join(f"{visible(name)} {seconds} s" for name, seconds in found["scenarios"].items())
    return (
        f"Overloaded on purpose for {found['seconds']} s, with {RECOVERY_S} s after each time to recover: "
        f"{scenarios}. The latencies of {found['deliveries']:,} deliveries of that time are in the phase "
        f"{OVERLOAD}, and in no figure of the whole run"
    )
