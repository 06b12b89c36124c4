"""The bodies that the REST calls accept; an unknown key is refused."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import UUID4, AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from lab.reference_backend.errors import HttpError
from loadtest.backends.prometheus import contract

if TYPE_CHECKING:
    from starlette.requests import Request

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PASSWORD = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*[@$!%*?&]).{8,}")


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError("must be an email")
    return value


def _password(value: str) -> str:
    if not _PASSWORD.fullmatch(value):
        raise ValueError("needs 8 characters or more with upper, lower, digit and one of @$!%*?&")
    return value


class Body(BaseModel):
    """Base of all bodies."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Signup(Body):
    """POST /v1/auth/signup."""

    email: Annotated[str, AfterValidator(_email), Field(max_length=255)]
    password: Annotated[str, AfterValidator(_password), Field(max_length=72)]


class Login(Body):
    """POST /v1/auth/login."""

    email: Annotated[str, AfterValidator(_email)]
    password: str


class Project(Body):
    """POST /v1/projects."""

    name: str = Field(min_length=3, max_length=255)
    description: str | None = None
    gitRepositoryURL: str | None = Field(default=None, max_length=500)  # noqa: N815 - the backend's name
    baseDockerImage: str = Field(default="ubuntu:latest", max_length=100)  # noqa: N815
    gitAccessToken: str | None = Field(default=None, max_length=500)  # noqa: N815


class LlmConfig(Body):
    """The model of an agent."""

    provider: Literal["google", "openai", "groq", "mistral"]
    model: str = Field(min_length=1)


class Agent(Body):
    """POST /v1/agents."""

    name: str = Field(min_length=2, max_length=255)
    role: str = Field(min_length=5, max_length=500)
    personalityMatrix: dict[str, Any]  # noqa: N815
    llmConfig: LlmConfig  # noqa: N815


class Task(Body):
    """POST /v1/projects/:pid/tasks."""

    title: str = Field(min_length=3, max_length=contract.TITLE_MAX_CHARS)
    description: str = Field(min_length=10, max_length=5000)
    agentId: Annotated[UUID4 | None, Field(strict=False)] = None  # noqa: N815
    priority: Literal["low", "medium", "high", "critical"] = "medium"


B = TypeVar("B", bound=Body)


async def read_json(request: Request) -> Any:
    """The request's body as JSON; 400 if it is none."""
    try:
        return json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise HttpError(400, f"Unexpected token in JSON: {error}") from error


async def read_body(request: Request, model: type[B]) -> B:
    """The request's body, validated; 400 with a list of messages if it is not valid."""
    try:
        return model.model_validate(await read_json(request))
    except ValidationError as error:
        messages = []
        for detail in error.errors():
            where = ".".join(str(part) for part in detail["loc"])
            if detail["type"] == "extra_forbidden":
                messages.append(f"property {where} should not exist")
            else:
                messages.append(f"{where} {detail['msg'].removeprefix('Value error, ')}")
        raise HttpError(400, messages) from error
