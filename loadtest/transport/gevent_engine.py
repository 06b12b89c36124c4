"""python-engineio's client with gevent's primitives, and without a queue where none is needed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import engineio
import gevent
import requests
from engineio import base_client, packet, payload
from gevent.event import Event
from gevent.queue import Empty, JoinableQueue

from loadtest.transport.stamped_http import ON_SEND, stamped_session

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable


class _NoQueue:
    """Stands for the queue of packets of a connection that does not poll."""

    def get_nowait(self) -> None:
        raise Empty


MOST_PACKETS_A_POLL: Final = 100_000

NO_QUEUE: Final = _NoQueue()


class GeventEngine(engineio.Client):
    """Long-polling is python-engineio's own; what it asks its subclasses for is here."""

    http: requests.Session | None
    ssl_context: ssl.SSLContext | None
    connect_to: tuple[str, int] | None

    def create_queue(self, *_args: Any, **_kwargs: Any) -> Any:
        """None until long-polling needs one."""
        return NO_QUEUE

    def get_queue_empty_exception(self) -> type[Exception]:
        """As of gevent's queues."""
        return Empty

    def create_event(self, *_args: Any, **_kwargs: Any) -> Event:
        """Of gevent."""
        return Event()

    def start_background_task(self, target: Callable[..., Any], *args: Any, **kwargs: Any) -> gevent.Greenlet:
        """A greenlet."""
        return gevent.spawn(target, *args, **kwargs)

    def sleep(self, seconds: float = 0) -> None:
        """Of gevent."""
        gevent.sleep(seconds)

    def disconnect(self, abort: bool = False, reason: str | None = None) -> None:  # noqa: ARG002 - its interface
        """Say good-bye and close, without waiting."""
        if self.state == "connected":
            # The writing task takes this one along; python-engineio would then wait for a poll to come back,
            # which some servers let hang until their ping's time-out.
            self._send_packet(packet.Packet(packet.CLOSE))
            self.sleep(0)
        super().disconnect(abort=True, reason=reason)

    def _connect_polling(self, url: str, headers: dict[str, str], engineio_path: str) -> Any:
        self.queue = JoinableQueue()
        # Its default guards servers; a client that polls gets whole bursts of broadcasts at once.
        payload.Payload.max_decode_packets = MOST_PACKETS_A_POLL
        return super()._connect_polling(url, headers, engineio_path)

    def _send_request(self, method: str, *arguments: Any, **options: Any) -> Any:
        if self.http is None:
            self.http = stamped_session(self._trust(), self.connect_to)
        if method == "POST":
            ON_SEND.set(self._send_waiting)
        else:
            self._dealt_with()
        response = super()._send_request(method, *arguments, **options)
        ON_SEND.set(None)
        if isinstance(response, requests.Response):
            self._on_polled(method, response)
        return response

    def _trust(self) -> ssl.SSLContext | None:
        """Return what TLS connections are checked by."""
        raise NotImplementedError

    def _send_waiting(self) -> None:
        """Note that the packets that waited to be sent leave now."""
        raise NotImplementedError

    def _dealt_with(self) -> None:
        """Note that the answer to the last poll was handled."""
        raise NotImplementedError

    def _on_polled(self, method: str, response: requests.Response) -> None:
        """The server answered a request of long-polling."""
        raise NotImplementedError

    def _write_loop(self) -> None:
        # The poll goes first, on the connection that is open. Else it needs a new one, and the server, which
        # answers by the poll, has to wait for that: the time of our handshake would count as the server's.
        gevent.sleep(0)
        super()._write_loop()
        if self.state != "connected" or self.current_transport != "polling":
            return
        # What the server does not take ends the connection. python-engineio would notice it when the poll that is
        # under way comes back, and the official server lets that hang until its next ping.
        if self.read_loop_task is not None:
            self.read_loop_task.kill(block=False)
        self._trigger_event("disconnect", self.reason.TRANSPORT_ERROR, run_async=False)
        with suppress(ValueError):
            base_client.connected_clients.remove(self)
        self._reset()

    def _flush_polling(self) -> None:
        while not self.queue.empty():
            self._send_packet(self.queue.get_nowait())
        self.queue = NO_QUEUE
