"""The instances: reference backends on one database and one Redis; started, ended, brought back."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING, Final

from lab.cluster import script
from loadtest import processes

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path

    from lab.cluster.balancer import Balancer
    from lab.cluster.script import Step

_START_S = 30.0
_GRACE_S = 10.0
_SETTLE_S: Final = 0.5
"""How long the load balancer is given to hear of a change before what it is about happens."""


class Cluster:
    """See the module.

    :param balancer: stands before them.
    :param arguments: of every instance, beside its name and its port.
    :param logs: the folder for what they say.
    """

    def __init__(self, balancer: Balancer, arguments: Sequence[str], logs: Path) -> None:
        self._balancer = balancer
        self._arguments = arguments
        self._logs = logs
        self._ports: dict[str, int] = {}
        self._draining: set[str] = set()
        self.processes: dict[str, subprocess.Popen[str]] = {}
        """By the instance's name, which is a number from 1; ended ones too."""

    def open(self, count: int) -> None:
        """Start so many, and let clients come.

        :raises TimeoutError: if one does not start; its log says why.
        """
        for _ in range(count):
            self._start(self._new())
        self._tell()

    @property
    def urls(self) -> dict[str, str]:
        """Instance -> where it answers by itself."""
        return {name: f"http://127.0.0.1:{port}" for name, port in self._ports.items()}

    def do(self, step: Step) -> None:
        """What a script says.

        :raises TimeoutError: if an instance does not start.
        """
        match step.act:
            case script.KILL:
                self._end(step.instance, signal.SIGKILL)
            case script.STOP:
                self._end(step.instance, signal.SIGTERM)
            case script.START:
                self._draining.discard(step.instance)
                self._start(step.instance)
                self._tell()
            case script.DRAIN:
                self._draining.add(step.instance)
                self._tell()
            case script.ADD:
                self._start(self._new())
                self._tell()
            case script.RESTART:
                for name in list(self._ports) if step.instance == script.ALL else [step.instance]:
                    self._restart(name)

    def end(self) -> None:
        """End all of them."""
        for process in self.processes.values():
            processes.end(process, signal.SIGTERM, _GRACE_S)

    def _restart(self, name: str) -> None:
        """As a rolling update does it: no new clients, then the end, then a new one."""
        self._draining.add(name)
        self._tell()
        time.sleep(_SETTLE_S)
        self._end(name, signal.SIGTERM)
        self._draining.discard(name)
        self._start(name)
        self._tell()
        time.sleep(_SETTLE_S)

    def _new(self) -> str:
        name = str(len(self._ports) + 1)
        self._ports[name] = processes.free_port()
        return name

    def _start(self, name: str) -> None:
        log = self._logs / f"instance-{name}.log"
        log.write_text("", encoding="utf-8")
        command = [sys.executable, "-m", "lab.reference_backend", *self._arguments, "--instance", name]
        self.processes[name] = processes.start([*command, "--port", str(self._ports[name])], log)
        processes.wait_for_line(self.processes[name], log, "reference-backend: http", _START_S)

    def _end(self, name: str, number: signal.Signals) -> None:
        processes.end(self.processes[name], number, _GRACE_S)

    def _tell(self) -> None:
        servers = {name: f"127.0.0.1:{port}" for name, port in self._ports.items()}
        self._balancer.serve(servers, self._draining)
