"""The master calls the roll: it asks every worker what it is, and waits for the answers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import gevent

from loadtest.canaries import kinds
from loadtest.measurement.target import hosts_of
from loadtest.run import messages, roll_call, source_addresses

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from loadtest.run.options.casting import Size

_WAIT_S: Final = 5.0


class Roll:
    """The roll of the workers that are there.

    :param send: sends (message type, data, worker id) to one worker.
    :param alive: the ids of the workers that are there now.
    """

    def __init__(self, send: Callable[[str, dict[str, Any], str], None], alive: Callable[[], list[str]]) -> None:
        self._send = send
        self._alive = alive
        self._answers: dict[str, roll_call.Answer] = {}

    @property
    def receive_clocks(self) -> dict[str, str]:
        """Worker's id -> the clock of its receive timestamps."""
        return {worker_id: answer.receive_clock for worker_id, answer in self._answers.items()}

    def call(self, opts: argparse.Namespace, size: Size) -> None:
        """Ask, and make sure that these workers can do the run.

        :param size: how large it is.
        :raises Fault: if they cannot.
        """
        workers = self._alive()
        targets = hosts_of(opts.host)
        addresses = source_addresses.split(opts.source_addresses)
        canaries = kinds.chosen(opts.canaries)
        question = {"source_addresses": addresses, "target": targets[0], "canaries": canaries}
        self._answers.clear()
        for worker_id in workers:
            self._send(messages.ROLL, question, worker_id)
        deadline_s = time.monotonic() + _WAIT_S
        while not self._answers.keys() >= set(workers) and time.monotonic() < deadline_s:
            gevent.sleep(0.01)
        version = roll_call.code_version()
        roll_call.check(version, workers, self._answers, size.connections, len(targets), size.at_once)

    def on_here(self, worker_id: str, data: dict[str, Any]) -> None:
        """A worker answered."""
        self._answers[worker_id] = roll_call.Answer(**data)
