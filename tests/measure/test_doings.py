"""What users did: counted, timed, and why it failed."""

from __future__ import annotations

from measure.doings import Doings

MS = 1_000_000


def test_a_connect_is_timed_whole_and_by_its_phases() -> None:
    doings = Doings()
    doings.connected(100 * MS, 107 * MS, {"tcp": 2 * MS, "upgrade": 1_500_000})
    doings.connected(200 * MS, 201 * MS, {})
    assert {name: list(values_us) for name, values_us in doings.take_samples().items()} == {
        "connect": [7000, 1000],
        "connect_tcp": [2000],
        "connect_upgrade": [1500],
        "connect_socketio": [3500, 1000],
    }
    assert doings.take_samples() == {}
    assert doings.counters == {"connects": 2}
    assert doings.connects.by(lambda ns: ns + 1) == [(100 * MS + 1, 107 * MS + 1), (200 * MS + 1, 201 * MS + 1)]


def test_answers_are_timed_by_their_question() -> None:
    doings = Doings()
    doings.answered("task list", 1.2345)
    doings.answered("ping", 3)
    doings.join_answered(2_500_999)
    assert {name: list(values_us) for name, values_us in doings.samples_us.items()} == {
        "answer_task_list": [1234],
        "answer_ping": [3000],
        "join": [2500],
    }
    assert doings.counters == {}


def test_each_failure_counts_by_its_kind_and_its_reason() -> None:
    doings = Doings()
    for _ in range(2):
        doings.connect_failed("connect: refused")
        doings.connection_lost("lost: closed")
        doings.join_failed("join: no")
        doings.not_answered("ping: silence")
        doings.user_failed("KeyError: 1")
    assert doings.counters == {
        "connect_failures": 2,
        "connections_lost": 2,
        "join_failures": 2,
        "unanswered": 2,
        "user_errors": 2,
    }
    assert doings.failures == {
        "connect: refused": 2,
        "lost: closed": 2,
        "join: no": 2,
        "ping: silence": 2,
        "error in our own user: KeyError: 1": 2,
    }
    assert doings.samples_us == {}
