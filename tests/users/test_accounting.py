"""What the load counts of lost connections: one client's watcher, fed by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from locust.env import Environment

from loadtest.backends.prometheus.reader import Reader
from loadtest.clients.watcher import LossCause
from loadtest.measurement.meter import Meter
from loadtest.measurement.presence import End
from loadtest.users.accounting import AccountWatcher

BACKEND, LOAD_TEST, USER = LossCause.BACKEND, LossCause.LOAD_TEST, LossCause.USER
S = 1_000_000_000


class Watched:
    """A watcher, its meter, and what Locust was told."""

    def __init__(self) -> None:
        self.meter = Meter("0123abcd", Reader())
        self.locust: list[tuple[str, bool]] = []
        environment = Environment()
        environment.events.request.add_listener(
            lambda name, exception, **_: self.locust.append((name, exception is None))
        )
        context = SimpleNamespace(meter=self.meter, rooms={"a": 0}, plan=None)
        self.watcher = AccountWatcher(environment, cast("Any", context))
        self.watcher._socket = cast("Any", SimpleNamespace(eio=SimpleNamespace(instance="")))
        self.watcher.joined("a", 0, S)

    def count(self, *names: str) -> list[int]:
        return [self.meter.counters[name] for name in names]


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_each_failed_attempt_counts_with_its_reason(watched: Watched) -> None:
    watched.watcher.lost(2 * S, "closed by the server", BACKEND)
    for _ in range(3):
        watched.watcher.reconnect_failed(3 * S, 4 * S, "token expired")
    watched.watcher.resumed(5 * S, 6 * S)
    assert watched.count("reconnect_failures", "reconnects", "connections_lost", "away") == [3, 1, 1, 1]
    assert watched.meter.failures == {"connection lost: closed by the server": 1, "reconnect: token expired": 3}
    assert watched.locust[1:] == [*[("reconnect", False)] * 3, ("reconnect", True)]
    watched.watcher.returned(2 * S, 7 * S)
    assert watched.count("away") == [0]


@pytest.mark.parametrize(
    ("cause", "counted", "end"),
    [
        (BACKEND, [1, 0, 1, 0], End.LOST),
        (LOAD_TEST, [1, 1, 1, 0], End.DROPPED),
        (USER, [0, 0, 0, 1], End.LEFT),
    ],
)
def test_who_ended_the_connection_decides_on_what_counts(
    watched: Watched, cause: LossCause, counted: list[int], end: End
) -> None:
    watched.watcher.lost(2 * S, "why", cause)
    assert watched.count("connections_lost", "connections_dropped", "away", "disconnects") == counted
    assert watched.meter.accounts[0].presences[0].spans[-1].end is end


def test_a_user_that_ends_before_it_is_back_has_not_come_back(watched: Watched) -> None:
    watched.watcher.lost(2 * S, "server disconnect", BACKEND)
    watched.watcher.ended(3 * S, connected=False)
    assert watched.count("away", "disconnects") == [1, 0]


def test_a_user_whose_rejoin_is_refused_has_not_come_back(watched: Watched) -> None:
    watched.watcher.lost(2 * S, "dropped", LOAD_TEST)
    watched.watcher.resumed(3 * S, 3 * S)
    watched.watcher.join_failed("a", 3 * S, 4 * S, "Forbidden", refused=True)
    watched.watcher.ended(5 * S, connected=True)
    assert watched.count("away", "join_failures") == [1, 1]


def test_who_is_dropped_and_then_taken_away_by_the_load_test_had_no_chance(watched: Watched) -> None:
    watched.watcher.lost(2 * S, "dropped", LOAD_TEST)
    assert watched.count("away") == [1], "where the run ends now, it has not come back"
    watched.watcher.ended(3 * S, connected=False)
    assert watched.count("away") == [0]


def test_who_is_dropped_by_the_load_test_and_then_refused_has_not_come_back(watched: Watched) -> None:
    watched.watcher.lost(2 * S, "dropped", LOAD_TEST)
    watched.watcher.reconnect_failed(3 * S, 4 * S, "token expired")
    watched.watcher.ended(5 * S, connected=False)
    assert watched.count("away") == [1]


def test_a_user_that_is_back_and_ends_is_not_away(watched: Watched) -> None:
    watched.watcher.lost(2 * S, "reset", BACKEND)
    watched.watcher.resumed(3 * S, 3 * S)
    watched.watcher.returned(2 * S, 4 * S)
    watched.watcher.ended(5 * S, connected=True)
    assert watched.count("away", "connections_lost", "reconnects") == [0, 1, 1]
