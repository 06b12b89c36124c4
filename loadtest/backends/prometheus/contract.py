"""The words of the Prometheus Backend: event names, paths and the burst of a task.

Pure data, measured against the running backend. The reference backend in `lab/reference_backend/` imports this
module and nothing else of the load test, so that both sides speak of the same contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SOCKETIO_PATH: Final = "/socket.io/"
NAMESPACE: Final = "/"
ENGINEIO_VERSION: Final = 4
PING_INTERVAL_MS: Final = 25_000
PING_TIMEOUT_MS: Final = 20_000
MAX_PAYLOAD_BYTES: Final = 1_000_000

INSTANCE_HEADER: Final = "X-Instance"
"""Where several instances of the reference backend say who answers; of the real one, a load balancer may."""

PROFILE_HEADER: Final = "X-Profile"
"""Header in which the reference backend names its profile if the answer of its health call has no field for it."""

TOKEN: Final = "token"  # noqa: S105 - a name
"""The name of the JWT in `auth`, and in a query or a cookie."""

JOIN: Final = "joinProjectRoom"
JOINED: Final = "joinedRoom"
LEAVE: Final = "leaveProjectRoom"
LEFT: Final = "leftRoom"
PING: Final = "ping"
PONG: Final = "pong"
EXCEPTION: Final = "exception"
TASK_STATUS_UPDATE: Final = "taskStatusUpdate"
AGENT_LOG: Final = "agentLog"

JOINED_PREFIX_AS_BUILT: Final = "Вы успешно присоединились к комнате проекта "
JOINED_PREFIX_DOCUMENTED: Final = "You have successfully joined project room "
LEFT_PREFIX: Final = "You have successfully left project room "

PENDING: Final = "PENDING"
IN_PROGRESS: Final = "IN_PROGRESS"
COMPLETED: Final = "COMPLETED"
FAILED: Final = "FAILED"
STATUSES: Final = (PENDING, IN_PROGRESS, COMPLETED, FAILED)
PRIORITIES: Final = ("low", "medium", "high", "critical")

SYSTEM_AGENT_ID: Final = "system"
SYSTEM_AGENT_NAME: Final = "System"

LOG_ACCEPTED: Final = '[Оркестратор]: Принял задачу "{title}" в работу.'
LOG_STATUS: Final = "[Статус]: Статус задачи изменен на {status}"
LOG_DOCKER: Final = '[Docker]: Создаю среду на базе образа "{image}"...'
LOG_CRITICAL: Final = (
    "[Оркестратор]: КРИТИЧЕСКАЯ ОШИБКА: Ошибка Docker при создании контейнера: "
    "Не удалось загрузить Docker-образ: {image}."
)

TAG_ORCHESTRATOR: Final = "Оркестратор"
TAG_STATUS: Final = "Статус"
TAG_DOCKER: Final = "Docker"
TAG_GIT: Final = "Git"
TAG_COMMAND: Final = "Команда"
TAG_RESULT: Final = "Результат"
TAG_MEMORY: Final = "Память"
TAG_THOUGHT: Final = "Мысль"
TAG_TOOL: Final = "Инструмент"
"""The tags that logs begin with, in brackets; from Git on, only those of agents at work."""

SIGNUP: Final = "/v1/auth/signup"
LOGIN: Final = "/v1/auth/login"
PROJECTS: Final = "/v1/projects"
AGENTS: Final = "/v1/agents"
ORCHESTRATOR_RUN: Final = "/v1/orchestrator/tasks/{task_id}/run"
PROJECT: Final = "/v1/projects/{project_id}"
HEALTH_LIVE: Final = "/v1/health/live"
HEALTH_READY: Final = "/v1/health/ready"
HEALTH_INFO: Final = "/v1/health/info"

THROTTLE_LIMIT: Final = 5
THROTTLE_WINDOW_S: Final = 900
THROTTLE_RETRY_HEADER: Final = "Retry-After-auth"

TITLE_MAX_CHARS: Final = 255


def tasks_path(project_id: str) -> str:
    """Path of a project's tasks: POST creates one, GET lists them."""
    return f"{PROJECTS}/{project_id}/tasks"


def agent_name(agent_id: str) -> str:
    """The name that the backend gives an agent in its events."""
    return f"Agent-{agent_id[:8]}"


@dataclass(frozen=True, slots=True)
class BurstEvent:
    """One event of the burst that follows the creation of a task, in the order of sending.

    `template` is the text of an `agentLog`, `status` the new status of a `taskStatusUpdate`; `label` is ours.
    """

    label: str
    event: str
    template: str = ""
    status: str = ""


BURST_WITH_AGENT: Final = (
    BurstEvent("accepted", AGENT_LOG, template=LOG_ACCEPTED),
    BurstEvent(IN_PROGRESS, TASK_STATUS_UPDATE, status=IN_PROGRESS),
    BurstEvent(IN_PROGRESS, AGENT_LOG, template=LOG_STATUS, status=IN_PROGRESS),
    BurstEvent("docker", AGENT_LOG, template=LOG_DOCKER),
    BurstEvent("critical", AGENT_LOG, template=LOG_CRITICAL),
    BurstEvent(FAILED, TASK_STATUS_UPDATE, status=FAILED),
    BurstEvent(FAILED, AGENT_LOG, template=LOG_STATUS, status=FAILED),
)
"""With an `agentId`: seven events."""

BURST_WITHOUT_AGENT: Final = (
    BurstEvent("accepted", AGENT_LOG, template=LOG_ACCEPTED),
    BurstEvent(FAILED, TASK_STATUS_UPDATE, status=FAILED),
    BurstEvent(FAILED, AGENT_LOG, template=LOG_STATUS, status=FAILED),
)
"""Without an agent: three events, by the agent `system`."""
