"""Integration tests share the session's backends, and count the users that a run leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..support import Backend


@pytest.fixture(autouse=True)
def _no_users_of_earlier_tests(request: pytest.FixtureRequest) -> None:
    """Delete the users that tests of other files left: a backend has no call that deletes a user."""
    for name in {"backend", "documented", "as_built", "breakable"} & set(request.fixturenames):
        backend: Backend = request.getfixturevalue(name)
        backend.sql("DELETE FROM users WHERE email LIKE 'lt-%%'")
