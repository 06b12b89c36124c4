"""Tasks that take part whatever tags a run chooses: without viewers and publishers there is nothing to measure.

Locust leaves out tasks without any of the tags that were asked for, and those with one that is excluded; so these
have just those that were asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")

_TASKS: Final[list[Any]] = []


def always(task: T) -> T:
    """Mark a task."""
    _TASKS.append(task)
    return task


def is_one(task: object) -> bool:
    """Whether a task is marked."""
    return task in _TASKS


def follow(tags: Iterable[str]) -> None:
    """Give all marked tasks the tags that a run asks for."""
    for task in _TASKS:
        task.locust_tag_set = set(tags)
