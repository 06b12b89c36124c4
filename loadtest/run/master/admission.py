"""Lets workers into a master's run once they have told which fleet they belong to.

Locust counts a worker in, and gives it users, as soon as it says that it is ready: before a locustfile of that
worker could say anything, and before it could take a plan.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import gevent
from locust.runners import STATE_RUNNING, STATE_SPAWNING

from loadtest.run import messages
from loadtest.run.fleet_identity import FleetIdentity

if TYPE_CHECKING:
    from collections.abc import Callable

    from locust.rpc import Message
    from locust.runners import MasterRunner

logger = logging.getLogger("loadtest")

_HANDLE: Final = "handle_message"
_READY: Final = "client_ready"
_ACK: Final = "ack"
_QUIT: Final = "quit"
_FETCH: Final = "locustfile"
"""From a worker that has no locustfile yet, under another id than it will have."""
_SILENT_S: Final = 5.0
"""How long a worker may take to tell its fleet."""
_REMEDY: Final = "Give each run a --master-bind-port of its own, and its workers the same --fleet."


class Admission:
    """Stands before `runner.handle_message`.

    A worker is acknowledged when it is ready, so that its locustfile goes on. Locust hears of it when it has sent
    JOIN and belongs to this fleet. Messages of all other workers are dropped.

    :param fleet: whose master this is.
    """

    def __init__(self, runner: MasterRunner, fleet: FleetIdentity) -> None:
        self._runner = runner
        self._fleet = fleet
        self._handle: Callable[[str, Message], None] = runner.handle_message
        self._admitted: set[str] = set()
        self._refused: set[str] = set()
        self._waiting: dict[str, Message] = {}
        setattr(runner, _HANDLE, self._on_message)

    def _on_message(self, worker_id: str, message: Message) -> None:
        if message.type == messages.JOIN:
            self._on_join(worker_id, message.data)
        elif worker_id in self._admitted or message.type == _FETCH:
            self._handle(worker_id, message)
        elif message.type == _READY:
            self._on_ready(worker_id, message)
        elif worker_id not in self._waiting and message.type != _QUIT:
            self._refuse(worker_id, "it was another master's, and lost it")

    def _on_ready(self, worker_id: str, message: Message) -> None:
        if worker_id not in self._waiting:
            gevent.spawn_later(_SILENT_S, self._on_silence, worker_id)
        self._waiting[worker_id] = message
        self._runner.send_message(_ACK, {"index": self._runner.get_worker_index(worker_id)}, worker_id)

    def _on_join(self, worker_id: str, data: dict[str, Any]) -> None:
        ready = self._waiting.pop(worker_id, None)
        if reason := self._fleet.refusal(FleetIdentity(**data)):
            self._refuse(worker_id, reason)
        elif ready is not None:
            self._admit(worker_id, ready)

    def _on_silence(self, worker_id: str) -> None:
        """Its locustfile does not install the load test. Before a run, `roll_call` says so; later it must go."""
        if (ready := self._waiting.pop(worker_id, None)) is None:
            return
        if self._runner.state in {STATE_SPAWNING, STATE_RUNNING}:
            self._refuse(worker_id, f"it did not tell its fleet within {_SILENT_S:g} s")
            self._runner.send_message(_QUIT, None, worker_id)
        else:
            self._admit(worker_id, ready)

    def _admit(self, worker_id: str, ready: Message) -> None:
        self._admitted.add(worker_id)
        self._refused.discard(worker_id)
        self._handle(worker_id, ready)

    def _refuse(self, worker_id: str, reason: str) -> None:
        if worker_id in self._refused:
            return
        self._refused.add(worker_id)
        logger.warning("Worker %s was not let into this run: %s. %s", worker_id, reason, _REMEDY)
        self._runner.send_message(messages.REFUSED, {"reason": f"{reason}. {_REMEDY}"}, worker_id)
