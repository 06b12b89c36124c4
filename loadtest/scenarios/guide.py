"""Where each line of the backend's own test guide is: which scenarios play it, or what else answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loadtest.scenarios import (
    benchmarks,
    broadcasts,
    connections,
    intrusion,
    large,
    pressure,
    resilience,
    rooms,
    sessions,
    upgrades,
    workflows,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtest.scenarios.scenario import Scenario


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
_FACTORY: Final = ("tests/clients/test_fixtures.py", "tests/backends/test_rest.py")
_JUDGED: Final = "tests/measurement/test_objective_results.py"
_GROWTH: Final = (
    "objectives `stable memory of the backend`, `stable memory of the workers`; a slope with its interval"
)
_NUMBERS: Final = "tests/integration/test_guide_numbers.py"
_SLOPE: Final = "tests/measurement/test_growth.py"

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
        "Concurrent Connections: Up to 50 simultaneous clients": played(connections.many, benchmarks.among_many),
        "High Volume Broadcasting: Message delivery to multiple clients": played(broadcasts.volume),
        "Memory Management: Resource cleanup, memory leak prevention": played(
            benchmarks.memory, otherwise=_GROWTH, tests=(_SLOPE, _NUMBERS)
        ),
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
        "50+ concurrent connections": played(connections.many, benchmarks.among_many),
        "High-frequency event handling": played(broadcasts.volume, benchmarks.throughput),
        "Low-latency communication (< 50ms average)": played(
            benchmarks.round_trips,
            otherwise="objectives `mean latency`, `mean round trip`, `mean time to an acknowledgement`",
            tests=(_JUDGED, _NUMBERS),
        ),
        "Memory leak prevention": played(benchmarks.memory, otherwise=_GROWTH, tests=(_SLOPE, _NUMBERS)),
        "Resource cleanup validation": played(benchmarks.memory, connections.cycling),
    },
    "Error Handling": {
        "Malformed message payloads": played(
            resilience.malformed, resilience.broken, tests=("tests/integration/test_odd_payloads.py",)
        ),
        "Network condition simulation": played(resilience.bad_network, tests=(_NETWORK,)),
        "Client disconnection during broadcasts": played(resilience.vanishing),
        "Large payload handling": played(
            large.payloads, large.broadcasts, tests=("tests/scenarios/test_large.py",)
        ),
        "Invalid authentication handling": played(intrusion.bad_tokens),
    },
    "Production Scenarios": {
        "Long-running dashboard sessions": played(
            sessions.session,
            workflows.dashboard,
            otherwise="`Viewer`, for as long as the run lasts (`--shape soak`)",
        ),
        "Frontend application patterns": played(workflows.reload, workflows.tabs),
        "Mixed client types": played(workflows.mixed),
        "Dynamic client management": played(workflows.waves, tests=("tests/integration/test_churn.py",)),
        "Real-world usage simulation": answered(
            "`loadtest/suites/production.conf` as a whole: "
            "Poisson arrivals, skewed rooms, viewers of two rooms that ping",
            "tests/integration/test_suites.py",
        ),
    },
    "Running WebSocket Tests": {
        "Individual Test Suites": answered(
            "`locust --config loadtest/suites/NAME.conf`; one scenario: `--scenario NAME`",
            *("tests/integration/test_suites.py", "tests/run/test_scenario_choice.py"),
        ),
        "All WebSocket Tests": answered(
            "`loadtest suites`, `make suites`: one outcome and exit code over all",
            *("tests/integration/test_suites.py", "tests/suites/test_command.py"),
        ),
        "Debug Mode": answered(
            "`--debug-clients N`: each packet of these clients, both ways, without tokens",
            *("tests/integration/test_debug_log.py", "tests/transport/test_packet_log.py"),
        ),
    },
    "Expected Performance Metrics": {
        "Connection Time: < 1000ms for 20 concurrent connections": answered(
            "objective `20 concurrent connections`", _JUDGED
        ),
        "Average Latency: < 50ms for real-time events": played(
            benchmarks.round_trips,
            otherwise="objectives `mean latency`, `mean round trip`, `mean time to an acknowledgement`",
            tests=(_JUDGED, _NUMBERS),
        ),
        "Maximum Latency: < 200ms for individual messages": played(
            benchmarks.round_trips,
            otherwise="objectives `maximum latency`, `maximum round trip`, `maximum time to an acknowledgement`",
            tests=(_JUDGED, _NUMBERS),
        ),
        "Throughput: > 100 events per second per client": played(
            benchmarks.throughput, otherwise="objective `events a second for each client`", tests=(_JUDGED,)
        ),
        "Memory Usage: Stable under extended load": played(
            benchmarks.memory, otherwise=_GROWTH, tests=(_SLOPE, _NUMBERS)
        ),
    },
    "Load Testing Results": {
        "50 concurrent connections without degradation": played(
            connections.many,
            benchmarks.among_many,
            otherwise="objective `50 concurrent connections without failure`",
            tests=(_JUDGED,),
        ),
        "Broadcast delivery to 20+ clients simultaneously": played(
            broadcasts.many, otherwise="objective `delivery to 20 members and more`", tests=(_JUDGED,)
        ),
        "Memory stability during extended sessions": played(
            sessions.session, benchmarks.memory, otherwise=_GROWTH, tests=(_SLOPE, _NUMBERS)
        ),
        "Error recovery from network issues": played(resilience.cut_off),
    },
    "CI/CD": {
        "Fast execution for continuous testing": answered(
            "each suite in a minute and a half, production in three minutes", "tests/integration/test_suites.py"
        ),
        "Parallel Execution": answered(
            "a port, workers and rows of its own for each run; `loadtest suites --side-by-side N`",
            *("tests/integration/test_fleets_apart.py", "tests/backends/test_rows.py"),
        ),
        "Resource Cleanup": answered(
            "a run removes its rows, and what cut-off runs left", "tests/backends/test_rows.py"
        ),
        "Timeout Management": answered("`--patience`; every wait has a deadline", "tests/clients/test_inbox.py"),
        "PostgreSQL Database": answered("`--database-url`", "tests/backends/test_rows.py"),
        "JWT Authentication": answered("`--jwt-secret`, `--jwt-key-file`", "tests/integration/test_auth.py"),
        "Socket.IO Client": answered(
            "python-socketio on a transport of our own", "tests/integration/test_official_server.py"
        ),
    },
    "Debug Utilities": {
        "Connection Diagnostics": answered("`Helper.connection_stats`, `Client.end_reason`", *_HELPER),
        "Event Monitoring": answered(
            "`Client.on_any`: every event and acknowledgement, in and out; `Client.listen`, `heard`",
            *("tests/clients/test_on_any.py", *_HELPER),
        ),
        "Performance Monitoring": answered("`Client.measure_latency`; a line of progress every 5 s", *_HELPER),
    },
    "Potential Improvements": {
        "Load Balancer Testing: Multi-server WebSocket scenarios": answered(
            "`python -m lab.cluster`: instances behind nginx, sticky or not, killed, drained, restarted, added",
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
            "`--canaries`: pages in Chromium and Firefox, and the official clients of Socket.IO 2, 3 and 4, by "
            "each transport, among the members",
            *("tests/integration/test_canaries.py", "tests/contract/test_node_client.py"),
        ),
    },
    "Advanced Scenarios": {
        "Horizontal Scaling: Multiple server instance testing": answered(
            "delivery and latency from each instance to each: `instances`; of two official servers, too",
            *("tests/cluster/test_cluster.py", "tests/integration/test_official_server.py"),
        ),
        "Network Partitioning: Distributed system resilience": played(
            resilience.cut_off,
            otherwise="between instances and Redis, between workers and master: `loadtest network`",
            tests=("tests/cluster/test_cluster.py", "tests/integration/test_machines.py"),
        ),
        "Message Ordering: Event sequence validation": played(
            broadcasts.sequential,
            broadcasts.logs,
            broadcasts.volume,
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
        "Protocol Upgrades: WebSocket version compatibility": played(
            upgrades.upgrade,
            otherwise="`--transport upgrade`; EIO=3 is asked for, and spoken by a canary",
            tests=("tests/integration/test_official_server.py",),
        ),
    },
}
"""Section -> line -> how it is covered, in the guide's own words and order."""
