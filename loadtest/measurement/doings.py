"""What users did, and what they could not do: counted and timed, whatever they were sent."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from loadtest.measurement.canaries import Canaries
from loadtest.measurement.checks import Checks
from loadtest.measurement.connects import ConnectTimes
from loadtest.measurement.names import escape, visible
from loadtest.measurement.overload import Overloads
from loadtest.measurement.reasons import Reasons
from loadtest.measurement.requests import RequestCounts

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT = "connect"
CONNECT_PHASE = "connect_"
GENERATOR = "generator"
"""The generator's own delay during a connect; it is not part of the connect time."""
JOIN = "join"
ADAPTER = "adapter "
"""How the reasons begin that are the adapter's fault."""
ANSWER = "answer_"
"""Before the name of a question that users asked."""


class Doings:
    """Those of one worker's users."""

    def __init__(self) -> None:
        self.samples_us: dict[str, array[int]] = defaultdict(lambda: array("q"))
        """Metric key -> times since the last report."""
        self.connects = ConnectTimes()
        self.counters: Counter[str] = Counter()
        """Cumulative: see `WorkerReport.counters`."""
        self.failures = Reasons()
        """What users could not do, by one-line reason."""
        self._adapter_lines: dict[str, str] = {}
        self.checks = Checks()
        self.overloads = Overloads()
        self.canaries = Canaries()
        self.requests = RequestCounts()

    def take_samples(self) -> dict[str, array[int]]:
        """Those since the last call."""
        taken, self.samples_us = self.samples_us, defaultdict(lambda: array("q"))
        return taken

    def connected(self, started_ns: int, finished_ns: int, phases_ns: Mapping[str, int]) -> None:
        """A connection was made, from the first packet of TCP to the Socket.IO answer.

        :param started_ns: when the client was asked to connect.
        :param finished_ns: when the last answer was received.
        :param phases_ns: phase -> nanoseconds until its answer was received. Together they are the connect time.
            The time between the phases is the generator's own delay.
        """
        self.counters["connects"] += 1
        self.connects.add(started_ns, finished_ns)
        took_ns = sum(phases_ns.values())
        self.samples_us[CONNECT].append(took_ns // 1000)
        for phase, phase_ns in {**phases_ns, GENERATOR: finished_ns - started_ns - took_ns}.items():
            self.samples_us[CONNECT_PHASE + phase].append(phase_ns // 1000)

    def connect_failed(self, reason: str) -> None:
        """A connection could not be made."""
        self.counters["connect_failures"] += 1
        self.failures.note(reason)

    def reconnect_failed(self, reason: str) -> None:
        """Count one failed attempt of a user to come back after a lost connection."""
        self.counters["reconnect_failures"] += 1
        self.failures.note(reason)

    def connection_lost(self, reason: str, *, dropped: bool = False) -> None:
        """Count a connection that ended against its user's will.

        :param dropped: whether the load test itself broke it off.
        """
        self.counters["connections_lost"] += 1
        # Not counted where there is none: most runs drop nobody.
        if dropped:
            self.counters["connections_dropped"] += 1
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
        self.samples_us[ANSWER + escape(question.replace(" ", "_"))].append(round(took_ms * 1000))

    def not_answered(self, reason: str) -> None:
        """It did not."""
        self.counters["unanswered"] += 1
        self.failures.note(reason)

    def adapter_failed(self, kind: str, line: str, times: int = 1) -> str:
        """The adapter did something wrong, which is nobody else's fault.

        :param kind: the same whenever it does the same.
        :param line: what it did, beginning with `ADAPTER`.
        :returns: the first line of this kind, which stands for all of them.
        """
        self.counters["adapter_errors"] += times
        return self._note_adapter(kind, line, times)

    def answer_unread(self, kind: str, line: str) -> None:
        """The adapter found no id in an answer: it may be the adapter's fault, or the backend's; as above."""
        self.counters["unread_answers"] += 1
        self._note_adapter(kind, line)

    def _note_adapter(self, kind: str, line: str, times: int = 1) -> str:
        first = self._adapter_lines.setdefault(kind, line)
        # There are few kinds: they need not share the space for other reasons.
        self.failures[first] += times
        return first

    def user_failed(self, user_class: str, reason: str, *, ours: bool) -> None:
        """Count an exception that a user raised and nobody expected.

        :param ours: whether the class is one of the load test's own, which then is wrong itself.
        """
        self.counters["user_errors"] += 1
        self.counters["internal_errors"] += ours
        self.failures.note(f"error in {'our own ' if ours else ''}user {user_class}: {reason}")

    def greenlet_failed(self, reason: str, *, ours: bool) -> None:
        """Count an error that ended a greenlet: what it had to do was not done.

        :param ours: whether the error is in the load test's own code; otherwise it is in the locustfile's.
        """
        self.counters["user_errors"] += 1
        self.counters["internal_errors"] += ours
        self.failures.note(f"error in a greenlet: {reason}")

    def requested(self, method: str, name: str, failure: str) -> None:
        """Count a request of a user class that is not ours.

        :param failure: why it failed, in one line; empty if it did not.
        """
        self.counters["requests"] += 1
        self.counters["request_failures"] += bool(failure)
        self.requests.note(visible(method), visible(name), visible(failure))
        if failure:
            self.failures.note(f"{method} {name}: {failure}")
