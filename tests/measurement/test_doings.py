"""What users did: counted, timed, and why it failed."""

from __future__ import annotations

from loadtest.measurement.doings import Doings

MS = 1_000_000


def test_a_connect_is_timed_whole_and_by_its_phases() -> None:
    doings = Doings()
    doings.connected(100 * MS, 107 * MS, {"tcp": 2 * MS, "upgrade": 1_500_000, "socketio": MS})
    doings.connected(200 * MS, 201 * MS, {"socketio": MS})
    # The rest of the first connect is our own time between the phases.
    assert {name: list(values_us) for name, values_us in doings.take_samples().items()} == {
        "connect": [4500, 1000],
        "connect_tcp": [2000],
        "connect_upgrade": [1500],
        "connect_socketio": [1000, 1000],
        "connect_generator": [2500, 0],
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
        doings.reconnect_failed("reconnect: expired")
        doings.connection_lost("lost: closed")
        doings.connection_lost("lost: dropped", dropped=True)
        doings.join_failed("join: no")
        doings.not_answered("ping: silence")
        doings.user_failed("Viewer", "KeyError: 1", ours=True)
    assert doings.counters == {
        "connect_failures": 2,
        "reconnect_failures": 2,
        "connections_lost": 4,
        "connections_dropped": 2,
        "join_failures": 2,
        "unanswered": 2,
        "user_errors": 2,
        "internal_errors": 2,
    }
    assert doings.failures == {
        "connect: refused": 2,
        "reconnect: expired": 2,
        "lost: closed": 2,
        "lost: dropped": 2,
        "join: no": 2,
        "ping: silence": 2,
        "error in our own user Viewer: KeyError: 1": 2,
    }
    assert doings.samples_us == {}


def test_errors_of_other_peoples_users_are_told_from_ours() -> None:
    doings = Doings()
    doings.user_failed("Shopper", "KeyError: 1", ours=False)
    assert (doings.counters["user_errors"], doings.counters["internal_errors"]) == (1, 0)
    assert doings.failures == {"error in user Shopper: KeyError: 1": 1}


def test_requests_of_other_peoples_users_are_counted_by_name() -> None:
    doings = Doings()
    doings.requested("GET", "/a", "")
    doings.requested("GET", "/a", "404")
    doings.requested("POST", "/b", "")
    assert (doings.counters["requests"], doings.counters["request_failures"]) == (3, 1)
    assert doings.requests.to_rows() == [["GET", "/a", 2, 1, "404"], ["POST", "/b", 1, 0, ""]]
    assert doings.failures == {"GET /a: 404": 1}
