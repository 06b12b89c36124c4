"""The whole reference backend as one ASGI application."""

from __future__ import annotations

import itertools
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from engineio.packet import packet_names
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from lab.reference_backend import assembly
from lab.reference_backend.database import Database
from lab.reference_backend.errors import HttpError, on_crash, on_http_error, on_no_route
from lab.reference_backend.throttle import Throttle
from loadtest.backends.prometheus import contract

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from random import Random

    from lab.reference_backend.agent_options import AgentOptions
    from lab.reference_backend.injection import Injector
    from lab.reference_backend.profile import Profile
    from lab.reference_backend.tokens import Keys

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

_UNSUPPORTED = json.dumps({"code": 5, "message": "Unsupported protocol version"}).encode()
_UNKNOWN_SESSION = json.dumps({"code": 1, "message": "Session ID unknown"}).encode()
_INSTANCE = contract.INSTANCE_HEADER.lower().encode()
_HEADS = frozenset(("http.response.start", "websocket.accept", "websocket.http.response.start"))
_PACKET_TYPES = frozenset(str(number) for number in range(len(packet_names)))


class Application:
    """Dispatches between Socket.IO and REST.

    :param profile: how the backend behaves.
    :param throttle_limit: overrides the profile's throttle; 0 switches it off.
    :param keys: of the tokens.
    :param database_url: a libpq URL.
    :param random: makes the backend's chance repeatable.
    :param agents: how agents work, where the profile has them.
    :param injector: makes faults on purpose.
    :param on_ready: called when the database is open and requests are answered.
    :param breakable: whether it may be told to do wrong, see `breakages`; makes no faults then.
    :param instance: what this process calls itself, in each answer's `X-Instance`; empty if it is the only one.
    :param redis_url: what it shares its rooms by with other instances; empty if it is the only one.
    """

    def __init__(
        self,
        profile: Profile,
        throttle_limit: int,
        keys: Keys,
        database_url: str,
        random: Random,
        agents: AgentOptions,
        injector: Injector | None = None,
        on_ready: Callable[[], None] = lambda: None,
        *,
        breakable: bool = False,
        instance: str = "",
        redis_url: str = "",
    ) -> None:
        self._headers = [(_INSTANCE, instance.encode())] if instance else []
        self._on_ready = on_ready
        self._injector = injector
        self._connections = itertools.count()
        self._database = Database(database_url)
        throttle = Throttle(throttle_limit)
        if breakable:
            parts = assembly.breakable(profile, throttle, keys, self._database, random, agents)
        else:
            parts = assembly.good(profile, throttle, keys, self._database, random, agents, injector, redis_url)
        self._orchestrator = parts.orchestrator
        self._server = parts.realtime.server
        self._engine = self._server.eio
        self._rest = Starlette(
            routes=parts.rest.routes(),
            lifespan=self._lifespan,
            exception_handlers={HttpError: on_http_error, HTTPException: on_no_route, Exception: on_crash},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if self._headers:
            send = self._named(send)
        if scope["type"] != "lifespan" and scope["path"].startswith(contract.SOCKETIO_PATH):
            if not _speaks_version_4(scope):
                await _refuse(scope, send, _UNSUPPORTED)
            elif (sid := _session_of(scope)) is not None and sid not in self._engine.sockets:
                await _refuse(scope, send, _UNKNOWN_SESSION)
            elif scope["type"] == "websocket":
                await self._websocket(scope, receive, send)
            else:
                await self._engine.handle_request(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            await self._rest(scope, receive, send)  # type: ignore[arg-type]

    def _named(self, send: Send) -> Send:
        """Sends with the name of this instance."""

        async def with_name(message: dict[str, Any]) -> None:
            if message["type"] in _HEADS:
                message["headers"] = [*message.get("headers", ()), *self._headers]
            await send(message)

        return with_name

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One WebSocket: a packet of no known type closes it, and a close carries no code, as on node."""
        connection = next(self._connections)

        async def checked() -> dict[str, Any]:
            message = await receive()
            while message.get("text") == "2probe" and self._server.ignores_probes():
                message = await receive()
            text = message.get("text")
            if message["type"] == "websocket.receive" and text is not None and text[:1] not in _PACKET_TYPES:
                await send({"type": "websocket.close", "code": None})
                return {"type": "websocket.disconnect", "code": 1005}
            return message

        async def without_code(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.close":
                message["code"] = None
            await send(message)
            if self._injector is not None and self._injector.logs_sends and "text" in message:
                self._injector.sent(connection, message["text"], time.time_ns())

        await self._engine.handle_request(scope, checked, without_code)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        await self._database.open()
        self._on_ready()
        try:
            yield
        finally:
            await self._orchestrator.close()
            await self._engine.shutdown()
            await self._database.close()


def _speaks_version_4(scope: Scope) -> bool:
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    return "sid" in query or query.get("EIO") == [str(contract.ENGINEIO_VERSION)]


def _session_of(scope: Scope) -> str | None:
    return parse_qs(scope.get("query_string", b"").decode("latin-1")).get("sid", [None])[0]


async def _refuse(scope: Scope, send: Send, body: bytes) -> None:
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    headers = [(b"content-type", b"application/json")]
    await send({"type": f"{kind}.start", "status": 400, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
