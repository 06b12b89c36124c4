"""The REST half of the contract: paths, statuses, bodies, throttling."""

from __future__ import annotations

import re
import time
import uuid
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from loadtest.backends.prometheus import contract

from ..support import SECRET, start_backend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtest.backends.prometheus.rows import OwnedRoom, Rows

    from ..support import Backend

AGENT = {
    "name": "Al",
    "role": "tester",
    "personalityMatrix": {"humour": 0.5},
    "llmConfig": {"provider": "groq", "model": "m"},
}
TASK = {"title": "abc", "description": "0123456789"}
GOOD_PASSWORD = "Aa1@aaaa"


def email() -> str:
    return f"{uuid.uuid4().hex}@example.org"


def is_error(body: Any, status: int, path: str) -> bool:
    return set(body) >= {"statusCode", "timestamp", "path", "message"} and (body["statusCode"], body["path"]) == (
        status,
        path,
    )


def test_signup_login_and_the_token(backend: Backend) -> None:
    account = {"email": email(), "password": GOOD_PASSWORD}
    status, _, body = backend.request("POST", contract.SIGNUP, body=account)
    assert status == 201
    claims = jwt.decode(body["token"], SECRET, algorithms=["HS256"])
    assert set(claims) == {"id", "email", "iat", "exp"}
    assert claims["exp"] - claims["iat"] == 86_400
    assert backend.request("POST", contract.SIGNUP, body=account)[0] == 409
    status, _, body = backend.request("POST", contract.LOGIN, body=account)
    assert status == 200
    assert backend.request("GET", contract.PROJECTS, body["token"])[2] == []
    for wrong in ({**account, "password": "Bb1@bbbb"}, {**account, "email": email()}):
        assert backend.request("POST", contract.LOGIN, body=wrong)[0] == 401


@pytest.mark.parametrize("password", ["Aa1@aaa", "aa1@aaaa", "AA1@AAAA", "Aaa@aaaa", "Aa1aaaaa"])
def test_weak_passwords(backend: Backend, password: str) -> None:
    status, _, body = backend.request("POST", contract.SIGNUP, body={"email": email(), "password": password})
    assert status == 400
    assert is_error(body, 400, contract.SIGNUP)
    assert isinstance(body["message"], list)


def test_a_user_made_by_sql_cannot_log_in_by_password(backend: Backend, room: OwnedRoom) -> None:
    account = {"email": room.email, "password": "no-login"}
    assert backend.request("POST", contract.LOGIN, body=account)[0] == 401


def test_project(backend: Backend, room: OwnedRoom) -> None:
    token = backend.token(room)
    status, _, project = backend.request("POST", contract.PROJECTS, token, {"name": "abc"})
    assert status == 201
    assert (project["name"], project["userId"], project["agentIds"]) == ("abc", room.user_id, [])
    one = f"{contract.PROJECTS}/{project['id']}"
    assert backend.request("GET", one, token)[2] == project
    assert len(backend.request("GET", contract.PROJECTS, token)[2]) == 2
    assert backend.request("DELETE", one, token)[2] == {"deleted": True, "id": project["id"]}
    assert backend.request("GET", one, token)[0] == 404


@pytest.mark.parametrize("body", [{"name": "ab"}, {}, {"name": "abc", "surprise": 1}, b"{no json", {"name": 5}])
def test_bad_project(backend: Backend, room: OwnedRoom, body: Any) -> None:
    status, _, answer = backend.request("POST", contract.PROJECTS, backend.token(room), body)
    assert status == 400
    assert is_error(answer, 400, contract.PROJECTS)


def test_agent(backend: Backend, room: OwnedRoom) -> None:
    status, _, agent = backend.request("POST", contract.AGENTS, backend.token(room), AGENT)
    assert status == 201
    assert agent["llmConfig"] == AGENT["llmConfig"]


@pytest.mark.parametrize(
    "change",
    [{"name": "A"}, {"role": "test"}, {"extra": 1}, {"llmConfig": {"provider": "other", "model": "m"}}],
)
def test_bad_agent(backend: Backend, room: OwnedRoom, change: dict[str, Any]) -> None:
    assert backend.request("POST", contract.AGENTS, backend.token(room), AGENT | change)[0] == 400


def test_task(backend: Backend, room: OwnedRoom) -> None:
    token, path = backend.token(room), contract.tasks_path(room.project_id)
    status, _, task = backend.request("POST", path, token, TASK | {"agentId": room.agent_id, "priority": "high"})
    assert status == 201
    assert (task["status"], task["priority"], task["assigneeIds"]) == ("PENDING", "high", [room.agent_id])
    assert backend.request("GET", f"{path}/{task['id']}", token)[2]["title"] == "abc"
    assert [row["id"] for row in backend.request("GET", path, token)[2]] == [task["id"]]
    assert backend.request("GET", f"{path}/{uuid.uuid4()}", token)[0] == 404


@pytest.mark.parametrize(
    "change",
    [
        {"title": "ab"},
        {"title": "a" * 256},
        {"description": "012345678"},
        {"description": "a" * 5001},
        {"agentId": "no uuid"},
        {"priority": "urgent"},
    ],
)
def test_bad_task(backend: Backend, room: OwnedRoom, change: dict[str, Any]) -> None:
    path = contract.tasks_path(room.project_id)
    assert backend.request("POST", path, backend.token(room), TASK | change)[0] == 400


