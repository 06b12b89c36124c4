"""A run's plan: what the master prepared, and every worker needs to know. Plain data both ways."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from loadtest.backends.endpoint import Endpoint
from loadtest.backends.topology import Topology
from loadtest.measurement.clocks import publisher_number

MOST_PUBLISHERS: Final = 4000
"""Over all workers; the numbers above are the scenarios'."""
_LAST_PUBLISHER: Final = 4095


@dataclass(frozen=True, slots=True)
class Room:
    """One project: its room, its owner's token and id, and the agent that the tasks of its publishers go to."""

    project_id: str
    agent_id: str
    token: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Cast:
    """What scenarios need beside the run's rooms.

    foreign: a room whose owner owns none of the run's; None if there is none. bad_tokens, without_id: see
    `tokens`. capabilities: as a message, see `scenarios.capabilities`. think_s: least and most seconds between
    two plays. patience_s: how long something is waited for that has to come. session_s: how long a long session
    lasts. expiring: tokens of the first room's owner that end while the run lasts, each with when that is, in
    seconds since the epoch; none without the backend's key.
    """

    foreign: Room | None = None
    bad_tokens: dict[str, str] = field(default_factory=dict)
    without_id: str = ""
    capabilities: dict[str, Any] = field(default_factory=dict)
    think_s: tuple[float, float] = (1.0, 3.0)
    patience_s: float = 5.0
    session_s: float = 120.0
    expiring: tuple[tuple[str, float], ...] = ()

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Cast:
        """From a message."""
        foreign = message["foreign"] and Room(**message["foreign"])
        expiring = tuple((token, ends_s) for token, ends_s in message["expiring"])
        return cls(**(message | {"foreign": foreign, "think_s": tuple(message["think_s"]), "expiring": expiring}))


@dataclass(frozen=True, slots=True)
class Plan:
    """One run.

    run_id: names the run's record and its rows. run: 8 hexadecimal digits in every trace. endpoint: where the
    backend is. rate_per_s: triggers a second over all publishers. publishers: how many share the rate.
    source_addresses: local addresses that each worker's connections and triggers leave from in turn, see
    `run.source_addresses`; empty for the system's choice. arrivals: the law of the triggers, see `tasks.schedule`.
    ramp_s: how long the rate takes to rise from nothing.
    warm_up_s: from when all users were started to when publishers begin. flight_s: how long a broadcast may be in
    flight. worker, workers: this worker's number from 0, and how many there are. triggers_from: the number of the
    first trigger of the run that it has to know, see `run.trigger_feed`. version: of the master's code, see
    `run.roll_call`. tags: of the tasks that were asked for. topology: who goes into which room. ping_every_s: how
    often a viewer pings; 0 for never. drop_every_s: how often it loses its connection; 0 for never.
    drain_timeout_s: how long the end of the run waits for deliveries that are still expected. cast: for the
    scenarios. room_classes: of the rooms, by how many members they are meant to have, see
    `measurement.room_classes`. interim_every_s: how often workers say what they counted so far; 0 for never.
    canaries: official clients that the first worker has among the members, by the names of their kinds.
    spawn_rate_per_s: connects a second over all workers while users are started; 0 for as many as come.
    audience_size: listeners of one `Audience`. dns_ttl_s: seconds until the backend's host name is resolved again
    for new connections; 0 for each connection. debug_clients: how many clients of each worker log their packets,
    by user class, see `clients.debug_clients`.
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
    tags: tuple[str, ...] = ()
    topology: Topology = field(default_factory=Topology)
    ping_every_s: float = 0.0
    drop_every_s: float = 0.0
    cast: Cast = field(default_factory=Cast)
    room_classes: tuple[int, ...] = ()
    drain_timeout_s: float = 0.0
    interim_every_s: float = 0.0
    canaries: tuple[str, ...] = ()
    spawn_rate_per_s: float = 0.0
    audience_size: int = 1
    dns_ttl_s: float = 60.0
    debug_clients: dict[str, int] = field(default_factory=dict)

    def to_message(self) -> dict[str, Any]:
        """As a message."""
        return asdict(self)

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Plan:
        """From a message."""
        rooms = tuple(Room(**room) for room in message["rooms"])
        addresses = tuple(message["source_addresses"])
        endpoint = Endpoint.from_message(message["endpoint"])
        parts = {
            "rooms": rooms,
            "source_addresses": addresses,
            "endpoint": endpoint,
            "tags": tuple(message["tags"]),
            "canaries": tuple(message["canaries"]),
            "room_classes": tuple(message["room_classes"]),
            "topology": Topology(**message["topology"]),
            "cast": Cast.from_message(message["cast"]),
        }
        return cls(**(message | parts))

    def sources(self) -> dict[str, frozenset[int]]:
        """Return agent's id -> the numbers of the rooms whose tasks it works on."""
        rooms: dict[str, set[int]] = {}
        for number, room in enumerate(self.rooms):
            if room.agent_id:
                rooms.setdefault(room.agent_id, set()).add(number)
        return {agent_id: frozenset(numbers) for agent_id, numbers in rooms.items()}

    def room_of(self, user: int) -> int:
        """The room of this worker's n-th user."""
        return self.topology.room_of(user, len(self.rooms), self.worker, self.workers)

    def rooms_of(self, user: int) -> list[int]:
        """All rooms of this worker's n-th user; they have the same owner."""
        return self.topology.rooms_of(user, len(self.rooms), self.worker, self.workers)

    def source_of(self, user: int) -> str | None:
        """The address that this worker's n-th user leaves from; None for the system's choice."""
        if not self.source_addresses:
            return None
        return self.source_addresses[(user + self.worker) % len(self.source_addresses)]

    def endpoint_of(self, user: int) -> Endpoint:
        """The instance of the backend that this worker's n-th user, or publisher, goes to."""
        return self.endpoint.instance(user * self.workers + self.worker)

    def publisher_number(self, publisher: int) -> int:
        """A number for this worker's n-th publisher that no other publisher of the run has."""
        return publisher_number(self.worker, publisher)

    def scenarios_publishers(self) -> list[int]:
        """Return the numbers under which this worker's scenarios publish."""
        numbers = range(_LAST_PUBLISHER, MOST_PUBLISHERS - 1, -1)
        return [publisher_number(self.worker, number) for number in numbers]
