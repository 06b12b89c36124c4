"""The REST side: accounts, projects, agents, tasks, health."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import anyio.to_thread
import bcrypt
import psutil
from psycopg import errors as pg_errors
from psycopg.types.json import Jsonb
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lab.reference_backend import bodies, health
from lab.reference_backend.database import to_json
from lab.reference_backend.errors import HttpError
from lab.reference_backend.orchestrator import status_update
from loadtest.backends.prometheus import contract

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from lab.reference_backend.database import Database, Row
    from lab.reference_backend.orchestrator import Orchestrator
    from lab.reference_backend.profile import Profile
    from lab.reference_backend.realtime import Realtime
    from lab.reference_backend.throttle import Throttle
    from lab.reference_backend.tokens import Tokens

_TASK_COLUMNS = frozenset({"title", "description", "status", "priority", "parameters", "dueDate"})
_BCRYPT_ROUNDS = 10


class Rest:
    """Handlers of the REST calls. A handler's name is the throttle's key, as in the backend."""

    def __init__(
        self,
        profile: Profile,
        throttle: Throttle,
        tokens: Tokens,
        database: Database,
        realtime: Realtime,
        orchestrator: Orchestrator,
    ) -> None:
        self._profile = profile
        self._throttle = throttle
        self._tokens = tokens
        self._database = database
        self._realtime = realtime
        self._orchestrator = orchestrator
        self._started_s = time.monotonic()

    def routes(self) -> list[Route]:
        """All routes."""
        task = f"{contract.PROJECTS}/{{pid}}/tasks/{{tid}}"
        return [
            self._route("POST", contract.SIGNUP, self.signup),
            self._route("POST", contract.LOGIN, self.login),
            self._route("POST", contract.PROJECTS, self._as_user(self.create_project)),
            *self._rows("projects", contract.PROJECTS),
            self._route("POST", contract.AGENTS, self._as_user(self.create_agent)),
            *self._rows("agents", contract.AGENTS),
            self._route("POST", contract.tasks_path("{pid}"), self._as_user(self.create_task)),
            self._route("GET", contract.tasks_path("{pid}"), self._as_user(self.list_tasks)),
            self._route("GET", task, self._as_user(self.get_task)),
            self._route("PATCH", task, self._as_user(self.update_task)),
            self._route("DELETE", task, self._as_user(self.delete_task)),
            self._route("POST", contract.ORCHESTRATOR_RUN.format(task_id="{tid}"), self._as_user(self.run_task)),
            Route(contract.HEALTH_LIVE, self.live, methods=["GET"]),
            Route(contract.HEALTH_READY, self.ready, methods=["GET"]),
            Route(contract.HEALTH_INFO, self.info, methods=["GET"]),
        ]

    def _route(self, method: str, path: str, handler: Callable[[Request], Awaitable[Response]]) -> Route:
        name = f"{method} {path}"

        async def throttled(request: Request) -> Response:
            source = request.client.host if request.client else ""
            refused = self._throttle.hit(name, source, time.monotonic())
            if refused is not None:
                raise HttpError(429, "ThrottlerException: Too Many Requests", refused)
            return await handler(request)

        return Route(path, throttled, methods=[method])

    def _as_user(
        self, handler: Callable[[Request, Row], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def authenticated(request: Request) -> Response:
            return await handler(request, await self._tokens.user_of(request))

        return authenticated

    def _rows(self, table: str, path: str) -> list[Route]:
        """List, get and delete of a table whose rows belong to a user."""

        async def list_rows(_request: Request, user: Row) -> Response:
            rows = await self._database.fetch(
                f'SELECT * FROM {table} WHERE "userId" = %s ORDER BY "createdAt"', [user["id"]]
            )
            return JSONResponse([to_json(row) for row in rows])

        async def get_row(request: Request, user: Row) -> Response:
            return JSONResponse(to_json(await self._own(table, request.path_params["row"], user)))

        async def delete_row(request: Request, user: Row) -> Response:
            row = await self._own(table, request.path_params["row"], user)
            return await self._delete(table, row)

        one = f"{path}/{{row}}"
        return [
            self._route("GET", path, self._as_user(list_rows)),
            self._route("GET", one, self._as_user(get_row)),
            self._route("DELETE", one, self._as_user(delete_row)),
        ]

    async def signup(self, request: Request) -> Response:
        """POST /v1/auth/signup."""
        body = await bodies.read_body(request, bodies.Signup)
        salted = await anyio.to_thread.run_sync(
            bcrypt.hashpw, body.password.encode(), bcrypt.gensalt(_BCRYPT_ROUNDS)
        )
        try:
            user = await self._database.insert("users", {"email": body.email, "password": salted.decode()})
        except pg_errors.UniqueViolation as error:
            raise HttpError(409, "User with this email already exists") from error
        return JSONResponse({"token": self._tokens.sign(user)}, status_code=201)

    async def login(self, request: Request) -> Response:
        """POST /v1/auth/login."""
        body = await bodies.read_body(request, bodies.Login)
        user = await self._database.fetch_one("SELECT * FROM users WHERE email = %s", [body.email])
        if user is None or not await anyio.to_thread.run_sync(_matches, body.password, user["password"]):
            raise HttpError(401, "Invalid credentials")
        return JSONResponse({"token": self._tokens.sign(user)})

    async def create_project(self, request: Request, user: Row) -> Response:
        """POST /v1/projects."""
        body = await bodies.read_body(request, bodies.Project)
        row = await self._database.insert("projects", {**body.model_dump(), "userId": user["id"]})
        return JSONResponse(to_json(row), status_code=201)

    async def create_agent(self, request: Request, user: Row) -> Response:
        """POST /v1/agents."""
        body = await bodies.read_body(request, bodies.Agent)
        values = {
            **body.model_dump(),
            "personalityMatrix": Jsonb(body.personalityMatrix),
            "llmConfig": Jsonb(body.llmConfig.model_dump()),
            "userId": user["id"],
        }
        row = await self._database.insert("agents", values)
        return JSONResponse(to_json(row), status_code=201)

    async def create_task(self, request: Request, user: Row) -> Response:
        """POST /v1/projects/:pid/tasks, which runs the task."""
        project_id = _uuid(request.path_params["pid"])
        body = await bodies.read_body(request, bodies.Task)
        project = await self._own("projects", project_id, user)
        values = body.model_dump(exclude={"agentId"})
        values |= {"projectId": project["id"], "assigneeIds": str(body.agentId) if body.agentId else ""}
        task = await self._database.insert("tasks", values)
        await self._orchestrator.start(task, project["baseDockerImage"])
        return JSONResponse(to_json(task), status_code=201)

    async def list_tasks(self, request: Request, user: Row) -> Response:
        """GET /v1/projects/:pid/tasks."""
        project = await self._own("projects", request.path_params["pid"], user)
        rows = await self._database.fetch(
            'SELECT * FROM tasks WHERE "projectId" = %s ORDER BY "createdAt"', [project["id"]]
        )
        return JSONResponse([to_json(row) for row in rows])

    async def get_task(self, request: Request, user: Row) -> Response:
        """GET /v1/projects/:pid/tasks/:tid."""
        return JSONResponse(to_json(await self._own_task(request, user)))

    async def update_task(self, request: Request, user: Row) -> Response:
        """PATCH /v1/projects/:pid/tasks/:tid. The body is not validated as built: the database may object."""
        task = await self._own_task(request, user)
        body = await bodies.read_json(request)
        changes = {name: body[name] for name in body if name in _TASK_COLUMNS}
        if changes.get("parameters") is not None:
            changes["parameters"] = Jsonb(changes["parameters"])
        changed = await self._database.update("tasks", task["id"], changes)
        if changed is None:
            raise HttpError(404, "Task not found")
        if self._profile.patch_broadcasts and changed["status"] != task["status"]:
            agent_id = changed["assigneeIds"].split(",")[0]
            name = contract.agent_name(agent_id) if agent_id else contract.SYSTEM_AGENT_NAME
            payload = status_update(changed, changed["status"], agent_id or contract.SYSTEM_AGENT_ID, name)
            await self._realtime.broadcast(str(task["projectId"]), contract.TASK_STATUS_UPDATE, payload)
        return JSONResponse(to_json(changed))

    async def delete_task(self, request: Request, user: Row) -> Response:
        """DELETE /v1/projects/:pid/tasks/:tid."""
        return await self._delete("tasks", await self._own_task(request, user))

    async def run_task(self, request: Request, user: Row) -> Response:
        """POST /v1/orchestrator/tasks/:tid/run."""
        task = await self._database.fetch_one(
            'SELECT tasks.*, "baseDockerImage" AS image FROM tasks '
            'JOIN projects ON projects.id = "projectId" WHERE tasks.id = %s AND "userId" = %s',
            [_uuid(request.path_params["tid"]), user["id"]],
        )
        if task is None:
            raise HttpError(404, "Task not found")
        if not self._profile.orchestrator_runs:
            raise HttpError(500, "Internal server error")
        image = task.pop("image")
        await self._orchestrator.start(task, image)
        return JSONResponse(to_json(task), status_code=201)

    async def live(self, _request: Request) -> Response:
        """GET /v1/health/live."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """GET /v1/health/ready."""
        await self._database.fetch_one("SELECT 1 AS one")
        return JSONResponse({"status": "ok", "database": "up"})

    async def info(self, _request: Request) -> Response:
        """GET /v1/health/info."""
        up_s = time.monotonic() - self._started_s
        used = psutil.Process().memory_info()
        memory_bytes = {"rss": used.rss, "heapTotal": used.vms, "heapUsed": used.rss}
        if not self._profile.health_as_text:
            return JSONResponse(health.in_numbers(self._profile.name, up_s, memory_bytes))
        # The answer as built has no field for the profile's name, so a header carries it.
        answer = health.as_text(up_s, memory_bytes | {"external": 0})
        return JSONResponse(answer, headers={contract.PROFILE_HEADER: self._profile.name})

    async def _own(self, table: str, row_id: str | UUID, user: Row) -> Row:
        """A row that belongs to a user; somebody else's is as missing as one that is not there."""
        row = await self._database.fetch_one(
            f'SELECT * FROM {table} WHERE id = %s AND "userId" = %s', [_uuid(row_id), user["id"]]
        )
        if row is None:
            raise HttpError(404, f"{table[:-1].capitalize()} not found")
        return row

    async def _own_task(self, request: Request, user: Row) -> Row:
        project = await self._own("projects", request.path_params["pid"], user)
        row = await self._database.fetch_one(
            'SELECT * FROM tasks WHERE id = %s AND "projectId" = %s',
            [_uuid(request.path_params["tid"]), project["id"]],
        )
        if row is None:
            raise HttpError(404, "Task not found")
        return row

    async def _delete(self, table: str, row: Row) -> Response:
        await self._database.execute(f"DELETE FROM {table} WHERE id = %s", [row["id"]])
        self._orchestrator.end_agents(table, row["id"])
        return JSONResponse({"deleted": True, "id": str(row["id"])})


def _matches(password: str, salted: str) -> bool:
    try:
        return bcrypt.checkpw(password.encode(), salted.encode())
    except ValueError:
        return False  # a user made for tokens only has no hash


def _uuid(value: Any) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(value)
    except ValueError as error:
        raise HttpError(400, "Validation failed (uuid is expected)") from error
