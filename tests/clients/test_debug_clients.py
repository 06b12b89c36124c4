"""Which clients of a process log their packets."""

from __future__ import annotations

import pytest

from loadtest.clients.debug_clients import ANYBODY, DebugClients


def chosen(numbers: dict[str, int], made: str) -> list[bool]:
    """Whether each of the clients that are made logs, by the first letter of its user class."""
    names = {"V": "Viewer", "C": "Churner"}
    clients = DebugClients(numbers)
    return [clients.log_for(names[one]) is not None for one in made]


@pytest.mark.parametrize(
    ("numbers", "made", "log"),
    [
        ({}, "VC", ".."),
        ({ANYBODY: 0}, "V", "."),
        ({ANYBODY: 2}, "VCV", "++."),
        ({"Churner": 1}, "VVCC", "..+."),
        ({"Churner": 1, "Viewer": 2}, "VCVVC", "+++.."),
        ({"Churner": 1, ANYBODY: 1}, "CCV", "++."),
    ],
)
def test_the_first_that_are_made(numbers: dict[str, int], made: str, log: str) -> None:
    assert chosen(numbers, made) == [one == "+" for one in log]
