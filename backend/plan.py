"""A run's plan: what the master prepared, and every worker needs to know. Plain data both ways."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from measure.clocks import publisher_number

from .endpoint import Endpoint
from .tls import Trust


@dataclass(frozen=True, slots=True)
class Room:
    """One project: its room, its owner's token, and the agent that the publishers' tasks go to."""

    project_id: str
    agent_id: str
    token: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One run.

    run_id: names the run's record and its rows. run: 8 hexadecimal digits in every trace. endpoint: where the
    backend is. rate_per_s: triggers a second over all publishers. publishers: how many share the rate.
    source_addresses: local addresses that all connections leave from in turn, empty for the system's choice.
    arrivals: the law of the triggers, see `tasks.schedule`. ramp_s: how long the rate takes to rise from nothing.
    warm_up_s: from when all users were started to when publishers begin. flight_s: how long a broadcast may be in
    flight. worker, workers: this worker's number from 0, and how many there are. triggers_from: the number of the
    first trigger of the run that it has to know, see `run.trigger_feed`. version: of the master's code, see
    `run.roll_call`.
    """

    run_id: str
    run: str
    endpoint: Endpoint
    rooms: tuple[Room, ...]
    rate_per_s: float
    publishers: int
    source_addresses: tuple[str, ...] = ()
    arrivals: str = "constant"
    ramp_s: float = 0.0
    warm_up_s: float = 0.0
    flight_s: float = 2.0
    worker: int = 0
    workers: int = 1
    triggers_from: int = 0
    version: str = ""

    def to_message(self) -> dict[str, Any]:
        """As a message."""
        return asdict(self)

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Plan:
        """From a message."""
        rooms = tuple(Room(**room) for room in message["rooms"])
        addresses = tuple(message["source_addresses"])
        endpoint = Endpoint(**(message["endpoint"] | {"trust": Trust(**message["endpoint"]["trust"])}))
        return cls(**(message | {"rooms": rooms, "source_addresses": addresses, "endpoint": endpoint}))

    def room_of(self, user: int) -> int:
        """The room of this worker's n-th user: every worker spreads its users evenly over all rooms."""
        return (user + self.worker * len(self.rooms) // self.workers) % len(self.rooms)

    def source_of(self, user: int) -> str | None:
        """The address that this worker's n-th user leaves from; None for the system's choice."""
        if not self.source_addresses:
            return None
        return self.source_addresses[(user * self.workers + self.worker) % len(self.source_addresses)]

    def publisher_number(self, publisher: int) -> int:
        """A number for this worker's n-th publisher that no other publisher of the run has."""
        return publisher_number(self.worker, publisher)
