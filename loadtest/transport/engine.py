"""An Engine.IO client driven by the gevent hub: one read watcher for each WebSocket, no greenlet, no thread.

python-engineio's own code carries long-polling; a polling connection that is upgraded ends up here too.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import engineio
from engineio import packet
from gevent.event import Event

from loadtest.transport.lanes import Lane
from loadtest.transport.observing import ObservingEngine
from loadtest.transport.opening import announced_limit, insecure_context, limit_of, open_engine, with_cookies
from loadtest.transport.packet_head import are_several
from loadtest.transport.receive_clock import Coalesced, Stopwatch
from loadtest.transport.sessions import knows_no_session, session_fault
from loadtest.transport.shared import Poll
from loadtest.transport.stamped_http import stamp_of
from loadtest.transport.websocket_frames import (
    BINARY,
    CLOSE,
    NO_STATUS,
    PING,
    PONG,
    TEXT,
    WebSocketProtocolError,
    build_frame,
    close_code,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    import requests

logger = logging.getLogger(__name__)

_CLOSED: Final = "closed by the server"


class EngineIOClient(ObservingEngine):
    """See the module. Its public interface is that of `engineio.Client`."""

    __slots__ = (
        *("_over", "_polled", "_unsent", "answered_ns", "asked", "connect_to", "deadline_s", "end_reason"),
        *("instance", "instance_header", "lane", "max_payload", "phases_ns", "source_address", "ssl_context"),
    )
    state: str
    sid: str | None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.lane = Lane(self.shared.servers)
        self.source_address: str | None = None
        self.ssl_context: ssl.SSLContext | None = None
        self.connect_to: tuple[str, int] | None = None
        """Host and port that TCP connects to; None for those of the URL, or of its proxy."""
        self.deadline_s = 0.0
        self.max_payload = 0
        """Bytes of the largest message that the server takes, as it announced; 0 if it did not."""
        self.phases_ns: Mapping[str, int] = {}
        """Durations of the last connect's phases: tcp, tls, upgrade, open, socketio. Each ends when its answer was
        received, so that the generator's own time is not included."""
        self.asked: Stopwatch | None = None
        """Runs since the CONNECT of the default namespace was sent; None once it is answered."""
        self.answered_ns = 0
        """When the answer to that CONNECT was received."""
        self.end_reason = ""
        """Why the last connection ended, in a few words."""
        self.instance_header = ""
        """Where a backend of several instances says which one answers, in lower case; empty where nobody asks."""
        self.instance = ""
        """The one that this connection is with, or was with last; empty if it did not say."""
        self._over: Event | None = None
        self._unsent: list[Stopwatch] | None = None
        """Stopwatches of the packets that wait to be sent by long-polling."""
        self._polled: Poll | None = None
        """The answer to a poll that is being handled."""

    # What python-engineio's interface promises

    def wait(self) -> None:
        """Block until the connection ends."""
        if self.current_transport == "polling":
            super().wait()
        elif self._channel is not None:
            self._over = self._over or Event()
            self._over.wait()

    def disconnect(self, abort: bool = False, reason: str | None = None) -> None:  # noqa: ARG002 - its interface
        """Say good-bye and close."""
        if self.current_transport != "websocket":
            super().disconnect(reason=reason)
            return
        if self.state == "connected":
            self._write(TEXT, b"1")
            self.state = "disconnecting"
            self._trigger_event("disconnect", reason or self.reason.CLIENT_DISCONNECT, run_async=False)
            self._write(CLOSE, b"\x03\xe8")
        self._drop()
        self._reset()
        self._set_over()

    # Connecting

    def connect(self, *arguments: Any, **options: Any) -> None:
        """Connect like `engineio.Client`, without any state of an earlier connection."""
        self.phases_ns = {}
        self._polled = self._unsent = None
        super().connect(*arguments, **options)

    def _connect_websocket(self, url: str, headers: dict[str, str], engineio_path: str) -> bool:
        upgrading = self.sid is not None
        base_url = self._get_engineio_url(url, engineio_path, "websocket")
        address = f"{base_url}&sid={self.sid}" if upgrading else base_url
        try:
            opened = open_engine(
                self.shared,
                address + self._get_url_timestamp(),
                with_cookies(headers, self.http.cookies if self.http is not None else ()),
                self.request_timeout,
                source_address=self.source_address,
                ssl_context=self._trust(),
                connect_to=self.connect_to,
                probe=upgrading,
            )
        except ConnectionError as error:
            if upgrading:
                logger.warning("no upgrade to WebSocket, polling goes on: %s", error)
                return False
            raise engineio.exceptions.ConnectionError(str(error)) from error
        # Only now: where there is no upgrade, polling goes on where it was.
        self.base_url = base_url
        self._note_instance(opened.headers)
        self._channel = opened.channel
        self._parser = opened.parser
        # An upgrade has two connections: the polling one and this.
        before_ns = self.phases_ns if upgrading else {}
        after_ns = {name: before_ns.get(name, 0) + took_ns for name, took_ns in opened.phases_ns.items()}
        self.phases_ns = {**before_ns, **after_ns}
        self.current_transport = "websocket"
        if upgrading:
            self._send_waiting()
            self._flush_polling()
        else:
            self.sid = opened.packet["sid"]
            self.upgrades = opened.packet["upgrades"]
            self.max_payload = limit_of(opened.packet)
            self.ping_interval = opened.packet["pingInterval"] / 1000
            self.ping_timeout = opened.packet["pingTimeout"] / 1000
            self.state = "connected"
            try:
                # Packets that the handler sends leave at once: the channel is there already.
                self._trigger_event("connect", run_async=False, reraise=True)
            except Exception as error:
                self._drop()
                self._reset()
                raise engineio.exceptions.ConnectionError(f"connect handler failed: {error}") from error
        self._heard()
        self.shared.watch(self)
        opened.channel.start(self.shared.poller, self._on_data, self._on_end)
        self._shorten()
        for opcode, payload in opened.messages:
            self._on_message(opcode, payload, opened.received_ns)
        return True

    def ask(self) -> None:
        """Note that the CONNECT of the default namespace is about to be sent."""
        self.asked = self.stopwatch()

    def stopwatch(self) -> Stopwatch:
        """Return a stopwatch that starts when the next packet really leaves; with long-polling, by a POST."""
        watch = Stopwatch()
        if self.current_transport == "polling":
            self._unsent = [*(self._unsent or ()), watch]
        return watch

    def _trust(self) -> ssl.SSLContext | None:
        return self.ssl_context if self.ssl_verify else insecure_context()

    def _send_waiting(self) -> None:
        """Note that the packets that waited to be sent leave now."""
        waiting, self._unsent = self._unsent, None
        for watch in waiting or ():
            watch.start()

    def answered(self) -> None:
        """Note that the CONNECT of the default namespace was answered."""
        self.answered_ns = self.received_ns
        if self.asked is not None:
            self.phases_ns = {**self.phases_ns, "socketio": self.asked.until_ns(self.received_ns)}
            self.asked = None

    def _instance_in(self, headers: Mapping[str, str]) -> str:
        return headers.get(self.instance_header, "") if self.instance_header else ""

    def _note_instance(self, headers: Mapping[str, str]) -> None:
        said = self._instance_in(headers)
        if said != self.instance:
            # One string for all of its connections.
            self.instance = sys.intern(said)
            self.look_from(said)

    def _dealt_with(self) -> None:
        polled, self._polled = self._polled, None
        if polled is not None:
            self.shared.note_poll(polled)

    def _on_polled(self, method: str, response: requests.Response) -> None:
        if method == "GET":
            stamp = stamp_of(response.raw)
            by_kernel = stamp is not None and stamp.by_kernel
            self._polled = Poll(time.time_ns() if stamp is None else stamp.received_ns, by_kernel)
            if stamp is not None and self.state != "connected":
                self.phases_ns = {"tcp": stamp.connect_ns, "open": stamp.took_ns}
            if self.state != "connected" and response.ok:
                self.max_payload = announced_limit(response.text.partition("\x1e")[0])
        if response.ok:
            self._note_instance(response.headers)
        elif knows_no_session(response.status_code, response.text):
            self.end_reason = session_fault(self.instance, self._instance_in(response.headers))

    # Receiving; all of it in the hub

    def _on_data(self, data: bytes, received_ns: int) -> None:
        """A read that the channel's short way has not taken."""
        if self._parser.idle and self._incomplete is None:
            known = self.known.reads.get(data) or self.known.learn(data)
            if known is not None and not (self.known.packed and self.handled):
                self._on_observed(*known, received_ns)
                return
        try:
            messages = self._parser.feed(data)
        except WebSocketProtocolError as error:
            for opcode, payload in error.messages:
                self._on_message(opcode, payload, received_ns)
            self._write(CLOSE, error.code.to_bytes(2, "big"))
            self.protocol_error(str(error))
            return
        self._shorten()
        several = are_several(messages, packed=self.known.packed)
        # The timestamp is that of the last segment, and so of the last message.
        earlier_ns = Coalesced(received_ns, received_ns - self.shared.poller.since_ns) if several else received_ns
        observed = 0
        for behind, (opcode, payload) in enumerate(messages, 1 - len(messages)):
            observed += self._on_message(opcode, payload, earlier_ns if behind else received_ns)
        if several:
            self.shared.coalesced += observed

    def _on_message(self, opcode: int, payload: bytes, received_ns: int) -> bool:
        """Take a message; return whether an observed event is whole with it."""
        if self._broken:
            return False
        if opcode == TEXT:
            return self._on_text(payload, received_ns)
        if opcode == BINARY:
            return self._on_binary(payload, received_ns)
        if opcode == PING:
            self._write(PONG, payload)
        elif opcode == CLOSE:
            code, reason = close_code(payload)
            self._write(CLOSE, payload[:2])
            said = f" ({reason})" if reason else ""
            self.break_off(_CLOSED if code == NO_STATUS else f"closed by the server with {code}{said}")
        return False

    def _take(self, payload: bytes) -> None:
        """A text message that is not, or not only, the observer's."""
        kind = payload[:1]
        if kind == b"2":
            self._heard()
            self._write(TEXT, b"3" + payload[1:])
        elif kind == b"4":
            try:
                text = payload[1:].decode()
            except UnicodeDecodeError as error:
                self.protocol_error(str(error))
            else:
                self._hand_on(text)
        elif kind == b"1":
            # As in the official client, it is Socket.IO's own good-bye that is for ever, not Engine.IO's.
            self.break_off(_CLOSED)
        elif kind != b"6":
            self.protocol_error(f"a packet of type {kind!r}")

    def _receive_packet(self, pkt: packet.Packet) -> None:
        """A packet from long-polling."""
        if self._broken:
            return
        if pkt.packet_type == packet.CLOSE:
            # The next poll is refused, which is how python-engineio gets to know of a lost connection.
            self.end_reason = _CLOSED
        elif pkt.packet_type != packet.MESSAGE:
            super()._receive_packet(pkt)
        elif isinstance(pkt.data, str):
            polled = self._polled or Poll(time.time_ns(), by_kernel=False)
            polled.messages += 1
            polled.observed += self._on_text(b"4" + pkt.data.encode(), polled.received_ns)
        elif pkt.binary:
            polled = self._polled or Poll(time.time_ns(), by_kernel=False)
            polled.messages += 1
            polled.observed += self._on_binary(pkt.data, polled.received_ns)
        else:
            self.protocol_error(f"a message that is no Socket.IO packet: {pkt.data!r:.40}")

    def _heard(self) -> None:
        self.deadline_s = time.monotonic() + self.ping_interval + self.ping_timeout

    # Sending

    def _send_packet(self, pkt: packet.Packet) -> None:
        if self.current_transport == "polling":
            super()._send_packet(pkt)
            return
        if self._channel is None or self.state != "connected":
            return  # as of python-engineio: whoever sends too late learns of it by the end of the connection
        encoded = pkt.encode()
        if isinstance(encoded, str):
            self._write(TEXT, encoded.encode())
        else:
            self._write(BINARY, encoded)

    def _write(self, opcode: int, payload: bytes) -> None:
        if self._channel is not None:
            self._channel.send(build_frame(opcode, payload, self.shared.key()))

    def send_half(self, text: str) -> None:
        """Send the first half of a message: what is no client's to do, but an attacker's."""
        frame = build_frame(TEXT, b"4" + text.encode(), self.shared.key())
        if self._channel is not None:
            self._channel.send(frame[: len(frame) // 2])

    # Ending

    def timed_out(self) -> None:
        """Nothing was heard for the ping's interval and time-out: the peer is gone."""
        self.break_off("no ping from the server in time")

    def break_off(self, why: str) -> None:
        """End the connection as broken, from our side."""
        self._drop()
        self._on_end(why)

    def _on_end(self, why: str) -> None:
        """The channel is gone; whoever handles that may block, and what came before it is handled before it."""
        self._channel = None
        self.shared.forget(self)
        self.end_reason = why
        self.lane.submit(self._finish)

    def _finish(self) -> None:
        # The state is still "connected" while the handler runs: python-socketio reconnects only then.
        if self.state == "connected":
            self._trigger_event("disconnect", self.reason.TRANSPORT_ERROR, run_async=False)
            self._reset()
        self._set_over()

    def _drop(self) -> None:
        self.shared.forget(self)
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _set_over(self) -> None:
        if self._over is not None:
            self._over.set()
            self._over = None
