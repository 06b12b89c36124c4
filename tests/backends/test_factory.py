"""Test data that takes any field, as the backend takes it."""

from __future__ import annotations

import pytest

from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.factory import DataFactory


@pytest.fixture
def factory() -> DataFactory:
    return DataFactory("tag")


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("user", {"email": "me@example.org"}),
        ("project", {"name": "mine", "baseDockerImage": "node:22"}),
        ("agent", {"role": "another role", "rating": 5}),
        ("task", {"title": "a title", "priority": "high", "dueDate": None}),
    ],
)
def test_fields_extend_a_body_and_replace_its_own(
    factory: DataFactory, kind: str, fields: dict[str, object]
) -> None:
    make = getattr(factory, kind)
    own, changed = make(), make(**fields)
    assert changed.items() >= fields.items()
    assert changed.keys() == own.keys() | fields.keys()
    assert own != make(), "each is unlike all others"


def test_a_task_s_agent(factory: DataFactory) -> None:
    assert "agentId" not in factory.task()
    assert factory.task("one")["agentId"] == "one"
    assert factory.task("one", agentId="two")["agentId"] == "two"


@pytest.mark.parametrize("priority", contract.PRIORITIES)
def test_tasks_are_what_the_backend_takes(factory: DataFactory, priority: str) -> None:
    body = factory.task(priority=priority)
    assert 3 <= len(body["title"]) <= contract.TITLE_MAX_CHARS
    assert body["priority"] == priority
