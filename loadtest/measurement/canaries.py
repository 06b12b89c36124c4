"""Official clients among the members: what became of each, beside what the others saw."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement.latency import new_histogram, summarise
from loadtest.measurement.names import visible
from loadtest.measurement.presence import Counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CANARY: Final = "canary_"
"""Before a canary's name, in that of its latencies; they are in no other."""


class Outcome(StrEnum):
    """Of one canary."""

    SAME = "sees the same"
    """Everything that it was owed came, once, in order, and nothing else did."""
    DIFFERS = "differs"
    NOT_SUPPORTED = "not supported"
    """Its protocol is not spoken by this backend, as it said before the run."""
    NOT_THERE = "was not there"
    """It was never let into its room, or owed nothing."""


@dataclass(slots=True)
class State:
    """One canary while it lives.

    client: what it is, with its version. joined: whether it was ever in its room. ended: whether it went by
    itself. evidence: what it said last of its troubles. transport: the one that its last connection used, after an
    upgrade. parser: of Socket.IO's packets, that it uses.
    """

    client: str = ""
    joined: bool = False
    ended: bool = False
    evidence: str = ""
    transport: str = ""
    parser: str = ""

    def to_send(self) -> State:
        """The same in texts that any message can have."""
        client, evidence, transport = map(visible, (self.client, self.evidence, self.transport))
        return replace(self, client=client, evidence=evidence, transport=transport)


@dataclass(slots=True)
class Canaries:
    """Those of one worker."""

    states: dict[str, State] = field(default_factory=dict)

    def open(self, name: str, parser: str = "") -> State:
        """A canary begins.

        :param parser: the run's.
        """
        return self.states.setdefault(name, State(parser=parser))

    def to_rows(self, counts: Mapping[str, Counts]) -> list[list[Any]]:
        """As rows of a message.

        :param counts: of what each was owed and got, by name.
        """
        nothing = Counts()
        return [
            [name, *astuple(state.to_send()), *astuple(counts.get(name, nothing))]
            for name, state in self.states.items()
        ]


def outcomes(
    rows: Iterable[list[Any]], latencies: Mapping[str, Any], unsupported: Mapping[str, str]
) -> list[dict[str, Any]]:
    """What a run's summary says of its canaries.

    :param rows: of all workers.
    :param latencies: by name, as of the fleet.
    :param unsupported: canary -> why the backend does not speak its protocol.
    """
    found = []
    for name, client, joined, ended, evidence, transport, parser, *numbers in rows:
        counts = Counts(*numbers)
        outcome, said = _judge(State(client, joined, ended, evidence), counts, unsupported.get(name, ""))
        times = latencies.get(CANARY + name, new_histogram())
        found.append(
            {
                "name": name,
                "client": client,
                "transport": transport,
                "parser": parser,
                "outcome": outcome.value,
                "evidence": said,
                "latency_ms": summarise(times),
                **asdict(counts),
            }
        )
    return found


def hold(found: Iterable[Mapping[str, Any]]) -> bool:
    """Whether all canaries that this backend can have saw what the others saw."""
    return all(row["outcome"] in (Outcome.SAME, Outcome.NOT_SUPPORTED) for row in found)


def title_of(row: Mapping[str, Any]) -> str:
    """Return a canary's name, and what is known of its client, its transport at the end, and its parser."""
    transport = row.get("transport", "")
    known = filter(None, (row["client"], transport, row.get("parser", "") if transport else ""))
    return f"{row['name']} ({', '.join(known) or 'it did not start'})"


def _judge(state: State, counts: Counts, unsupported: str) -> tuple[Outcome, str]:
    if not state.joined:
        return (Outcome.NOT_SUPPORTED, unsupported) if unsupported else (Outcome.NOT_THERE, state.evidence)
    if not counts.expected:
        return Outcome.NOT_THERE, state.evidence or "it was owed nothing"
    wrong = {
        "lost": counts.lost - counts.missed_offline,
        "duplicate": counts.duplicate,
        "reordered": counts.reordered,
        "leaked": counts.leaked,
    }
    said = [f"{count} {what}" for what, count in wrong.items() if count]
    if state.ended:
        said.append(state.evidence)
    if said:
        return Outcome.DIFFERS, ", ".join(said)
    missed = f", {counts.missed_offline} missed while offline" if counts.missed_offline else ""
    return Outcome.SAME, f"{counts.delivered} of {counts.expected}{missed}"
