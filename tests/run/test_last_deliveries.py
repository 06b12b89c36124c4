"""Tests of the wait at the end of a run, with the words of a worker and the backend's data in a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import gevent
import pytest

from loadtest.backends.plan import Room
from loadtest.errors import Fault, Owner
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.triggers import Outcome, Trigger
from loadtest.run.master import last_deliveries
from loadtest.run.master.last_deliveries import LastDeliveries, Waiting
from loadtest.run.master.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loadtest.backends.guard import GuardedProvision

ROOMS = (Room("p", "a", "t"),)
Found = dict[str, float | None]


class Source:
    """The backend's own data."""

    def __init__(self, answer: Callable[[], Found]) -> None:
        self._answer = answer
        self.asked: list[list[str]] = []

    def finished(self, triggers: Mapping[str, Room]) -> Found:
        self.asked.append(list(triggers))
        return self._answer()


class Wait:
    """A wait for one trigger whose completion nobody received, by one worker with one member."""

    def __init__(self, answer: Callable[[], Found], limit_s: float) -> None:
        fleet = Fleet()
        fleet.enlist("w")
        self.relay = Relay(fleet, [False, True], 1000)
        self.relay.gathering.sent([Trigger(0, 0, 0, 1, 1, Outcome.ACCEPTED, "task")])
        self.source = Source(answer)
        self.last = LastDeliveries(fleet, self.relay, limit_s)

    def _alive(self) -> list[str]:
        """Return the worker, which knows all rows at once: a completion that was made long ago is lost."""
        rows = self.relay.feed.end
        self.last.words["w"] = Waiting(outstanding=0 if rows else 1, rows=rows)
        return ["w"]

    def run(self) -> None:
        with gevent.Timeout(20):
            self.last.wait(cast("GuardedProvision", self.source), ROOMS, self._alive, lambda *_: None)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_deliveries, "_LOOK_S", 0.001)
    monkeypatch.setattr(last_deliveries, "_ASK_S", 0.01)
    monkeypatch.setattr(last_deliveries, "_SAY_FIRST_S", 0.0)


def made(relay: Relay) -> list[Any]:
    return [row[:5] for row in relay.feed._rows]


def test_a_completion_that_nobody_received_ends_the_wait_when_the_backend_s_data_have_it() -> None:
    wait = Wait(lambda: {"task": 5.0}, limit_s=600)
    wait.run()
    assert ["made", 0, 0, 0, 1] in made(wait.relay), "each worker counts it as lost"
    assert wait.relay.gathering.at_work == {}


def test_work_that_is_not_done_is_waited_for_within_the_limit(capsys: pytest.CaptureFixture[str]) -> None:
    wait = Wait(dict, limit_s=0.2)
    wait.run()
    assert made(wait.relay) == []
    assert list(wait.relay.gathering.at_work) == ["task"], "which the summary has as unfinished"
    said = capsys.readouterr().out
    assert "Waiting for 1 deliveries that are still expected, 1 triggers are unfinished" in said


def test_the_backend_s_data_are_asked_for_at_the_end_though_nothing_is_waited_for() -> None:
    """Their members may have left."""
    wait = Wait(lambda: {"task": None}, limit_s=0.0)
    wait.run()
    assert wait.source.asked == [["task"]]
    assert wait.relay.gathering.at_work == {}


def test_data_that_do_not_come_end_no_later_than_the_wait(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def hang() -> Found:
        gevent.sleep(3600)
        return {}

    monkeypatch.setattr(last_deliveries, "_MOST_ASKING_S", 0.05)
    wait = Wait(hang, limit_s=0.2)
    wait.run()
    assert len(wait.source.asked) == 1, "it is not asked again"
    assert "which triggers' work is done: no answer within 0.05 s" in caplog.text


def test_data_that_cannot_be_read_are_asked_for_once(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> Found:
        raise Fault(Owner.BACKEND, "no such table", "")

    wait = Wait(fail, limit_s=0.2)
    wait.run()
    assert len(wait.source.asked) == 1
    assert "no such table" in caplog.text


def test_it_can_be_given_up() -> None:
    wait = Wait(dict, limit_s=600)
    gevent.spawn_later(0.05, wait.last.give_up)
    wait.run()
    assert list(wait.relay.gathering.at_work) == ["task"]
