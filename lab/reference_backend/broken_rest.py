"""A REST side that does wrong what it is told to; see `breakages`."""

from __future__ import annotations

import json
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jwt
from starlette.responses import JSONResponse
from starlette.routing import Route

from lab.reference_backend.breakages import PATH, Breakage, Breakages
from lab.reference_backend.broken_broadcasts import PATCHING
from lab.reference_backend.database import to_json
from lab.reference_backend.errors import HttpError
from lab.reference_backend.rest import Rest
from lab.reference_backend.tokens import Tokens
from loadtest.backends.prometheus import contract

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from lab.reference_backend.broken_realtime import BrokenRealtime
    from lab.reference_backend.database import Row


_FOR_EVERYBODY: ContextVar[bool] = ContextVar("for everybody", default=False)
"""Whether a request's rows are given to whoever asks."""


class BrokenTokens(Tokens):
    """Believes what it should not."""

    broken: Breakages

    async def user_of(self, request: Request) -> Row:
        """As of a good backend, but for what is believed."""
        token = request.headers.get("authorization", "").partition(" ")[2]
        try:
            payload = jwt.decode(token, options={"verify_signature": False})
        except jwt.InvalidTokenError:
            payload = {}
        expired = Breakage.REST_TAKES_EXPIRED in self.broken and self.has_expired(token)
        if (expired or Breakage.REST_BELIEVES in self.broken) and payload.get("id"):
            row = await self._database.fetch_one("SELECT * FROM users WHERE id = %s", [UUID(payload["id"])])
            if row is not None:
                return row
        if Breakage.REST_REFUSES_NOBODY in self.broken and payload and "id" not in payload:
            raise HttpError(401)
        return await super().user_of(request)


class BrokenRest(Rest):
    """See the module."""

    broken: Breakages
    gateway: BrokenRealtime

    def routes(self) -> list[Route]:
        """Those of a good backend, and the one that switches."""
        return [*super().routes(), Route(PATH, self._switch, methods=["PUT"])]

    async def _switch(self, request: Request) -> Response:
        try:
            self.broken.switch(json.loads(await request.body()))
        except ValueError as error:
            raise HttpError(400, str(error)) from error
        self.gateway.reset()
        return JSONResponse({})

    async def _own(self, table: str, row_id: str | UUID, user: Row) -> Row:
        if Breakage.REST_SHOWS_ALL in self.broken or _FOR_EVERYBODY.get():
            row = await self._database.fetch_one(f"SELECT * FROM {table} WHERE id = %s", [row_id])
            if row is not None:
                return row
        return await super()._own(table, row_id, user)

    async def create_task(self, request: Request, user: Row) -> Response:
        """POST /v1/projects/:pid/tasks."""
        _FOR_EVERYBODY.set(Breakage.REST_TAKES_TASKS in self.broken)
        if Breakage.TAKES_LONG_TITLES in self.broken:
            body = json.loads(await request.body())
            body["title"] = str(body.get("title", ""))[: contract.TITLE_MAX_CHARS]
            request._body = json.dumps(body).encode()
        return await super().create_task(request, user)

    async def get_task(self, request: Request, user: Row) -> Response:
        """GET /v1/projects/:pid/tasks/:tid."""
        _FOR_EVERYBODY.set(Breakage.REST_SHOWS_TASKS in self.broken)
        task: dict[str, Any] = to_json(await self._own_task(request, user))
        if Breakage.REST_LIES in self.broken:
            task["status"] = contract.PENDING
        return JSONResponse(task)

    async def run_task(self, request: Request, user: Row) -> Response:
        """POST /v1/orchestrator/tasks/:tid/run."""
        if Breakage.RUNS_NOTHING in self.broken:
            return JSONResponse({}, status_code=201)
        return await super().run_task(request, user)

    async def update_task(self, request: Request, user: Row) -> Response:
        """PATCH /v1/projects/:pid/tasks/:tid."""
        _FOR_EVERYBODY.set(Breakage.REST_TAKES_PATCHES in self.broken)
        if Breakage.SILENT_PATCH in self.broken:
            task = await self._own_task(request, user)
            body = json.loads(await request.body())
            changed = await self._database.update("tasks", task["id"], {"status": body["status"]})
            return JSONResponse(to_json(changed or task))
        PATCHING.set(True)
        return await super().update_task(request, user)
