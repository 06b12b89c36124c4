"""`python -m tests.scenarios.agent_server PORT HABIT RSS`: a backend whose agents work for seconds, like Docker's.

A PATCH changes a task's status. The habit decides whether it is broadcast.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import socketio
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from loadtest.backends.prometheus import contract

if TYPE_CHECKING:
    from starlette.requests import Request

WORKS_S = 3.2
"""How long an agent works, in seconds: longer than an earlier version of the probe waited for its end."""
LATE_S = 3.4
SLOW_BEAT_S = 0.9


class Habit(StrEnum):
    """The broadcasts in addition to the agents' own events."""

    TELLS = "tells each PATCH"
    TELLS_RESTARTING = "tells each PATCH, and runs a task again that is made PENDING"
    SILENT = "tells no PATCH"
    WORKS_WITHOUT_AGENT = "tells no PATCH, and works for seconds on every task"
    COMPLETES_LATE = "tells no PATCH, and completes every task out of the blue"
    RUNS = "tells no PATCH, and runs the task once more instead"
    BEATS = "tells no PATCH, and the status of every task now and then"
    BEATS_FAST = "tells no PATCH, and the status of every task all the time"
    TELLS_ONE = "tells the first PATCH alone"
    TELLS_ANOTHER = "tells each PATCH with another task's id"


_TELLS = {Habit.TELLS, Habit.TELLS_RESTARTING, Habit.TELLS_ONE, Habit.TELLS_ANOTHER}
_BEATS = {Habit.BEATS: SLOW_BEAT_S, Habit.BEATS_FAST: 0.1}


class Backend:
    """The application."""

    def __init__(self, habit: Habit, rss: str) -> None:
        self._habit = habit
        self._rss = rss
        self._server = socketio.AsyncServer(async_mode="asgi")
        self._server.on(contract.JOIN, self._join)
        self._server.eio.on("message", self._message)
        self._running: set[asyncio.Task[None]] = set()
        self._beating: list[dict[str, str]] = []
        self._patched = 0

    def app(self) -> socketio.ASGIApp:
        tasks = contract.tasks_path("{pid}")
        routes = [
            Route(tasks, self._create, methods=["POST"]),
            Route(f"{tasks}/{{tid}}", self._patch, methods=["PATCH"]),
            Route(contract.HEALTH_INFO, self._info),
            Route("/{path:path}", self._nothing, methods=["GET", "POST"]),
        ]
        return socketio.ASGIApp(self._server, Starlette(routes=routes))

    async def _join(self, sid: str, room: str) -> None:
        await self._server.enter_room(sid, room)
        await self._server.emit(contract.JOINED, contract.JOINED_PREFIX_AS_BUILT + room, to=sid)

    async def _message(self, eio_sid: str, data: str | bytes) -> None:
        """Disconnect senders of broken packets, except for the one that socket.io-parser 4.2.4 accepts."""
        if isinstance(data, str) and data.startswith("5-"):
            return
        try:
            await self._server._handle_eio_message(eio_sid, data)
        except (ValueError, LookupError):
            await self._server.eio.disconnect(eio_sid)

    async def _info(self, _: Request) -> JSONResponse:
        return JSONResponse({"uptime": {"seconds": 9, "human": "< 1m"}, "memory": {"rss": self._rss}})

    async def _nothing(self, _: Request) -> JSONResponse:
        return JSONResponse({"message": "Internal server error"}, status_code=500)

    async def _create(self, request: Request) -> JSONResponse:
        task = {"id": str(uuid.uuid4()), "room": request.path_params["pid"], "status": contract.PENDING}
        agent = "agentId" in await request.json()
        self._start(self._work(task) if agent or self._habit is Habit.WORKS_WITHOUT_AGENT else self._end(task))
        if self._habit in _BEATS:
            self._start(self._beat(task, _BEATS[self._habit]))
        return JSONResponse(task, status_code=201)

    async def _patch(self, request: Request) -> JSONResponse:
        status = (await request.json())["status"]
        task = {"id": request.path_params["tid"], "room": request.path_params["pid"], "status": status}
        for one in self._beating:
            one["status"] = status
        self._patched += 1
        if self._habit in _TELLS and (self._patched == 1 or self._habit is not Habit.TELLS_ONE):
            await self._tell(
                task | ({"id": str(uuid.uuid4())} if self._habit is Habit.TELLS_ANOTHER else {}), status
            )
        if self._habit is Habit.RUNS:
            self._start(self._work(task, 0.1))
        if self._habit is Habit.TELLS_RESTARTING and status == contract.PENDING:
            self._start(self._work(task, 0.1))
        return JSONResponse(task)

    async def _work(self, task: dict[str, str], for_s: float = WORKS_S) -> None:
        await self._tell(task, contract.IN_PROGRESS)
        await asyncio.sleep(for_s)
        await self._tell(task, contract.COMPLETED)

    async def _end(self, task: dict[str, str]) -> None:
        if self._habit is Habit.COMPLETES_LATE:
            await asyncio.sleep(LATE_S)
            await self._tell(task, contract.COMPLETED)
        else:
            await self._tell(task, contract.FAILED)

    async def _beat(self, task: dict[str, str], every_s: float) -> None:
        self._beating.append(task)
        while True:
            await asyncio.sleep(every_s)
            await self._tell(task, task["status"])

    async def _tell(self, task: dict[str, str], status: str) -> None:
        task["status"] = status
        update = {"taskId": task["id"], "newStatus": status, "agentId": "agent", "agentName": "Agent-agent"}
        await self._server.emit(contract.TASK_STATUS_UPDATE, update, room=task["room"])

    def _start(self, work: Any) -> None:
        running = asyncio.create_task(work)
        self._running.add(running)
        running.add_done_callback(self._running.discard)


if __name__ == "__main__":
    uvicorn.run(
        Backend(Habit(sys.argv[2]), sys.argv[3]).app(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
    )
