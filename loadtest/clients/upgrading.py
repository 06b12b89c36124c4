"""A client that begins by long-polling and changes to WebSocket step by step, with events at each step.

`Client` upgrades before it joins anything, as python-socketio does. Browsers join at once and upgrade meanwhile:
what they are sent then must neither be lost nor come by both transports. Each poll is made when something is to
come, so that no greenlet has to poll.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Self

import gevent

from loadtest.backends.endpoint import IN_HEADER
from loadtest.backends.prometheus import contract
from loadtest.backends.rest import RestClient, UnreachableError
from loadtest.clients.errors import ConnectFailedError, EventTimeoutError
from loadtest.clients.inbox import Heard
from loadtest.transport.handshake import HandshakeError
from loadtest.transport.opening import open_engine
from loadtest.transport.shared import shared
from loadtest.transport.websocket_frames import TEXT, WebSocketProtocolError, build_frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from loadtest.backends.endpoint import Endpoint
    from loadtest.transport.opening import Opened

_SEPARATOR: Final = "\x1e"
_MOST_POLLS: Final = 20
_NOOP: Final = "6"


class UpgradingClient:
    """See the module. Call `open`, `join`, `probe`, `poll` and `upgrade` in this order, and `close` at the end.

    :param endpoint: where the backend is; it takes the default parser.
    :param token: the JWT; not in a cookie.
    :param patience_s: how long an answer may take, in seconds.
    """

    def __init__(self, endpoint: Endpoint, token: str, patience_s: float) -> None:
        self.heard: list[Heard] = []
        """All events, by either transport, in the order of arrival."""
        self.end_reason = ""
        self.offered: list[str] = []
        """The transports that the backend offers an upgrade to."""
        self._endpoint = endpoint
        self._token = token
        self._patience_s = patience_s
        self._rest = RestClient(endpoint.host, ssl_context=endpoint.ssl_context())
        query = endpoint.url(token).partition("?")[2]
        self._query = f"EIO={contract.ENGINEIO_VERSION}" + (f"&{query}" if query else "")
        self._opened: Opened | None = None
        self._reading: gevent.Greenlet[[], None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def connected(self) -> bool:
        """Whether nothing has ended the WebSocket, once there is one."""
        return self._opened is not None and not self.end_reason

    def open(self) -> None:
        """Open a session by long-polling, and connect to the default namespace.

        :raises ConnectFailedError: if the backend does not take it.
        """
        (opening,) = self._poll() or [""]
        try:
            packet = json.loads(opening[1:])
            self.offered = packet["upgrades"]
            self._query += f"&sid={packet['sid']}"
        except (ValueError, LookupError, TypeError) as error:
            raise ConnectFailedError(f"long-polling did not open a session: {opening[:100]}") from error
        self._post("40" + json.dumps(self._endpoint.auth(self._token)))
        answer = "".join(self._poll())
        if not answer.startswith("40"):
            raise ConnectFailedError(f"the namespace was not joined: {answer[:100]}")

    def join(self, project_id: str) -> None:
        """Join a project's room by long-polling.

        :raises EventTimeoutError: if it is not answered.
        """
        self._post("42" + json.dumps([contract.JOIN, project_id]))
        self.poll(lambda: any(one.event == contract.JOINED for one in self.heard), "the answer to a join")

    def poll(self, until: Callable[[], bool], what: str) -> None:
        """Poll until something has come.

        :param what: says what that is.
        :raises EventTimeoutError: if it does not come.
        """
        for _ in range(_MOST_POLLS):
            if until():
                return
            self._take(self._poll())
        raise EventTimeoutError(f"{_MOST_POLLS} polls did not bring {what}")

    def probe(self) -> None:
        """Open a WebSocket beside the polls, and have the backend answer a probe on it.

        :raises ConnectFailedError: if it does not.
        """
        address = "ws" + self._endpoint.host.removeprefix("http")
        try:
            self._opened = open_engine(
                shared(),
                f"{address}{contract.SOCKETIO_PATH}?{self._query}&transport=websocket",
                self._endpoint.headers(self._token),
                self._patience_s,
                source_address=None,
                ssl_context=self._endpoint.ssl_context(),
                connect_to=self._endpoint.connect_to,
                probe=True,
                confirm=False,
            )
        except (ConnectionError, HandshakeError) as error:
            raise ConnectFailedError(f"the probe of the upgrade: {error}") from error

    def drain(self) -> None:
        """Make the last poll, which the backend answers at once since the upgrade has begun."""
        self._take(self._poll())

    def upgrade(self) -> None:
        """Change to the WebSocket; from now on events come by it.

        :raises ConnectFailedError: if it is gone.
        """
        opened = self._opened
        if opened is None:
            raise ConnectFailedError("no probe was answered")
        self.send_packet("5")
        self._reading = gevent.spawn(self._read, opened)

    def emit(self, event: str, *arguments: Any) -> None:
        """Send an event over the WebSocket."""
        self.send_packet("42" + json.dumps([event, *arguments]))

    def send_packet(self, text: str) -> None:
        """Send an Engine.IO packet over the WebSocket.

        :raises ConnectFailedError: if it is gone.
        """
        assert self._opened is not None
        try:
            self._opened.channel.send(build_frame(TEXT, text.encode(), shared().key()))
        except OSError as error:
            raise ConnectFailedError(f"the WebSocket of the upgrade is gone: {error}") from error

    def close(self) -> None:
        """End the session."""
        if self._reading is not None:
            self._reading.kill(block=False)
        if self._opened is not None:
            self._opened.channel.close()
        self._rest.close()

    def _read(self, opened: Opened) -> None:
        messages = opened.messages
        try:
            while True:
                for opcode, payload in messages:
                    self._take([payload.decode("utf-8", "replace")] if opcode == TEXT else [])
                data, _ = opened.channel.receive(2 * contract.PING_INTERVAL_MS / 1000)
                if not data:
                    self.end_reason = "closed by the server"
                    return
                messages = opened.parser.feed(data)
        except (OSError, WebSocketProtocolError) as error:
            self.end_reason = str(error)

    def _take(self, packets: list[str]) -> None:
        for packet in packets:
            if packet == "2" and self._reading is not None:
                self.send_packet("3")
            elif packet == "2":
                self._post("3")
            elif packet.startswith("42"):
                event, *arguments = json.loads(packet[2:])
                self.heard.append(Heard(event, tuple(arguments)))

    def _poll(self) -> list[str]:
        answer = self._send("GET")
        return [packet for packet in answer.split(_SEPARATOR) if packet and packet != _NOOP]

    def _post(self, packet: str) -> None:
        self._send("POST", packet.encode())

    def _send(self, method: str, body: bytes | None = None) -> str:
        path = f"{contract.SOCKETIO_PATH}?{self._query}&transport=polling"
        token = self._token if self._endpoint.token_in == IN_HEADER else None
        try:
            answer = self._rest.send(method, path, token, body)
        except UnreachableError as error:
            raise ConnectFailedError(f"long-polling: {error}") from error
        if answer.status != 200:
            raise ConnectFailedError(f"long-polling was answered with {answer.status}: {answer.message}")
        return str(answer.body)
