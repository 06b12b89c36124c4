"""The meter against a backend that does known wrong; and the comparison itself, which has to be able to fail."""

from __future__ import annotations

from typing import Any

import pytest

from lab.calibration.case_run import measure
from lab.calibration.cases import CASES, compare, truths
from lab.calibration.latencies import (
    Sent,
    compare_latencies,
    compare_slow,
    deliveries_of,
    true_reordered,
    true_replayed,
)
from loadtest.backends.prometheus import contract
from loadtest.measurement.trace import Trace, encode


def fault(kind: str, event: str = "taskStatusUpdate", what: str = "IN_PROGRESS") -> dict[str, Any]:
    return {"fault": kind, "room": "r", "member": "m", "event": event, "what": what}


UPDATE = '42["taskStatusUpdate",{"taskId":"?","newStatus":"FAILED"}]'
LOG = [
    fault("drop"),
    fault("mute"),
    fault("corrupt", "agentLog", contract.LOG_ACCEPTED.format(title="~trace~")),
    fault("duplicate"),
    fault("leak"),
    fault("leak", "agentLog", "[Docker]: no trace, and a leak all the same"),
    fault("hold"),
    fault("hold"),
    fault("release"),
    fault("hold", what="FAILED"),
    fault("release", what="FAILED"),
    fault("drop", "agentLog", "no trace, so nobody can miss it"),
    fault("drop", "agentLog", "[Результат]: ~/notes~"),
]


def summary(**changed: int) -> dict[str, Any]:
    deliveries = {"expected": 180, "delivered": 176, "lost": 4, "duplicate": 1, "leaked": 2, "corrupt": 1}
    deliveries |= {"reordered": 1, "missed_offline": 0, "replayed": 0, "unowed": 0, "foreign": 0}
    return {"deliveries": deliveries | changed, "triggers": {"sent": 10}}


def test_a_meter_that_says_what_was_done_passes() -> None:
    assert all(row.passed for row in compare("x", truths(LOG), summary(), 6))


@pytest.mark.parametrize(
    "quantity", ["expected", "delivered", "lost", "duplicate", "leaked", "corrupt", "reordered"]
)
def test_a_meter_that_is_off_by_one_fails(quantity: str) -> None:
    off = summary(**{quantity: summary()["deliveries"][quantity] + 1})
    assert [row.quantity for row in compare("x", truths(LOG), off, 6) if not row.passed] == [quantity]


def sent(seq: int, latency_ms: float, connection: int = 1) -> Sent:
    return Sent("agentLog", 0, connection, Trace("0123abcd", 0, 0, seq, 0), latency_ms)


def test_latencies_that_are_off_fail() -> None:
    truth = [sent(seq, 10.0 * seq) for seq in range(1, 101)]
    measured: dict[str, float] = {
        "count": 100,
        "p50": 500.9,
        "p90": 909.0,
        "p99": 990.0,
        "p999": 1000,
        "max": 1000,
    }
    rows = compare_latencies("x", truth, {"latency_ms": {"agentLog": measured}})
    assert all(row.passed for row in rows)
    for name, wrong in {"count": 99, "p50": 507.0, "p90": 911.0 + 10, "max": 980.0}.items():
        off = compare_latencies("x", truth, {"latency_ms": {"agentLog": measured | {name: wrong}}})
        assert [row.quantity.split()[1] for row in off if not row.passed] == [name]


def test_one_slow_trigger_is_not_a_hundred() -> None:
    truth = [sent(seq, 2000.0 - 20 * seq, connection) for seq in range(100) for connection in range(6)]
    case = CASES["stop for 2 s"]
    assert all(row.passed for row in compare_slow("x", case, truth, 95 * 6, 6))
    assert not any(row.passed for row in compare_slow("x", case, truth, 6, 6))


def test_the_backend_s_own_reordering_is_told_by_stream_and_connection() -> None:
    order = [sent(0, 1), sent(2, 1), sent(1, 1), sent(0, 1, connection=2), sent(3, 1)]
    assert true_reordered(order) == 1


def test_deliveries_are_led_back_by_their_traces_and_ids() -> None:
    token = encode(Trace("0123abcd", 0, 0, 3, 1_000_000))
    task = "11111111-2222-4333-8444-555555555555"
    log = [
        {"sent_ns": 3_000_000, "connection": 1, "frame": f'42["agentLog",{{"message":"{token}"}}]'},
        {"sent_ns": 5_000_000, "connection": 2, "frame": UPDATE.replace("?", task)},
        {"sent_ns": 6_000_000, "connection": 2, "frame": '42["joinedRoom","x"]'},
        {"sent_ns": 6_000_000, "connection": 2, "frame": "2"},
        fault("drop"),
    ]
    found = deliveries_of(log, {task: f"Load test {token}"})
    assert [(one.event, one.slot, one.connection, one.latency_ms) for one in found] == [
        ("agentLog", 0, 1, 2.0),
        ("taskStatusUpdate", 2, 2, 4.0),
    ]


def test_replays_are_what_a_later_connection_got_of_what_was_made_before_it() -> None:
    slow = Trace("0123abcd", 0, 0, 1, 25)
    log: list[dict[str, Any]] = [
        {"sent_ns": 1, "connection": 1, "frame": '40{"sid":"a"}'},
        {"sent_ns": 5, "connection": 1, "frame": '42["agentLog",{}]'},
        {"sent_ns": 30, "connection": 2, "frame": '40{"sid":"b"}'},
    ]

    def to(connection: int, due_ns: int) -> Sent:
        return Sent("agentLog", 0, connection, Trace("0123abcd", 0, 0, 0, due_ns), 0.0)

    assert true_replayed(log, [to(1, 4), to(2, 29), to(2, 31)]) == range(1, 2)
    log.append({"made_ns": 31, "room": "r", "event": "agentLog", "members": 2, "what": f'"{encode(slow)}"'})
    assert true_replayed(log, [Sent("agentLog", 0, 2, slow, 0.0)]) == range(2), "its trigger was slow"


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize(
    ("case", "profile", "workers"),
    [
        ("all", "documented", 1),
        ("all", "as-built", 3),
        ("all", "deployed", 3),
        ("slow instance", "documented", 3),
        ("delay", "deployed", 1),
    ],
)
def test_what_was_done_is_measured(case: str, profile: str, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCUST_SKIP_MONKEY_PATCH", raising=False)  # is for pytest's own process alone
    rows = measure(case, profile, workers, seconds=5)
    assert [row.to_json() for row in rows if not row.passed] == []
    wrong = {"lost", "duplicate", "leaked", "corrupt", "reordered"} if case == "all" else set()
    assert wrong <= {row.quantity for row in rows if row.truth}
