"""What a backend was expected to be able to do, and what the probe found out of it. Pure, on plain data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FIELD: Final = "expectations"
"""Of a summary: null if nothing was expected."""


class Result(StrEnum):
    """How one expected capability came out."""

    PASSED = "passed"
    """The backend has it."""
    FAILED = "failed"
    """The backend lacks it, or did not answer in a way that shows it."""
    SKIPPED = "skipped"
    """The probe lacked something to find out, such as the backend's key or a second user."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How the capabilities that a source expects came out."""

    source: str
    passed: int
    failed: int
    skipped: int

    def __str__(self) -> str:
        others = {"failed": self.failed, "skipped": self.skipped}
        said = "".join(f", {count} {word}" for word, count in others.items() if count)
        return (
            f"expected by {self.source}: {self.passed} of {self.passed + self.failed + self.skipped} passed{said}"
        )


def result_of(yes: bool | None, to_find_out: str) -> Result:
    """Return how an expected capability comes out.

    :param yes: whether the backend has it; None if that is unknown.
    :param to_find_out: what to give the probe to find out for certain; empty if it had everything.
    """
    if yes is False:
        return Result.FAILED
    if to_find_out:
        return Result.SKIPPED
    return Result.PASSED if yes else Result.FAILED


def judge(
    source: str,
    expected: Iterable[str],
    capabilities: Mapping[str, Mapping[str, Any]],
    remedies: Mapping[str, str],
) -> dict[str, Any]:
    """Return what a summary says of expectations: {source, capabilities, not_expected}.

    :param capabilities: as in the summary.
    :param remedies: capability -> what to change on a backend that lacks it.
    """
    rows = []
    names = tuple(expected)
    for name in names:
        answer = capabilities[name]
        result = result_of(answer["yes"], answer["to_find_out"])
        hint = {Result.FAILED: remedies[name], Result.SKIPPED: answer["to_find_out"]}.get(result, "")
        row = {"capability": name, "outcome": result.value, "evidence": answer["evidence"], "hint": hint}
        rows.append(row)
    others = [
        {"capability": name, "evidence": answer["evidence"]}
        for name, answer in capabilities.items()
        if name not in names and answer["yes"] and not answer["to_find_out"]
    ]
    return {"source": source, "capabilities": rows, "not_expected": others}


def counts(found: Mapping[str, Any]) -> Counts:
    """Count how a summary's expectations came out."""
    words = Counter(row["outcome"] for row in found["capabilities"])
    return Counts(found["source"], words[Result.PASSED], words[Result.FAILED], words[Result.SKIPPED])


def lines(summary: Mapping[str, Any]) -> list[str]:
    """Return the lines that every form of a result shows; none if nothing was expected.

    The first has the counts. Then come a line for each capability that failed or was skipped, and one that names
    the capabilities of the backend that are not expected.
    """
    found = summary.get(FIELD)
    if found is None:
        return []
    said = [f"Capabilities {counts(found)}"]
    for result in (Result.FAILED, Result.SKIPPED):
        said += [_line(row) for row in found["capabilities"] if row["outcome"] == result]
    others = ", ".join(row["capability"] for row in found["not_expected"])
    return [*said, f"Not expected, and there: {others}"] if others else said


def _line(row: Mapping[str, Any]) -> str:
    return f"{row['outcome'].upper()}: {row['capability']} ({row['evidence']}) {row['hint']}"
