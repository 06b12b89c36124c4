"""Tells Locust's own statistics of what a user did, one act at a time, with its real duration."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from locust.env import Environment


def report_act(environment: Environment, kind: str, name: str, duration_ms: float, failure: str = "") -> None:
    """Fire Locust's request event.

    :param kind: shown as the request's type, e.g. `POST`.
    :param failure: why it failed, in one line; empty if it did not.
    """
    environment.events.request.fire(
        request_type=kind,
        name=name,
        response_time=duration_ms,
        response_length=0,
        exception=ConnectionError(failure) if failure else None,
        context={},
    )
