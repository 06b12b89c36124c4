"""python-socketio's client on the event-driven Engine.IO transport: thousands of them in one process.

Its documented interface works unchanged. Beside it, an observer may see chosen events as raw frames, in their
order of arrival, before anybody decodes them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import socketio
from socketio import packet
from socketio.msgpack_packet import MsgPackPacket

from loadtest.transport.all_events import AllEvents
from loadtest.transport.engine import EngineIOClient

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable

    from loadtest.transport.all_events import AnyEvent
    from loadtest.transport.observer import Observer


class SocketIOClient(socketio.Client):
    """See the module.

    :param source_address: the local address to leave from; None for the system's choice.
    :param ssl_context: for wss; None for the system's trust.
    :param connect_to: host and port that TCP connects to; None for those of the URL, or of its proxy.
    :param instance_header: where the server says which of its instances it is; empty if nobody wants to know.
    :param options: as for `socketio.Client`. `handle_sigint` is off: Ctrl-C belongs to the program.
    """

    _binary_packet: Any
    _refusals: tuple[str, ...] = ()
    _reconnect_abort: Any
    namespaces: dict[str, str | None]
    reconnection: bool
    patience_s: float = 1.0
    """How long a connect may take from Engine.IO's opening to the namespaces' answers; that of the last one."""
    recovered = False
    """Whether the server has restored the session of the connection before, with its rooms."""
    on_recovered: Callable[[], None] | None = None
    """Called in the hub when it has: behind what was sent again, before what follows. It must not block."""
    on_reconnect: Callable[[int, str], None] | None = None
    """Called after each attempt to connect again: (started_ns, why it failed; empty if it did not)."""
    event_received_ns = 0
    """Receive time of the event whose handlers run; valid in a handler until it first waits."""
    _all_events: AllEvents | None = None
    """The listeners of all events; None if there are none."""
    ack_received_ns = 0
    """Receive time of the last acknowledgement."""
    _reconnecting = False
    _stopping = False
    _thrown_out = False

    def __init__(
        self,
        source_address: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        instance_header: str = "",
        connect_to: tuple[str, int] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**{"handle_sigint": False, **options})
        if source_address is not None:
            self.eio.source_address = source_address
        if ssl_context is not None:
            self.eio.ssl_context = ssl_context
        self.eio.connect_to = connect_to
        if instance_header:
            self.eio.instance_header = instance_header.lower()

    def connect(self, *arguments: Any, **options: Any) -> None:
        """As of `socketio.Client`; a connection that was lost before this returns counts as not made.

        :raises socketio.exceptions.ConnectionError: with the phase and the reason.
        """
        started_ns = time.time_ns()
        # python-socketio swallows why an attempt to connect again failed, and with it the attempt.
        tell = self.on_reconnect if self._reconnecting else None
        try:
            self._connect(*arguments, **options)
        except (socketio.exceptions.ConnectionError, ValueError) as error:
            if tell is not None:
                tell(started_ns, str(error))
            raise
        if tell is not None:
            tell(started_ns, "")

    def _connect(self, *arguments: Any, **options: Any) -> None:
        # python-socketio would give a connection that it makes again no more than a second.
        self.patience_s = options.setdefault("wait_timeout", self.patience_s)
        self.eio.end_reason = ""
        self._refusals = ()
        self.recovered = self._thrown_out = self._stopping = False
        try:
            super().connect(*arguments, **options)
        except socketio.exceptions.ConnectionError as error:
            if self.eio.end_reason:
                raise socketio.exceptions.ConnectionError(
                    f"lost before the namespace was joined: {self.eio.end_reason}"
                ) from error
            if error.__cause__ is not None:
                raise
            said = ", ".join(self._refusals) or "the namespace was not answered in time"
            raise socketio.exceptions.ConnectionError(said) from error
        if self.eio.state != "connected" or self._thrown_out:
            # python-socketio does not look again, and would take itself for connected for ever.
            reason = self.reason.SERVER_DISCONNECT if self._thrown_out else self.eio.end_reason
            self.connected = False
            self.namespaces = {}
            if self._thrown_out:
                self.eio.disconnect()
                if self._reconnecting:
                    # As a client that has been back for longer, it is not to come again.
                    self._reconnect_abort.set()
            raise socketio.exceptions.ConnectionError(f"lost at once: {reason}")

    def shutdown(self) -> None:
        """As of `socketio.Client`, also while attempts to connect again are about to begin, or to succeed."""
        self._stopping = True
        if self._reconnect_task is not None and self._reconnect_abort is None:
            self._reconnect_abort = self.eio.create_event()
        super().shutdown()
        if self.connected:
            self.disconnect()

    def _handle_reconnect(self) -> None:
        """Connect again until that succeeds or is given up; later losses begin anew in both cases."""
        self._reconnecting = True
        try:
            if not self._stopping:
                super()._handle_reconnect()
        finally:
            self._reconnecting = False
            self._reconnect_task = None

    def _handle_eio_disconnect(self, reason: str) -> None:
        """As of python-socketio; but a connect that failed is for its caller to repeat."""
        reconnection = self.reconnection
        self.reconnection = reconnection and self.connected
        if not self.connected and self._connect_event is not None:
            # `connect` need not wait for answers that cannot come any more.
            self.failed_namespaces = [name for name in self.connection_namespaces if name not in self.namespaces]
            self._connect_event.set()
        try:
            super()._handle_eio_disconnect(reason)
        finally:
            self.reconnection = reconnection

    def _handle_disconnect(self, namespace: str | None) -> None:
        """As of python-socketio, which ignores a DISCONNECT that comes before `connect` has returned."""
        if not self.connected:
            self._thrown_out = True
        super()._handle_disconnect(namespace)

    def observe(self, observer: Observer, events: Iterable[str], member: int = 0) -> None:
        """Show the named events of the default namespace to an observer.

        An observed event goes on to python-socketio only if somebody handles it.

        :param member: the observer's own number for this connection.
        """
        self.eio.observe(observer, events, member, packed=issubclass(self.packet_class, MsgPackPacket))
        self._note_handled()

    def on(self, event: str, handler: Any = None, namespace: str | None = None) -> Any:
        """As of `socketio.Client`."""
        if handler is None:
            return lambda given: self.on(event, given, namespace)
        super().on(event, handler, namespace)
        self._note_handled()
        return handler

    def on_any(self, hear: Callable[[AnyEvent], object]) -> Callable[[], None]:
        """Have every event and acknowledgement heard from now on, in both directions, handled or not.

        Events are told in the order of arrival, each before its handlers run; one that is sent, just before it
        leaves. An acknowledgement may be told before events that came earlier and whose handlers still run.

        :param hear: may block, which holds up the handlers of this connection; an error in it is logged.
        :returns: a function that ends it.
        """
        if self._all_events is None:
            self._all_events = AllEvents()
            self._note_handled()
        hearers = self._all_events.hearers
        hearers.append(hear)

        def end() -> None:
            if hear in hearers:
                hearers.remove(hear)
            if not hearers:
                self._all_events = None
                self._note_handled()

        return end

    def register_namespace(self, namespace_handler: Any) -> None:
        """As of `socketio.Client`."""
        super().register_namespace(namespace_handler)
        self._note_handled()

    def _note_handled(self) -> None:
        """Tell the transport which observed events somebody handles, so that it does not ask for each frame."""
        all_events = self._all_events is not None or self._get_namespace_handler("/", ())[0] is not None
        self.eio.handle(
            event
            for event in self.eio.known.events
            if all_events or self._get_event_handler(event, "/", ())[0] is not None
        )

    def _handle_eio_connect(self) -> None:
        """As of python-socketio, but for what lets the server recover the session."""
        self.sid = self.eio.sid
        auth = self._get_real_value(self.connection_auth) or {}
        for namespace in self.connection_namespaces:
            data = self.eio.recovery.present(auth) if namespace == "/" else auth
            if namespace == "/":
                self.eio.ask()
            self._send_packet(self.packet_class(packet.CONNECT, data=data, namespace=namespace))

    def _handle_error(self, namespace: str, data: Any) -> None:
        said = data.get("message", data) if isinstance(data, dict) else data
        self._refusals += (f"{namespace or '/'} was refused: {said}",)
        super()._handle_error(namespace, data)

    def _handle_eio_message(self, data: str | bytes) -> None:
        """A packet arrived: decode it here, in the hub; what it sets off runs in the connection's lane.

        Answers to our own calls take a lane of their own: a handler that waits for one must not be in its way.
        """
        try:
            whole = self._assemble(data)
        except Exception as error:  # noqa: BLE001 - whatever the parser chokes on is the server's fault
            self.eio.protocol_error(str(error))
            return
        if whole is None:
            return
        lane = self.eio.lane
        kind = whole.packet_type
        if kind in (packet.EVENT, packet.BINARY_EVENT):
            lane.submit(self._handle_received, self.eio.received_ns, whole, self._without_offset(whole))
        elif kind in (packet.ACK, packet.BINARY_ACK):
            self.ack_received_ns = self.eio.received_ns
            lane.alone(self._handle_answer, self.eio.received_ns, whole)
        elif kind == packet.CONNECT:
            self._note_recovery(whole.namespace, whole.data)
            lane.submit(self._handle_connect, whole.namespace, whole.data)
        elif kind == packet.DISCONNECT:
            lane.submit(self._handle_disconnect, whole.namespace)
        elif kind == packet.CONNECT_ERROR:
            lane.submit(self._handle_error, whole.namespace, whole.data)

    def _handle_received(self, received_ns: int, event: Any, data: Any) -> None:
        if self._all_events is not None:
            self._all_events.received(event, data, received_ns)
        self.event_received_ns = received_ns
        self._handle_event(event.namespace, event.id, data)

    def _handle_answer(self, received_ns: int, ack: Any) -> None:
        if self._all_events is not None:
            self._all_events.received(ack, ack.data, received_ns)
        self._handle_ack(ack.namespace, ack.id, ack.data)

    def _send_packet(self, pkt: Any) -> None:
        if self._all_events is not None:
            self._all_events.sent(pkt, time.time_ns())
        super()._send_packet(pkt)

    def _note_recovery(self, namespace: str | None, answer: Any) -> None:
        if namespace in (None, "/"):
            self.eio.answered()
            self.recovered = self.eio.state_told(answer)
            if self.recovered and self.on_recovered is not None:
                self.on_recovered()

    def _without_offset(self, event: Any) -> Any:
        """An event's name and arguments; one that wants to be acknowledged never has an offset."""
        own = event.id is None and event.namespace in (None, "/")
        return self.eio.recovery.strip(event.data) if own else event.data

    def _assemble(self, data: str | bytes) -> Any:
        """The packet that is whole with this message, or None while attachments are missing."""
        if self._binary_packet is not None:
            waiting = self._binary_packet
            if not waiting.add_attachment(data):
                return None
            self._binary_packet = None
            return waiting
        received = self.packet_class(encoded_packet=data)
        # No server announces a binary packet without attachments. The official client took it for whole, and broke
        # at the next packet; since socket.io-parser 4.2.7 it refuses it. Here it is whole.
        if received.packet_type in (packet.BINARY_EVENT, packet.BINARY_ACK) and received.attachment_count > 0:
            self._binary_packet = received
            return None
        return received

    def _engineio_client_class(self) -> type[EngineIOClient]:
        return EngineIOClient
