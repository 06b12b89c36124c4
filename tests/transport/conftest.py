"""A client that is gone after its test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadtest.transport.client import SocketIOClient

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client() -> Iterator[SocketIOClient]:
    made = SocketIOClient(reconnection=False, request_timeout=1)
    yield made
    made.shutdown()
