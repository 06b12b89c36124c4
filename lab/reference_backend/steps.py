"""The broadcasts of a task, one step each, in the order of sending. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from loadtest.backends.prometheus import contract

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCKER_ATTEMPT_S: Final = 0.01
"""Seconds until the backend finds out that no Docker daemon answers."""


class Step(NamedTuple):
    """One broadcast: an `agentLog` with `text`, or, if `status` is set, a `taskStatusUpdate`.

    `delay_s` is the pause before it, in seconds.
    """

    text: str = ""
    status: str = ""
    delay_s: float = 0.0


def steps_without_docker(title: str, image: str, *, with_agent: bool) -> Iterator[Step]:
    """Yield the burst of a backend without a Docker daemon: seven events, or three without an agent."""
    for event in contract.BURST_WITH_AGENT if with_agent else contract.BURST_WITHOUT_AGENT:
        if event.event == contract.TASK_STATUS_UPDATE:
            yield Step(status=event.status)
        else:
            text = event.template.format(title=title, status=event.status, image=image)
            yield Step(text, delay_s=DOCKER_ATTEMPT_S if event.template == contract.LOG_CRITICAL else 0.0)
