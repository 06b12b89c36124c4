"""Where each line of the backend's own test guide is: which scenarios play it, or what else answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from . import benchmarks, broadcasts, connections, intrusion, pressure, resilience, rooms, workflows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .scenario import Scenario


@dataclass(frozen=True, slots=True)
class Line:
    """How a line is covered. otherwise: by what else, and where; tests: beside those of all scenarios."""

    scenarios: tuple[Scenario, ...] = ()
    otherwise: str = ""
    tests: tuple[str, ...] = ()


def played(*scenarios: Scenario, otherwise: str = "", tests: tuple[str, ...] = ()) -> Line:
    """A line that scenarios play."""
    return Line(scenarios, otherwise, tests)


def answered(otherwise: str, *tests: str) -> Line:
    """A line that something else answers."""
    return Line((), otherwise, tests)


_HELPER: Final = ("tests/clients/test_helper.py", "tests/clients/test_fixtures.py")
_NETWORK: Final = "tests/network/test_relay.py"
_FACTORY: Final = ("tests/clients/test_fixtures.py", "tests/backend/test_rest.py")
_SLO: Final = "tests/measure/test_slo.py"
_GROWTH: Final = "a slope with its interval, of the backend and of the workers, in every report"
_SLOPE: Final = "tests/measure/test_growth.py"

GUIDE: Final[Mapping[str, Mapping[str, Line]]] = {
    "Core WebSocket Tests": {
        "Connection Management: Authentication, connection lifecycle, error handling": played(
            connections.authenticated, connections.disconnection, connections.recovery
        ),
        "Room Management: Joining/leaving rooms, multi-room support": played(rooms.leaving, rooms.several),
        "Real-time Updates: Task status broadcasts, agent logs": played(
            broadcasts.updates, broadcasts.logs, broadcasts.system
        ),
        "Multiple Clients: Concurrent connections, broadcast validation": played(broadcasts.many, rooms.repeated),
        "Error Handling: Malformed data, network issues, edge cases": played(
            resilience.malformed, resilience.broken, resilience.unknown, resilience.cut_off
        ),
        "Performance: Load testing, latency measurements": played(
            benchmarks.round_trips, otherwise="every broadcast is timed at every viewer: `latency_ms`"
        ),
    },
    "Stress Tests": {
        "Concurrent Connections: Up to 50 simultaneous clients": played(connections.many),
        "High Volume Broadcasting: Message delivery to multiple clients": played(broadcasts.volume),
        "Memory Management: Resource cleanup, memory leak prevention": played(benchmarks.memory),
        "Performance Benchmarks: Latency testing, throughput measurements": played(
            benchmarks.round_trips, benchmarks.throughput
        ),
        "Error Recovery: Network simulation, reconnection scenarios": played(
            resilience.bad_network, resilience.cut_off, connections.recovery
        ),
    },
    "Integration Tests": {
        "End-to-end Workflows: Complete user scenarios": played(
            workflows.operator, workflows.new_project, broadcasts.orchestrator
        ),
        "Mixed Authentication: Authenticated and unauthenticated clients": played(workflows.mixed),
        "Dynamic Client Management: Clients joining/leaving during operations": played(
            connections.coming_and_going
        ),
        "Real-world Patterns: Dashboard sessions, frontend simulation": played(
            workflows.dashboard, workflows.reload, workflows.tabs
        ),
    },
    "WebSocketTestHelper": {
        "Client Management": answered("`Helper.client`, `create`, `close`", *_HELPER),
        "Connection Handling": answered("`Helper.wait_for_connections`, `connection_stats`", *_HELPER),
        "Event Testing": played(
            connections.acknowledgements,
            otherwise="`Client.expect`, `wait_for_event`, `listen`; `Helper.test_broadcast`",
            tests=_HELPER,
        ),
        "Performance Measurement": answered(
            "`Client.measure_latency`, `Helper.measure_events_per_second`", *_HELPER
        ),
        "Network Simulation": answered("`Network`", _NETWORK),
    },
    "WebSocketTestDataFactory": {
        "Project Data": answered("`DataFactory.project`", *_FACTORY),
        "Agent Data": answered("`DataFactory.agent`", *_FACTORY),
        "Task Data": answered("`DataFactory.task`", *_FACTORY),
        "User Data": answered("`DataFactory.user`", *_FACTORY),
    },
    "WebSocketAssertions": {
        "Event Assertions": answered("`assert_event`, `assert_order`, `assert_silent`", *_HELPER),
        "Performance Assertions": answered("`assert_latency`, `assert_throughput`", *_HELPER),
        "Connection Assertions": answered("`assert_connected`, `assert_disconnected`", *_HELPER),
        "Broadcast Assertions": answered("`assert_broadcast`", *_HELPER),
    },
    "Connection Management": {
        "Authenticated client connections": played(connections.authenticated),
        "Unauthenticated client handling": played(connections.guest, intrusion.guests),
        "Connection error recovery": played(connections.recovery),
        "Graceful disconnection": played(connections.disconnection),
        "Rapid connect/disconnect cycles": played(connections.cycling),
    },
    "Room Management": {
        "Project room joining/leaving": played(rooms.leaving),
        "Multiple room membership": played(rooms.several),
        "Invalid room ID handling": played(rooms.invalid),
        "Rapid room switching": played(rooms.switching),
        "Room isolation validation": played(rooms.isolation, intrusion.foreign_room),
    },
    "Real-time Broadcasting": {
        "Task status update broadcasts": played(broadcasts.updates),
        "Agent log streaming": played(broadcasts.logs),
        "Multi-client message delivery": played(broadcasts.many),
        "Room-specific broadcasting": played(rooms.isolation),
        "Sequential update handling": played(broadcasts.sequential),
    },
    "Performance Testing": {
        "50+ concurrent connections": played(connections.many),
        "High-frequency event handling": played(broadcasts.volume, benchmarks.throughput),
        "Low-latency communication (< 50ms average)": played(
            benchmarks.round_trips, otherwise="objective `mean latency`", tests=(_SLO,)
        ),
        "Memory leak prevention": played(benchmarks.memory),
        "Resource cleanup validation": played(benchmarks.memory, connections.cycling),
    },
    "Error Handling": {
        "Malformed message payloads": played(
            resilience.malformed, resilience.broken, tests=("tests/integration/test_odd_payloads.py",)
        ),
        "Network condition simulation": played(resilience.bad_network, tests=(_NETWORK,)),
        "Client disconnection during broadcasts": played(resilience.vanishing),
        "Large payload handling": played(resilience.large),
        "Invalid authentication handling": played(intrusion.bad_tokens),
    },
    "Production Scenarios": {
        "Long-running dashboard sessions": played(
            workflows.dashboard, otherwise="`Viewer`, for as long as the run lasts (`--shape soak`)"
        ),
        "Frontend application patterns": played(workflows.reload, workflows.tabs),
        "Mixed client types": played(workflows.mixed),
        "Dynamic client management": played(workflows.waves, tests=("tests/integration/test_churn.py",)),
        "Real-world usage simulation": answered(
            "`suites/production.conf` as a whole: Poisson arrivals, skewed rooms, viewers of two rooms that ping",
            "tests/integration/test_suites.py",
        ),
    },
    "Expected Performance Metrics": {
        "Connection Time: < 1000ms for 20 concurrent connections": answered(
            "objective `20 concurrent connections`", _SLO
        ),
        "Average Latency: < 50ms for real-time events": answered("objective `mean latency`", _SLO),
        "Maximum Latency: < 200ms for individual messages": answered("objective `maximum latency`", _SLO),
        "Throughput: > 100 events per second per client": played(
            benchmarks.throughput, otherwise="objective `events a second for each client`", tests=(_SLO,)
        ),
        "Memory Usage: Stable under extended load": played(benchmarks.memory, otherwise=_GROWTH, tests=(_SLOPE,)),
    },
    "Load Testing Results": {
        "50 concurrent connections without degradation": played(
            connections.many, otherwise="objective `50 concurrent connections without failure`", tests=(_SLO,)
        ),
        "Broadcast delivery to 20+ clients simultaneously": played(
            broadcasts.many, otherwise="objective `delivery to 20 members and more`", tests=(_SLO,)
        ),
        "Memory stability during extended sessions": played(benchmarks.memory, otherwise=_GROWTH, tests=(_SLOPE,)),
        "Error recovery from network issues": played(resilience.cut_off),
    },
    "CI/CD": {
        "Fast execution for continuous testing": answered(
            "each suite in a minute and a half", "tests/integration/test_suites.py"
        ),
        "Parallel Execution": answered(
            "free ports and rows of its own for each run", "tests/backend/test_rows.py"
        ),
        "Resource Cleanup": answered(
            "a run removes its rows, and what cut-off runs left", "tests/backend/test_rows.py"
        ),
        "Timeout Management": answered("`--patience`; every wait has a deadline", "tests/clients/test_inbox.py"),
        "PostgreSQL Database": answered("`--database-url`", "tests/backend/test_rows.py"),
        "JWT Authentication": answered("`--jwt-secret`, `--jwt-key-file`", "tests/integration/test_auth.py"),
        "Socket.IO Client": answered(
            "python-socketio on a transport of our own", "tests/integration/test_official_server.py"
        ),
    },
    "Debug Utilities": {
        "Connection Diagnostics": answered("`Helper.connection_stats`, `Client.end_reason`", *_HELPER),
        "Event Monitoring": answered("`Client.listen`, `heard`", *_HELPER),
        "Performance Monitoring": answered("`Client.measure_latency`; a line of progress every 5 s", *_HELPER),
    },
    "Potential Improvements": {
        "Load Balancer Testing: Multi-server WebSocket scenarios": answered(
            "`python -m cluster`: instances behind nginx, sticky or not, killed, drained, restarted, added",
            "tests/cluster/test_cluster.py",
        ),
        "Authentication Variants: Different auth strategies testing": played(
            intrusion.elsewhere,
            otherwise="`--token-in`, HS256 and RS256, minted, logged in, from a file, renewed",
            tests=("tests/integration/test_auth.py",),
        ),
        "Message Queuing: Event persistence and replay testing": answered(
            "connection state recovery: `replayed`, `recovered`, `replay_ms`; `--drop-every`",
            *("tests/transport/test_recovery.py", "tests/integration/test_official_server.py"),
        ),
        "Monitoring Integration: Metrics collection during tests": answered(
            "`--monitor`: memory and CPU from Prometheus metrics, the health call or a process, in every report",
            *("tests/run/test_monitor.py", "tests/integration/test_reports.py"),
        ),
        "Cross-browser Testing: Client compatibility validation": answered(
            "`--canaries`: a page in Chromium and the official clients of Socket.IO 2, 3 and 4 among the members",
            *("tests/integration/test_official_server.py", "tests/contract/test_node_client.py"),
        ),
    },
    "Advanced Scenarios": {
        "Horizontal Scaling: Multiple server instance testing": answered(
            "delivery and latency from each instance to each: `instances`; of two official servers, too",
            *("tests/cluster/test_cluster.py", "tests/integration/test_official_server.py"),
        ),
        "Network Partitioning: Distributed system resilience": played(
            resilience.cut_off,
            otherwise="between instances and Redis, between workers and master: `python -m network`",
            tests=("tests/cluster/test_cluster.py", "tests/integration/test_machines.py"),
        ),
        "Message Ordering: Event sequence validation": played(
            broadcasts.sequential,
            otherwise="`reordered` of every stream, with its extent, across reconnects and instances",
        ),
        "Security Testing: Unauthorized access attempts": played(
            intrusion.bad_tokens,
            intrusion.elsewhere,
            intrusion.foreign_room,
            intrusion.foreign_project,
            intrusion.guests,
            intrusion.nobody,
            intrusion.rest_tokens,
            pressure.expiring,
            pressure.slow,
            pressure.flood,
            otherwise="findings, with severity",
            tests=("tests/scenarios/test_probe.py",),
        ),
        "Protocol Upgrades: WebSocket version compatibility": answered(
            "`--transport upgrade`; EIO=3 is asked for, and spoken by a canary",
            "tests/integration/test_official_server.py",
        ),
    },
}
"""Section -> line -> how it is covered, in the guide's own words and order."""
