"""What an OPEN packet says of the largest message."""

from __future__ import annotations

import pytest

from loadtest.transport.opening import announced_limit


@pytest.mark.parametrize(
    ("packet", "limit"),
    [
        ('0{"sid":"s","maxPayload":1000000}', 1_000_000),
        ('0{"sid":"s"}', 0),
        ('0{"maxPayload":"1000000"}', 0),
        ('0{"maxPayload":-1}', 0),
        ("0[]", 0),
        ("0", 0),
        ("", 0),
        ('4{"maxPayload":5}', 0),
    ],
)
def test_the_limit_that_a_server_announces(packet: str, limit: int) -> None:
    assert announced_limit(packet) == limit
