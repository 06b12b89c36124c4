"""The Socket.IO side: handshake, rooms and broadcasts, with the answers of each profile."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jwt
import socketio
from socketio import packet

from lab.reference_backend.javascript import UNDEFINED, js_string
from lab.reference_backend.lateness import Lateness
from loadtest.backends.prometheus import contract

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from lab.reference_backend.database import Database
    from lab.reference_backend.injection import Injector
    from lab.reference_backend.profile import Profile
    from lab.reference_backend.tokens import Tokens

logger = logging.getLogger(__name__)

_FLUSH_S = 0.05
CONNECT_TIMEOUT_S = 45
"""A client that opens a connection and joins no namespace is closed after this time."""


class _Json:
    """JSON as node writes it: no spaces, UTF-8 left as it is."""

    dumps = staticmethod(functools.partial(json.dumps, ensure_ascii=False, separators=(",", ":")))
    loads = staticmethod(json.loads)


class Server(socketio.AsyncServer):
    """python-socketio's server with the manners of Socket.IO 4.8 on node where the two differ."""

    tolerates: Callable[[], bool] = staticmethod(lambda: False)
    """Whether a malformed packet is ignored, which a good backend does not."""
    ignores_namespaces: Callable[[], bool] = staticmethod(lambda: False)
    swallows: Callable[[str, int], Awaitable[bool]] | None = None
    """Told of each message (Engine.IO's session, bytes); whether it took it, which a good backend does not."""
    ignores_probes: Callable[[], bool] = staticmethod(lambda: False)
    """Whether the probe of an upgrade is not answered."""

    def __init__(self, redis_url: str = "") -> None:
        super().__init__(
            # Broadcasts of one instance reach the members that are on others.
            client_manager=socketio.AsyncRedisManager(redis_url) if redis_url else None,
            async_mode="asgi",
            cors_allowed_origins="*",
            ping_interval=contract.PING_INTERVAL_MS / 1000,
            ping_timeout=contract.PING_TIMEOUT_MS / 1000,
            max_http_buffer_size=contract.MAX_PAYLOAD_BYTES,
            http_compression=False,
            json=_Json,
            # Events of one socket are handled in their order of arrival.
            async_handlers=False,
        )
        self._openings: dict[str, asyncio.TimerHandle] = {}

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> Any:
        loop = asyncio.get_running_loop()
        self._openings[eio_sid] = loop.call_later(CONNECT_TIMEOUT_S, self._close_soon, eio_sid)
        return await super()._handle_eio_connect(eio_sid, environ)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        self._opened(eio_sid)
        await super()._handle_eio_disconnect(eio_sid, reason)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        if self.swallows is not None and await self.swallows(eio_sid, len(data) + isinstance(data, str)):
            return
        try:
            await super()._handle_eio_message(eio_sid, data)
        except Exception as error:  # noqa: BLE001 - whatever the parser chokes on, node closes the connection
            logger.debug("malformed packet from %s: %s", eio_sid, error)
            if not self.tolerates():
                await self.close_transport(eio_sid)

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        if (namespace or "/") != contract.NAMESPACE:
            if self.ignores_namespaces():
                return
            refusal = {"message": "Invalid namespace"}
            await self._send_packet(
                eio_sid, self.packet_class(packet.CONNECT_ERROR, data=refusal, namespace=namespace)
            )
            return
        self._opened(eio_sid)
        await super()._handle_connect(eio_sid, namespace, data)

    def _opened(self, eio_sid: str) -> None:
        if (timer := self._openings.pop(eio_sid, None)) is not None:
            timer.cancel()

    def _close_soon(self, eio_sid: str) -> None:
        self.start_background_task(self.close_transport, eio_sid)

    async def close_transport(self, eio_sid: str) -> None:
        """Close a WebSocket at once; python-engineio by itself only asks the client to do so."""
        environ = self.environ.get(eio_sid, {})
        if environ.get("asgi.scope", {}).get("type") == "websocket":
            await environ["asgi.send"]({"type": "websocket.close"})
        else:
            await self.eio.disconnect(eio_sid)


