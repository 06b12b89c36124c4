"""What a meter is fed by hand, and what it says then."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from loadtest.backends.prometheus import contract
from loadtest.measurement.meter import Meter
from loadtest.measurement.trace import Trace, encode
from loadtest.measurement.triggers import Outcome, Trigger

if TYPE_CHECKING:
    from loadtest.measurement.account import Account
    from loadtest.measurement.report import Totals

RUN = "0123abcd"
S = 1_000_000_000
FLIGHT_NS = 2 * S
TASK = "11111111-2222-4333-8444-555555555555"
ACCEPTED, STARTED, FAILED = range(3)


def member(meter: Meter, *rooms: int, joined_ns: int = 0, label: str = "") -> Account:
    account = meter.open_account(label)
    for room in rooms:
        account.joined(room, joined_ns)
    return account


def log_frame(seq: int = 0, room: int = 0, run: str = RUN, due_ns: int = 10 * S, publisher: int = 1) -> bytes:
    token = encode(Trace(run, room, publisher, seq, due_ns))
    return _log(contract.LOG_ACCEPTED.format(title=token))


def docker_frame() -> bytes:
    return _log(contract.LOG_DOCKER.format(image="x"))


def _log(message: str) -> bytes:
    return f'2["agentLog",{json.dumps({"message": message}, ensure_ascii=False)}]'.encode()


def status_frame(status: str, task: str = TASK) -> bytes:
    return f'2["taskStatusUpdate",{{"taskId":"{task}","newStatus":"{status}"}}]'.encode()


def trigger(seq: int = 0, room: int = 0, outcome: Outcome = Outcome.ACCEPTED, key: str = TASK) -> Trigger:
    return Trigger(room, 1, seq, 10 * S, 10 * S, outcome, key)


def complete(meter: Meter, master_ns: int) -> None:
    """All triggers are known that left before a moment; users that have gone are counted."""
    meter.complete_until(master_ns)
    for _ in meter.settle_ended():
        pass


def settle(meter: Meter) -> Totals:
    meter.close()
    meter.take_report(100 * S, {}, {})
    return meter.settle()


def counts(totals: Totals, room: int = 0) -> list[tuple[int, int, int]]:
    slots = [totals.streams[room, 1, slot] for slot in range(3)]
    return [(slot.expected, slot.delivered, slot.lost) for slot in slots]


def leaks(totals: Totals) -> dict[tuple[int, int, int], int]:
    return {stream: counts.leaked for stream, counts in totals.streams.items() if counts.leaked}


def task_of(seq: int) -> str:
    return f"11111111-2222-4333-8444-{seq:012d}"
