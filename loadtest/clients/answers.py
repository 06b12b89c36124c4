"""What the backend's answers say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtest.clients.errors import EventTimeoutError, JoinRefusedError
from loadtest.clients.inbox import first_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.backends.base import Adapter
    from loadtest.clients.inbox import Expectation


def about(adapter: Adapter, project_id: str) -> Callable[..., bool]:
    """Tells the answer that speaks of a room from those that speak of others."""
    return lambda answer=None, *_: adapter.is_about(project_id, answer)


def said(answer: Any = "") -> str:
    """What a refusal says."""
    return str(answer.get("message", answer) if isinstance(answer, dict) else answer)


def let_in(joined: Expectation, refused: Expectation, timeout_s: float) -> None:
    """Wait for the one or the other.

    :raises JoinRefusedError: if it is the other.
    :raises EventTimeoutError: if it is none.
    """
    answered = first_of(timeout_s, joined, refused)
    if answered is None:
        raise EventTimeoutError(f"no {joined.event} within {timeout_s:g} s")
    if answered is refused:
        raise JoinRefusedError(said(*refused.wait(0)[:1]))
