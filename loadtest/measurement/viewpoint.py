"""What the sockets of one instance of the backend see; they are told apart by where they look from."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from loadtest.measurement.canaries import CANARY
from loadtest.measurement.names import key_of
from loadtest.measurement.recogniser import Kind

if TYPE_CHECKING:
    from loadtest.measurement.account import Account
    from loadtest.measurement.recogniser import Recogniser

MOST_INSTANCES: Final = 32
"""That are told apart; a backend of more has pairs without number."""
OTHERS: Final = "others"


class Viewpoint:
    """Implements the transport's observer; a member's number is its account's.

    :param recogniser: of the instance's own, so that what is timed here stays apart.
    :param accounts: by number; those of all viewpoints.
    :param all_of_them: `Recogniser.viewpoint` -> viewpoint, shared by all of them.
    """

    def __init__(
        self, recogniser: Recogniser, accounts: dict[int, Account], all_of_them: dict[str, Viewpoint]
    ) -> None:
        self.recogniser = recogniser
        self.known = recogniser.known
        self.accounts = accounts
        self.viewpoints = all_of_them
        self.seen = 0
        """Broadcasts that arrived here."""
        self.untraced: Counter[str] = Counter()
        """Of those, the ones without a trace, by the step of the burst."""
        self.viewpoints[recogniser.viewpoint] = self

    def observe(self, member: int, event: str, frame: bytes, received_ns: int) -> None:
        """A frame with a broadcast arrived at an account's socket."""
        self.seen += 1
        broadcast = self.known.get(frame) or self.recogniser.recognise(event, frame)
        if broadcast.line.get(member) == broadcast.seq:
            # Nearly all: nothing of the member's own needs to be looked at.
            broadcast.line[member] = broadcast.next_seq
            broadcast.latencies_ns.append(received_ns - broadcast.due_ns)
            if received_ns.__class__ is not int:
                broadcast.note_slack(received_ns)
        elif broadcast.kind is Kind.UNTRACED:
            self.untraced[broadcast.name] += 1
            self.accounts[member].hear(broadcast, received_ns)
        else:
            self.accounts[member].receive(broadcast, received_ns)

    def apart(self, name: str) -> Viewpoint:
        """Where a receiver looks from whose latencies are not like those of others."""
        key = CANARY + name
        return self.viewpoints.get(key) or Viewpoint(
            self.recogniser.sibling("", key), self.accounts, self.viewpoints
        )

    def at(self, instance: str) -> Viewpoint:
        """Where the sockets of another instance look from."""
        key = instance and key_of(instance)
        if key not in self.viewpoints and len(self.viewpoints) > MOST_INSTANCES:
            instance = key = OTHERS
        found = self.viewpoints.get(key)
        if found is None:
            found = Viewpoint(self.recogniser.sibling(instance), self.accounts, self.viewpoints)
        return found
