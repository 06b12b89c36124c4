"""Locust's own master and workers that speak to it: who is counted in, and who is told to go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gevent
import pytest
from locust import __version__
from locust.env import Environment
from locust.rpc import Message, zmqrpc
from locust.runners import STATE_RUNNING

from loadtest.run import messages
from loadtest.run.fleet_identity import FleetIdentity
from loadtest.run.master import admission
from loadtest.run.master.admission import Admission

from ..support import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from locust.runners import MasterRunner

OWN = FleetIdentity("", "own", 11)
OTHER = FleetIdentity("", "other", 22)
PLAIN = FleetIdentity()


class Worker:
    """What a worker's process says to its master, in order."""

    def __init__(self, master: MasterRunner, name: str) -> None:
        self.name = name
        self._client = zmqrpc.Client("127.0.0.1", master.server.port, name)
        self.heard: list[Message] = []
        self._listening = gevent.spawn(self._listen)

    def _listen(self) -> None:
        while True:
            self.heard.append(self._client.recv())

    def says(self, kind: str, data: Any = None) -> None:
        self._client.send(Message(kind, data, self.name))

    def is_ready(self, fleet: FleetIdentity | None = None) -> None:
        """Ready and acknowledged; then it says whose it is, as its locustfile does."""
        self.says("client_ready", __version__)
        self.until_heard("ack")
        if fleet is not None:
            self.says(messages.JOIN, fleet.to_message())

    def until_heard(self, kind: str) -> Message:
        until(lambda: kind in self.kinds, 10, 0.01, sleep=gevent.sleep, told=lambda: self.kinds)
        return next(one for one in self.heard if one.type == kind)

    @property
    def kinds(self) -> list[str]:
        return [one.type for one in self.heard]

    def close(self) -> None:
        self._listening.kill()
        self._client.close(linger=0)


class Fleet:
    """A master of `OWN`, and whoever comes to it."""

    def __init__(self) -> None:
        self.environment = Environment(user_classes=[])
        self.master = self.environment.create_master_runner("127.0.0.1", 0)
        Admission(self.master, OWN)
        self._workers: list[Worker] = []
        self.welcomed: list[str] = []
        self.environment.events.worker_connect.add_listener(lambda client_id, **_: self.welcomed.append(client_id))

    def worker(self, name: str) -> Worker:
        self._workers.append(Worker(self.master, name))
        return self._workers[-1]

    def until_there(self, *names: str) -> None:
        until(lambda: set(self.master.clients) == set(names), 10, 0.01, sleep=gevent.sleep, told=self.there)

    def there(self) -> list[str]:
        return list(self.master.clients)

    def close(self) -> None:
        for worker in self._workers:
            worker.close()
        self.master.greenlet.kill()
        self.master.server.close(linger=0)


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    monkeypatch.setattr(admission, "_SILENT_S", 0.3)
    made = Fleet()
    yield made
    made.close()


def test_a_worker_is_counted_in_when_it_has_said_whose_it_is(fleet: Fleet) -> None:
    worker = fleet.worker("w")
    worker.is_ready()
    assert fleet.there() == []
    worker.says(messages.JOIN, OWN.to_message())
    fleet.until_there("w")
    assert fleet.welcomed == ["w"]
    worker.says("heartbeat", {"state": "ready", "current_cpu_usage": 1.0})
    worker.until_heard("heartbeat")


@pytest.mark.parametrize("state", ["ready", STATE_RUNNING])
def test_another_runs_worker_is_told_to_go(fleet: Fleet, state: str, caplog: pytest.LogCaptureFixture) -> None:
    fleet.master.state = state
    own, other = fleet.worker("own"), fleet.worker("other")
    other.is_ready(OTHER)
    reason = other.until_heard(messages.REFUSED).data["reason"]
    assert reason.startswith("expected a worker forked by process 11, got one forked by process 22. Give each run")
    assert f"Worker other was not let into this run: {reason}" in caplog.text
    # It goes on sending until it has gone; none of it counts.
    other.says("spawning")
    other.says("stats", {"user_classes_count": {"Viewer": 3}})
    own.is_ready(OWN)
    fleet.until_there("own")
    assert fleet.welcomed == ["own"]
    assert other.kinds.count(messages.REFUSED) == 1


def test_a_worker_that_lost_its_own_master_is_told_to_go(fleet: Fleet) -> None:
    """Its channel connects again to whoever listens at the port now; it still drives load."""
    orphan = fleet.worker("orphan")
    orphan.says("heartbeat", {"state": "running", "current_cpu_usage": 1.0})
    assert "it was another master's" in orphan.until_heard(messages.REFUSED).data["reason"]
    assert fleet.there() == []


def test_a_silent_worker_is_left_to_the_roll_before_a_run(fleet: Fleet) -> None:
    fleet.worker("silent").is_ready()
    fleet.until_there("silent")


def test_a_silent_worker_gets_no_users_in_the_middle_of_a_run(fleet: Fleet) -> None:
    fleet.master.state = STATE_RUNNING
    silent = fleet.worker("silent")
    silent.is_ready()
    silent.until_heard("quit")
    assert "did not tell its fleet" in silent.until_heard(messages.REFUSED).data["reason"]
    assert fleet.there() == []


def test_a_worker_comes_back_after_each_run(fleet: Fleet) -> None:
    worker = fleet.worker("w")
    worker.is_ready(OWN)
    fleet.until_there("w")
    worker.says("client_stopped")
    fleet.until_there()
    worker.says("client_ready", __version__)
    fleet.until_there("w")


def test_a_worker_without_a_locustfile_gets_the_masters(fleet: Fleet) -> None:
    fleet.environment.parsed_locustfiles = [__file__]
    unnamed = fleet.worker("download")
    unnamed.says("locustfile", {"version": __version__})
    assert "test_admission" in unnamed.until_heard("locustfile").data["locustfiles"][0]["filename"]
