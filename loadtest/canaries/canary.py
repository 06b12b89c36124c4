"""One canary: a process of its own, whose sayings go into an account like any other member's."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import gevent
from gevent import subprocess

from loadtest.backends.endpoint import IN_AUTH, IN_QUERY, TRANSPORTS
from loadtest.backends.prometheus import contract
from loadtest.canaries import kinds, programs, sayings

if TYPE_CHECKING:
    from loadtest.backends.endpoint import Endpoint
    from loadtest.canaries.sayings import Said
    from loadtest.measurement.meter import Meter

GRACE_S: Final = 5.0
"""How long its process may take to end."""


class Canary:
    """See the module.

    :param name: of its kind.
    :param room: its number in the plan.
    """

    def __init__(
        self, meter: Meter, name: str, endpoint: Endpoint, room: int, project_id: str, token: str
    ) -> None:
        self._kind = kinds.named(name)
        self._room = room
        self._state = meter.canaries.open(name, endpoint.parser)
        self._account = meter.open_account(name)
        self._viewpoint = meter.apart(name)
        self._process: Any = None
        self._settings = settings_of(self._kind, endpoint, project_id, token)
        self._reading = gevent.spawn(self._run)

    def stop(self) -> None:
        """Hear no more of it, and have its process end; return at once."""
        self._reading.kill()
        # It ends with its standard input, so that it also does if nobody is left to end it.
        if self._process is not None:
            self._process.stdin.close()

    def wait(self) -> None:
        """Wait until the process has ended after `stop`; kill it if it takes too long."""
        if self._process is None:
            return
        try:
            self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _run(self) -> None:
        script = "browser.mjs" if self._kind.client.programs else "node.mjs"
        command = [programs.node() or "node", str(programs.HERE / script)]
        # By the environment: everybody may read a command line, and the token is in it.
        environment = {**os.environ, "CANARY": json.dumps(self._settings)}
        try:
            pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
            self._process = subprocess.Popen(command, env=environment, text=True, start_new_session=True, **pipes)
        except OSError as error:
            self._state.evidence = f"node cannot be started: {error.strerror}"
            return
        complaints = gevent.spawn(self._process.stderr.read)
        for line in self._process.stdout:
            if (said := sayings.parse(line)) is not None:
                self._hear(said)
        self._account.disconnected(time.time_ns(), wanted=False)
        last = str(complaints.get()).strip().splitlines()[-1:]
        self._state.evidence = f"its process ended with {self._process.wait()}: {''.join(last)}".rstrip(": ")
        self._state.ended = True

    def _hear(self, said: Said) -> None:
        match said.what:
            case sayings.EVENT:
                self._viewpoint.observe(self._account.number, said.event, said.frame, said.at_ns)
            case sayings.CLIENT:
                self._state.client = said.text
            case sayings.TRANSPORT:
                self._state.transport = said.text
            case sayings.CONNECTED:
                self._account.resumed(said.at_ns)
                self._account.joining(self._room)
            case sayings.JOINED:
                self._state.joined = True
                self._account.joined(self._room, said.at_ns)
            case sayings.LOST:
                self._account.disconnected(said.at_ns, wanted=False)
                self._state.evidence = f"connection lost: {said.text}"
            case sayings.REFUSED:
                self._state.evidence = f"refused: {said.text}"
                self._account.join_failed(self._room, said.at_ns, refused=True)


def settings_of(kind: kinds.Kind, endpoint: Endpoint, project_id: str, token: str) -> dict[str, Any]:
    """Return what its script has to know."""
    client, words = kind.client, endpoint.adapter.words
    options: dict[str, Any] = {}
    if client.version == kinds.SPEAKS_EIO3 or endpoint.token_in == IN_QUERY:
        # Socket.IO 2 has no place of its own for a token.
        options["query"] = {contract.TOKEN: token}
    if endpoint.token_in == IN_AUTH and client.version != kinds.SPEAKS_EIO3:
        options["auth"] = {contract.TOKEN: token}
    if headers := endpoint.headers(token):
        options["extraHeaders"] = headers
    return {
        "url": endpoint.host,
        "client": client.name,
        "version": client.version,
        "transports": TRANSPORTS[kind.transport],
        "options": options,
        "parser": endpoint.parser,
        "join": words.join,
        "joined": words.joined,
        "refusal": words.refused,
        "room": project_id,
        "events": list(endpoint.adapter.reader.events),
        "browser": programs.browser_of(client),
    }
