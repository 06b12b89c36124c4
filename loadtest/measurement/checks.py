"""How often each check of each scenario passed and failed, with evidence. Merged by adding, in any order."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

from loadtest.measurement.names import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

CheckId = tuple[str, str]
"""(scenario, check)."""

_MOST_EVIDENCE_CHARS = 300


@dataclass(slots=True)
class Tally:
    """Results of one check.

    skipped: times that it could not be made. Evidence is of the first failure, pass or skip. hint: the remedy for
    the first failure.
    """

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    of_pass: str = ""
    of_failure: str = ""
    of_skip: str = ""
    hint: str = ""

    def count(self, passed: bool | None, evidence: str, hint: str = "") -> None:
        """One more; None where it could not be made."""
        evidence = _line(evidence)
        if passed is None:
            self.add(Tally(skipped=1, of_skip=evidence))
        elif passed:
            self.add(Tally(passed=1, of_pass=evidence))
        else:
            self.add(Tally(failed=1, of_failure=evidence, hint=_line(hint)))

    def add(self, other: Tally) -> None:
        """Those of somebody else."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.of_pass = self.of_pass or other.of_pass
        if other.failed and not self.of_failure:
            self.of_failure, self.hint = other.of_failure, other.hint
        self.of_skip = self.of_skip or other.of_skip


def _line(text: str) -> str:
    return visible(" ".join(text.split()))[:_MOST_EVIDENCE_CHARS]


class Checks:
    """All tallies of one worker, or of all."""

    def __init__(self) -> None:
        self.tallies: dict[CheckId, Tally] = {}

    def count(self, scenario: str, check: str, passed: bool | None, evidence: str, hint: str = "") -> None:
        """One more; see `Tally.count`."""
        self.tallies.setdefault((scenario, visible(check)), Tally()).count(passed, evidence, hint)

    def add(self, rows: Iterable[list[Any]]) -> None:
        """Rows of `to_rows`."""
        for scenario, check, *values in rows:
            self.tallies.setdefault((scenario, check), Tally()).add(Tally(*values))

    def to_rows(self) -> list[list[Any]]:
        """As plain data."""
        return [[*check, *astuple(tally)] for check, tally in self.tallies.items()]
