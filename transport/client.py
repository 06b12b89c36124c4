"""python-socketio's client on the event-driven Engine.IO transport: thousands of them in one process.

Its documented interface works unchanged. Beside it, an observer may see chosen events as raw frames, in their
order of arrival, before anybody decodes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import socketio
from socketio import packet
from socketio.msgpack_packet import MsgPackPacket

from .engine import EngineIOClient

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable

    from .observer import Observer


class SocketIOClient(socketio.Client):
    """See the module.

    :param source_address: the local address to leave from; None for the system's choice.
    :param ssl_context: for wss; None for the system's trust.
    :param instance_header: where the server says which of its instances it is; empty if nobody wants to know.
    :param options: as for `socketio.Client`. `handle_sigint` is off: Ctrl-C belongs to the program.
    """

    _binary_packet: Any
    _refusals: tuple[str, ...] = ()
    namespaces: dict[str, str | None]
    patience_s: float = 1.0
    """How long a connect may take from Engine.IO's opening to the namespaces' answers; that of the last one."""
    recovered = False
    """Whether the server has restored the session of the connection before, with its rooms."""
    on_recovered: Callable[[], None] | None = None
    """Called in the hub when it has: behind what was sent again, before what follows. It must not block."""

    def __init__(
        self,
        source_address: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        instance_header: str = "",
        **options: Any,
    ) -> None:
        super().__init__(**{"handle_sigint": False, **options})
        if source_address is not None:
            self.eio.source_address = source_address
        if ssl_context is not None:
            self.eio.ssl_context = ssl_context
        if instance_header:
            self.eio.instance_header = instance_header.lower()

    def connect(self, *arguments: Any, **options: Any) -> None:
        """As of `socketio.Client`; a connection that was lost before this returns counts as not made.

        :raises socketio.exceptions.ConnectionError: with the phase and the reason.
        """
        # python-socketio would give a connection that it makes again no more than a second.
        self.patience_s = options.setdefault("wait_timeout", self.patience_s)
        self.eio.end_reason = ""
        self._refusals = ()
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
        if self.eio.state != "connected":
            # python-socketio does not look again, and would take itself for connected for ever.
            self.connected = False
            self.namespaces = {}
            raise socketio.exceptions.ConnectionError(f"lost at once: {self.eio.end_reason}")

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

    def register_namespace(self, namespace_handler: Any) -> None:
        """As of `socketio.Client`."""
        super().register_namespace(namespace_handler)
        self._note_handled()

    def _note_handled(self) -> None:
        """Tell the transport which observed events somebody handles, so that it does not ask for each frame."""
        all_events = self._get_namespace_handler("/", ())[0] is not None
        self.eio.handle(
            event
            for event in self.eio.known.observed.values()
            if all_events or self._get_event_handler(event, "/", ())[0] is not None
        )

    def _handle_eio_connect(self) -> None:
        """As of python-socketio, but for what lets the server recover the session."""
        self.sid = self.eio.sid
        auth = self._get_real_value(self.connection_auth) or {}
        for namespace in self.connection_namespaces:
            data = self.eio.recovery.present(auth) if namespace == "/" else auth
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
            self.eio.break_off(f"protocol error of the server: {error}")
            return
        if whole is None:
            return
        lane = self.eio.lane
        kind = whole.packet_type
        if kind in (packet.EVENT, packet.BINARY_EVENT):
            lane.submit(self._handle_event, whole.namespace, whole.id, self._without_offset(whole))
        elif kind in (packet.ACK, packet.BINARY_ACK):
            lane.alone(self._handle_ack, whole.namespace, whole.id, whole.data)
        elif kind == packet.CONNECT:
            self._note_recovery(whole.namespace, whole.data)
            lane.submit(self._handle_connect, whole.namespace, whole.data)
        elif kind == packet.DISCONNECT:
            lane.submit(self._handle_disconnect, whole.namespace)
        elif kind == packet.CONNECT_ERROR:
            lane.submit(self._handle_error, whole.namespace, whole.data)

    def _note_recovery(self, namespace: str | None, answer: Any) -> None:
        if namespace in (None, "/"):
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
        if received.packet_type in (packet.BINARY_EVENT, packet.BINARY_ACK) and received.attachment_count > 0:
            self._binary_packet = received
            return None
        return received

    def _engineio_client_class(self) -> type[EngineIOClient]:
        return EngineIOClient
