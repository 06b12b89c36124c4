"""What went from which instance of the backend to which, as a table: triggered here, delivered there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement.names import shown
from loadtest.reports.numbers import number, share

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_SAID: Final = "not said"


@dataclass(frozen=True, slots=True)
class Cell:
    """One way. times: p50 and p99 in milliseconds. lost: of how many, in words; empty if nothing was."""

    times: str
    lost: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """members: the instances that members were with. rows: (instance that was triggered, a cell for each of them).
    text: what stands out, in a sentence.
    """

    members: list[str]
    rows: list[tuple[str, list[Cell]]]
    text: str


def matrix_of(summary: Mapping[str, Any]) -> Matrix | None:
    """A run's; None if no instance said its name."""
    found = summary["instances"]
    if found is None:
        return None
    paths = {(path["triggered"], path["member"]): path for path in found["paths"]}
    members = list(dict.fromkeys(member for _, member in paths))
    triggered = list(dict.fromkeys(origin for origin, _ in paths))
    rows = [
        (shown(origin) if origin else NOT_SAID, [_cell(paths.get((origin, member))) for member in members])
        for origin in triggered
    ]
    return Matrix([shown(member) if member else NOT_SAID for member in members], rows, _text(found["paths"]))


def _cell(path: Mapping[str, Any] | None) -> Cell:
    if path is None:
        return Cell("–", "")
    times = path["latency_ms"]
    lost = f"{share(path['lost'], path['expected'])} % of {number(path['expected'])} lost" if path["lost"] else ""
    return Cell(f"{number(times['p50'])} / {number(times['p99'])}", lost)


def _text(paths: list[dict[str, Any]]) -> str:
    """How it is across instances, beside how it is within one."""
    within = [path for path in paths if path["triggered"] == path["member"]]
    across = [path for path in paths if path["triggered"] != path["member"]]
    said = []
    for name, some in (("within an instance", within), ("from one to another", across)):
        owed, lost = sum(path["expected"] for path in some), sum(path["lost"] for path in some)
        if owed:
            said.append(f"{share(owed - lost, owed)} % of {number(owed)} arrived {name}")
    return ", ".join(said)