class Realtime:
    """The gateway: which events are heard, who may join what, and what is answered."""

    def __init__(
        self,
        profile: Profile,
        tokens: Tokens,
        database: Database,
        injector: Injector | None = None,
        redis_url: str = "",
    ) -> None:
        self.server = Server(redis_url)
        self._profile = profile
        self._tokens = tokens
        self._database = database
        self._injector = injector
        self._lateness = Lateness(self.server.emit)
        self._to_be_cut: set[str] = set()
        # An event that nobody handles gets no ack, and neither does any event of a build without acks.
        self._no_ack = self.server.not_handled
        self.server.on("connect", self._connect)
        self._on(contract.JOIN, self._join)
        if profile.leaves_rooms:
            self._on(contract.LEAVE, self._leave)
        if profile.answers_ping:
            self._on(contract.PING, self._ping)

    def _on(self, event: str, handler: Callable[..., Coroutine[Any, Any, Any]]) -> None:
        async def handle(sid: str, *arguments: Any) -> Any:
            answer = await handler(sid, arguments[0] if arguments else UNDEFINED)
            return answer if self._acks(sid) else self._no_ack

        self.server.on(event, handle)

    def _acks(self, _sid: str) -> bool:
        return self._profile.sends_acks

    async def broadcast(self, project_id: str, event: str, payload: dict[str, Any]) -> None:
        """Send one event to every member of a project's room."""
        if self._injector is None:
            await self.server.emit(event, payload, room=project_id)
            return
        # With faults, every member is sent to by itself.
        manager = self.server.manager
        members = [sid for sid, _ in manager.get_participants(contract.NAMESPACE, project_id)]
        inside = set(members)
        others = [sid for sid, _ in manager.get_participants(contract.NAMESPACE, None) if sid not in inside]
        self._injector.made(project_id, event, payload, len(members), time.time_ns())
        self._lateness.stop_once(self._injector.faults.stop)
        self._cut_later(project_id, self._injector)
        now_s = time.monotonic()
        for delivery in self._injector.deliveries(project_id, members, others, event, payload, now_s):
            await self._lateness.send(event, delivery)

    def _cut_later(self, project_id: str, injector: Injector) -> None:
        """From the first broadcast of a room on, count the time to when one of its members is cut off."""
        if injector.faults.cut.member and project_id not in self._to_be_cut:
            self._to_be_cut.add(project_id)
            self.server.start_background_task(self._cut, project_id, injector)

    async def _cut(self, project_id: str, injector: Injector) -> None:
        await asyncio.sleep(injector.faults.cut.after_s)
        manager = self.server.manager
        sid = injector.cut(
            project_id, [sid for sid, _ in manager.get_participants(contract.NAMESPACE, project_id)]
        )
        if sid is not None:
            eio_sid = manager.eio_sid_from_sid(sid, contract.NAMESPACE)
            await self.server.leave_room(sid, project_id)
            # What is on its way to the member leaves before its connection is closed.
            await asyncio.sleep(_FLUSH_S)
            await self.server.close_transport(eio_sid)

    async def _joined(self, sid: str, room: str) -> None:
        """Send again what somebody missed that was cut off."""
        if self._injector is not None:
            session = await self.server.get_session(sid)
            for missed in self._injector.joined(room, session["connected_s"]):
                await self.server.emit(missed.event, missed.payload, to=sid)

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        user_id = None
        nobody = False
        token = self._tokens.keys.find(auth, environ)
        if self._profile.checks_tokens and token is not None:
            try:
                user_id = self._tokens.verify(token).get("id")
                nobody = user_id is None
            except jwt.InvalidTokenError as error:
                raise socketio.exceptions.ConnectionRefusedError(f"Unauthorized: {error}") from error
        await self.server.save_session(
            sid, {"user_id": user_id, "connected_s": time.monotonic(), "nobody": nobody}
        )

    async def _join(self, sid: str, project_id: Any) -> str | None:
        if self._profile.checks_rooms:
            if (refusal := await self._refusal(sid, project_id)) is not None:
                await self._refuse(sid, refusal)
                return None
            await self.server.enter_room(sid, project_id)
            await self._joined(sid, project_id)
        else:
            for room in project_id if isinstance(project_id, list) else [project_id]:
                # Only a string can be the name of a project's room; other keys are rooms nobody sends to.
                await self.server.enter_room(sid, room if isinstance(room, str) else ("raw", js_string(room)))
                await self._joined(sid, str(room))
        answer = self._profile.joined_prefix + js_string(project_id)
        await self.server.emit(contract.JOINED, answer, to=sid)
        return answer

    async def _refusal(self, sid: str, project_id: Any) -> str | None:
        """Why a socket may not join a room, or None if it may."""
        session = await self.server.get_session(sid)
        if session["user_id"] is None:
            return "Unauthorized: guests may join no project room"
        try:
            key = UUID(project_id)
        except (ValueError, AttributeError, TypeError):
            return f"Invalid project id: {js_string(project_id)}"
        row = await self._database.fetch_one('SELECT "userId" FROM projects WHERE id = %s', [key])
        if row is None:
            return f"Project {project_id} not found"
        if str(row["userId"]) != session["user_id"]:
            return f"Forbidden: project {project_id} belongs to somebody else"
        return None

    async def _leave(self, sid: str, project_id: Any) -> str | None:
        if not isinstance(project_id, str):
            await self._refuse(sid, f"Invalid project id: {js_string(project_id)}")
            return None
        await self.server.leave_room(sid, project_id)
        answer = contract.LEFT_PREFIX + project_id
        await self.server.emit(contract.LEFT, answer, to=sid)
        return answer

    async def _ping(self, sid: str, payload: Any) -> Any:
        echo = None if payload is UNDEFINED else payload
        await self.server.emit(contract.PONG, echo, to=sid)
        return echo

    async def _refuse(self, sid: str, message: str) -> None:
        await self.server.emit(contract.EXCEPTION, {"status": "error", "message": message}, to=sid)
