"""What is not checked of the lines of the guide, although a reader may expect it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_INSIDE: Final = "What the backend keeps inside, as listeners and timers: only its memory shows it."
_ALIVE: Final = "Growth that a warm-up may explain: 64 MB, or half of the memory, in the first three minutes."
_ONE_ADDRESS: Final = "Limits on connections of other source addresses than those given by `--source-addresses`."

UNCHECKED: Final[Mapping[str, str]] = {
    "Connection Management: Authentication, connection lifecycle, error handling": (
        "How a refusal is worded: only that it has a word."
    ),
    "Room Management: Joining/leaving rooms, multi-room support": (
        "Leaving, where the backend has no event for it."
    ),
    "Real-time Updates: Task status broadcasts, agent logs": (
        "Logs of an agent's work that are missing: their number is not known."
    ),
    "Error Handling: Malformed data, network issues, edge cases": (
        "Malformed frames below Socket.IO: the library under the backend answers for them."
    ),
    "Performance: Load testing, latency measurements": (
        "Times of events without a trace: they are counted and not timed."
    ),
    "Concurrent Connections: Up to 50 simultaneous clients": _ONE_ADDRESS,
    "High Volume Broadcasting: Message delivery to multiple clients": (
        "The order between tasks that are made at once."
    ),
    "Memory Management: Resource cleanup, memory leak prevention": _INSIDE,
    "Performance Benchmarks: Latency testing, throughput measurements": (
        "How much a client could get at most: 100 a second pass."
    ),
    "Error Recovery: Network simulation, reconnection scenarios": (
        "What was sent while a client was away, unless the backend replays it."
    ),
    "End-to-end Workflows: Complete user scenarios": "The content of an agent's work.",
    "Mixed Authentication: Authenticated and unauthenticated clients": "Roles and rights beyond owner and guest.",
    "Dynamic Client Management: Clients joining/leaving during operations": (
        "Clients that leave without a word, where the backend has no event for leaving."
    ),
    "Real-world Patterns: Dashboard sessions, frontend simulation": "What a page draws of what it receives.",
    "Unauthenticated client handling": "What guests may do beyond connecting and joining.",
    "Connection error recovery": "How long the backend keeps what belongs to a lost connection.",
    "Rapid connect/disconnect cycles": _INSIDE,
    "Room isolation validation": "Rooms that nobody of the run is in: what goes to them alone is not seen.",
    "Task status update broadcasts": "Statuses that the contract does not know.",
    "Agent log streaming": "A log of an agent's work that is missing, or said twice with different times.",
    "Multi-client message delivery": "Members that are not of the run.",
    "Sequential update handling": "The order between tasks that are made at once.",
    "50+ concurrent connections": _ONE_ADDRESS,
    "High-frequency event handling": "Bursts above what one client sends: raise `--rate` for those.",
    "Memory leak prevention": _ALIVE,
    "Resource cleanup validation": _INSIDE,
    "Malformed message payloads": "Payloads of handlers that are not in the contract.",
    "Network condition simulation": "Packets in another order or twice: TCP hides both.",
    "Large payload handling": "Broadcasts beyond what REST takes as a title: nothing else comes back.",
    "Invalid authentication handling": "Tokens that are stolen and good: nothing tells them apart.",
    "Long-running dashboard sessions": "Sessions beyond `--session-length`.",
    "Frontend application patterns": "What a page draws of what it receives.",
    "Mixed client types": (
        "Clients that are not Socket.IO's, such as mobile libraries: `--canaries` has the official ones."
    ),
    "Dynamic client management": "Waves larger than `--users`.",
    "Connection Time: < 1000ms for 20 concurrent connections": "DNS, unless `--host` is a name.",
    "Average Latency: < 50ms for real-time events": "Time between the socket and the page.",
    "Maximum Latency: < 200ms for individual messages": "Time between the socket and the page.",
    "Memory Usage: Stable under extended load": _ALIVE,
    "Memory stability during extended sessions": _ALIVE,
    "Error recovery from network issues": "Partitions inside the backend, unless `loadtest network` makes them.",
    "Load Balancer Testing: Multi-server WebSocket scenarios": "Load balancers other than nginx.",
    "Authentication Variants: Different auth strategies testing": "OAuth flows: `--token-command` gets any token.",
    "Message Queuing: Event persistence and replay testing": (
        "Queues of the backend's own, beyond Socket.IO's recovery."
    ),
    "Cross-browser Testing: Client compatibility validation": "Safari, which has no Linux build.",
    "Network Partitioning: Distributed system resilience": "Partitions between instances and PostgreSQL.",
    "Message Ordering: Event sequence validation": "The order between publishers, which nothing promises.",
    "Security Testing: Unauthorized access attempts": (
        "Injection, denial of service beyond 200 connections, TLS settings."
    ),
    "Protocol Upgrades: WebSocket version compatibility": "WebTransport.",
}
"""Line of the guide -> what is not checked of it. Nothing is known to be left out of the others."""