def test_foreign_and_malformed_projects(backend: Backend, rows: Rows) -> None:
    mine, foreign = rows.create_rooms(2)
    token = backend.token(mine)
    assert backend.request("POST", contract.tasks_path(foreign.project_id), token, TASK)[0] == 404
    assert backend.request("POST", contract.tasks_path("no-uuid"), token, TASK)[0] == 400


def test_patch_is_not_validated_and_a_long_status_crashes(backend: Backend, room: OwnedRoom) -> None:
    token, path = backend.token(room), contract.tasks_path(room.project_id)
    task = backend.request("POST", path, token, TASK)[2]
    one = f"{path}/{task['id']}"
    assert backend.request("PATCH", one, token, {"status": "WHATEVER", "unknown": 1})[0] == 200
    status, _, body = backend.request("PATCH", one, token, {"status": "x" * 21})
    assert status == 500
    assert is_error(body, 500, one)


def test_the_orchestrator(backend: Backend, room: OwnedRoom) -> None:
    token, path = backend.token(room), contract.tasks_path(room.project_id)
    task = backend.request("POST", path, token, TASK)[2]
    run = contract.ORCHESTRATOR_RUN.format(task_id=task["id"])
    assert backend.request("POST", run, token)[0] == (201 if backend.profile == "documented" else 500)
    assert backend.request("POST", contract.ORCHESTRATOR_RUN.format(task_id=uuid.uuid4()), token)[0] == 404


def test_health(backend: Backend) -> None:
    for path in (contract.HEALTH_LIVE, contract.HEALTH_READY, contract.HEALTH_INFO):
        assert backend.request("GET", path)[0] == 200
    _, headers, info = backend.request("GET", contract.HEALTH_INFO)
    if backend.profile == "documented":
        assert info["memory"]["rss"] > 0
        assert info["uptime"] > 0
        assert info["profile"] == "documented"
        return
    assert set(info) == {"status", "uptime", "memory"}
    assert list(info["uptime"]) == ["seconds", "human"]
    assert isinstance(info["uptime"]["seconds"], int)
    assert re.fullmatch(r"< 1m|\d+m", info["uptime"]["human"])
    assert list(info["memory"]) == ["rss", "heapTotal", "heapUsed", "external"]
    assert all(re.fullmatch(r"\d+(\.\d{1,2})? (Bytes|KB|MB|GB)", size) for size in info["memory"].values())
    assert info["memory"]["rss"].endswith(" MB")
    assert headers[contract.PROFILE_HEADER] == backend.profile


def test_unversioned_paths(backend: Backend) -> None:
    status, _, body = backend.request("GET", "/projects")
    assert status == 404
    assert is_error(body, 404, "/projects")
    assert body["message"] == "Cannot GET /projects"


def test_tokens_that_are_not_right(backend: Backend, room: OwnedRoom) -> None:
    now_s = int(time.time())

    def status(token: str | None) -> int:
        return backend.request("GET", contract.PROJECTS, token)[0]

    def signed(secret: str = SECRET, **claims: Any) -> str:
        return jwt.encode({"iat": now_s, "exp": now_s + 60, **claims}, secret, "HS256")

    assert status(None) == 401
    assert status("garbage") == 401
    assert status(signed(id=room.user_id, exp=now_s - 1)) == 401
    assert status(signed("y" * 32, id=room.user_id)) == 401
    assert status(signed(id=str(uuid.uuid4()))) == 401
    assert status(signed(id="no uuid")) == 500
    assert status(signed(id=room.user_id)) == 200
    # The measured hole: a token without an id is taken for the first user.
    assert status(signed()) == 200


# The throttle


@pytest.fixture(scope="module")
def throttled() -> Iterator[Backend]:
    backend = start_backend("as-built")
    yield backend
    backend.stop()


def test_the_sixth_request_is_refused(throttled: Backend) -> None:
    answers = [throttled.request("GET", contract.PROJECTS) for _ in range(6)]
    assert [status for status, _, _ in answers] == [401] * 5 + [429]  # failures count too
    _, headers, body = answers[-1]
    assert body["message"] == "ThrottlerException: Too Many Requests"
    assert headers["Retry-After-auth"] == "900"
    assert "Retry-After" not in headers


def test_another_handler_and_another_source_have_budgets_of_their_own(throttled: Backend) -> None:
    def status(path: str, source: str) -> int:
        return throttled.request("GET", path, source=source)[0]

    assert [status(contract.AGENTS, "127.0.0.9") for _ in range(6)][-1] == 429
    assert status(contract.PROJECTS, "127.0.0.9") == 401
    assert status(contract.AGENTS, "127.0.0.10") == 401


def test_the_hundredth_request_adds_the_plain_header(throttled: Backend) -> None:
    path = contract.tasks_path(str(uuid.uuid4()))
    answers = [throttled.request("GET", path, source="127.0.0.11") for _ in range(101)]
    assert "Retry-After" not in answers[99][1]
    assert int(answers[100][1]["Retry-After"]) <= 60


def test_health_is_never_throttled(throttled: Backend) -> None:
    assert {throttled.request("GET", contract.HEALTH_LIVE)[0] for _ in range(8)} == {200}


def test_the_throttle_is_off_by_default_when_documented(documented: Backend) -> None:
    assert {documented.request("GET", contract.PROJECTS, source="127.0.0.12")[0] for _ in range(8)} == {401}
