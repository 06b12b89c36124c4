"""What users did, and what they could not do: counted and timed, whatever they were sent."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from .canaries import Canaries
from .checks import Checks
from .connects import ConnectTimes
from .reasons import Reasons

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT = "connect"
CONNECT_PHASE = "connect_"
JOIN = "join"
ANSWER = "answer_"
"""Before the name of a question that users asked."""


class Doings:
    """Those of one worker's users."""

    def __init__(self) -> None:
        self.samples_us: dict[str, array[int]] = defaultdict(lambda: array("q"))
        """Name -> times since the last report."""
        self.connects = ConnectTimes()
        self.counters: Counter[str] = Counter()
        """Cumulative: see `WorkerReport.counters`."""
        self.failures = Reasons()
        """What users could not do, by one-line reason."""
        self.checks = Checks()
        self.canaries = Canaries()

    def take_samples(self) -> dict[str, array[int]]:
        """Those since the last call."""
        taken, self.samples_us = self.samples_us, defaultdict(lambda: array("q"))
        return taken

    def connected(self, started_ns: int, finished_ns: int, phases_ns: Mapping[str, int]) -> None:
        """A connection was made, from the first packet of TCP to the Socket.IO answer.

        :param phases_ns: what the transport's phases of it took; the rest is Socket.IO's own.
        """
        self.counters["connects"] += 1
        self.connects.add(started_ns, finished_ns)
        took_ns = finished_ns - started_ns
        self.samples_us[CONNECT].append(took_ns // 1000)
        for phase, phase_ns in {**phases_ns, "socketio": took_ns - sum(phases_ns.values())}.items():
            self.samples_us[CONNECT_PHASE + phase].append(phase_ns // 1000)

    def connect_failed(self, reason: str) -> None:
        """A connection could not be made."""
        self.counters["connect_failures"] += 1
        self.failures.note(reason)

    def connection_lost(self, reason: str) -> None:
        """A connection ended that nobody wanted to end."""
        self.counters["connections_lost"] += 1
        self.failures.note(reason)

    def join_answered(self, duration_ns: int) -> None:
        """The backend answered a join."""
        self.samples_us[JOIN].append(duration_ns // 1000)

    def join_failed(self, reason: str) -> None:
        """A room could not be joined."""
        self.counters["join_failures"] += 1
        self.failures.note(reason)

    def answered(self, question: str, took_ms: float) -> None:
        """The backend answered a user's question, e.g. a `ping`."""
        self.samples_us[ANSWER + question.replace(" ", "_")].append(round(took_ms * 1000))

    def not_answered(self, reason: str) -> None:
        """It did not."""
        self.counters["unanswered"] += 1
        self.failures.note(reason)

    def user_failed(self, reason: str) -> None:
        """A user raised what nobody expected: the load test itself is wrong."""
        self.counters["user_errors"] += 1
        self.failures.note(f"error in our own user: {reason}")
