from __future__ import annotations

from argparse import Namespace
from typing import Any

import pytest

from loadtest.errors import Fault
from loadtest.run.options import attacks

REMOTE = "https://staging.example.org"


def check(host: str | None = REMOTE, **given: Any) -> None:
    options = {
        "mix": "",
        "tags": None,
        "exclude_tags": None,
        "user_classes": [],
        "class_picker": False,
        "allow_remote_target": False,
    }
    attacks.check(Namespace(host=host, **(options | given)))


@pytest.mark.parametrize(
    "played",
    [
        {"tags": ["security"]},
        {"mix": "Viewer=10,Intruder=2"},
        {"user_classes": ["Intruder"]},
        {"tags": ["core", "security"], "mix": "Intruder=1"},
    ],
)
def test_attacks_on_another_machine_are_asked_for_in_so_many_words(played: dict[str, Any]) -> None:
    with pytest.raises(Fault, match=r"staging.example.org is another machine.*--allow-remote-target"):
        check(**played)
    check(**played, allow_remote_target=True)
    check("http://127.0.0.1:3000", **played)


@pytest.mark.parametrize(
    "played",
    [
        {},
        {"tags": ["core"]},
        {"tags": ["stress", "production"]},
        {"mix": "Viewer=10,Churner=2"},
        {"mix": "Intruder=1", "tags": ["core"]},
        {"tags": ["security"], "exclude_tags": ["security"]},
    ],
)
def test_what_is_no_attack_goes_anywhere(played: dict[str, Any]) -> None:
    check(**played)


@pytest.mark.parametrize(
    "host", ["http://127.0.0.9:1", "http://[::1]:1", "http://localhost:3000", "http://a.localhost"]
)
def test_this_machine(host: str) -> None:
    check(host, tags=["security"])


@pytest.mark.parametrize(
    "host", ["http://10.0.0.1", "http://localhost.example.org", "http://127.0.0.1:1, http://b:2"]
)
def test_other_machines_one_of_several_too(host: str) -> None:
    with pytest.raises(Fault):
        check(host, tags=["security"])
