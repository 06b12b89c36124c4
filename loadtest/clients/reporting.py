"""Tells Locust's own statistics of what a user did, one act at a time, with its real duration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from locust.env import Environment


OURS: Final[dict[str, Any]] = {"loadtest": True}
"""The context of the request events that are ours: others are of the user's own classes."""


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
        exception=ConnectionError(_printable(failure)) if failure else None,
        context=OURS,
    )


def _printable(text: str) -> str:
    """Return a text that Locust can send to its master and print: servers word failures as they like."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
