"""`python -m examples.chat.server PORT`: a small chat that knows nothing of load tests; docs/another-backend.md.

`--forgets N`: it never sends each N-th message; a fault to be found.
"""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from typing import TYPE_CHECKING

import socketio
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request


def chat(forgets: int) -> socketio.ASGIApp:
    """The application."""
    server = socketio.AsyncServer(async_mode="asgi")
    numbers = itertools.count(1)
    counts: Counter[str] = Counter()

    @server.event
    async def join(sid: str, room: str) -> None:
        await server.enter_room(sid, room)
        await server.emit("welcome", {"room": room}, to=sid)

    @server.event
    async def leave(sid: str, room: str) -> None:
        await server.leave_room(sid, room)
        await server.emit("bye", {"room": room}, to=sid)

    async def root(_: Request) -> JSONResponse:
        return JSONResponse({"chat": "a small one"})

    async def say(request: Request) -> JSONResponse:
        room = request.path_params["room"]
        text = (await request.json())["text"]
        number = next(numbers)
        message_id = f"m{number}"
        counts[room] += 1
        if not forgets or number % forgets:
            await server.emit("message", {"room": room, "id": message_id, "text": text}, to=room)
        await server.emit("counted", {"room": room, "id": message_id, "messages": counts[room]}, to=room)
        return JSONResponse({"id": message_id}, status_code=201)

    routes = [Route("/", root), Route("/rooms/{room}/messages", say, methods=["POST"])]
    return socketio.ASGIApp(server, Starlette(routes=routes))


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m examples.chat.server", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--forgets", type=int, default=0, metavar="N")
    options = parser.parse_args()
    uvicorn.run(chat(options.forgets), host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
