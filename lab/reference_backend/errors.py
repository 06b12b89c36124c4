"""The backend's error bodies: `{statusCode, timestamp, path, message[, details]}`."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

logger = logging.getLogger(__name__)


class HttpError(Exception):
    """An answer other than success.

    :param status: the HTTP status.
    :param message: one string; a list of strings for a body that failed validation.
    :param headers: further headers of the answer.
    """

    def __init__(
        self, status: int, message: str | list[str] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message if message is not None else HTTPStatus(status).phrase
        self.headers = dict(headers or {})


def error_response(request: Request, error: HttpError) -> JSONResponse:
    """Render an error as the backend does."""
    body: dict[str, Any] = {
        "statusCode": error.status,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "path": request.url.path,
        "message": error.message,
    }
    return JSONResponse(body, status_code=error.status, headers=error.headers)


async def on_http_error(request: Request, error: Exception) -> JSONResponse:
    """Exception handler of the REST application for `HttpError`."""
    assert isinstance(error, HttpError)
    return error_response(request, error)


async def on_no_route(request: Request, _error: Exception) -> JSONResponse:
    """Exception handler for an unknown path and for an unknown method: both are 404, as in NestJS."""
    return error_response(request, HttpError(404, f"Cannot {request.method} {request.url.path}"))


async def on_crash(request: Request, error: Exception) -> JSONResponse:
    """Exception handler for everything else."""
    logger.debug("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_response(request, HttpError(500, "Internal server error"))
