from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from loadtest.errors import Fault
from loadtest.run import roll_call
from loadtest.run.roll_call import Answer, check, digest_of

PORTS = 28_000
LACKS = [["expected firefox-esr, got none", "Install it."]]
ROOT = Path(roll_call.__file__).resolve().parent.parent


def test_workers_that_fit_are_taken() -> None:
    check(
        "v", ["a", "b"], {"a": Answer("v", 1128, "kernel", PORTS), "b": Answer("v", 1128, "kernel", PORTS)}, 2000
    )


@pytest.mark.parametrize(
    ("answers", "users", "said"),
    [
        (
            {"a": Answer("v", 9999, "kernel", PORTS), "b": Answer("w", 9999, "kernel", PORTS)},
            1,
            "worker b runs another version",
        ),
        ({"a": Answer("v", 9999, "kernel", PORTS)}, 1, "worker b did not answer"),
        (
            {"a": Answer("v", 1128, "kernel", PORTS), "b": Answer("v", 1128, "kernel", PORTS)},
            2001,
            "1001 connections would go to worker a, which may hold 1000 .* to 1129, or start 3 workers",
        ),
        (
            {"a": Answer("v", 99_999, "kernel", PORTS), "b": Answer("v", 99_999, "kernel", 200)},
            500,
            "250 connections would go to worker b, whose addresses have 200 ports .* or start 3 workers",
        ),
        (
            {"a": Answer("v", 9999, "kernel", PORTS, LACKS), "b": Answer("v", 9999, "kernel", PORTS)},
            1,
            r"--canaries on the machine of worker a: expected firefox-esr, got none .*\. Install it\.",
        ),
    ],
)
def test_what_cannot_work_is_refused(answers: dict[str, Answer], users: int, said: str) -> None:
    with pytest.raises(Fault, match=said):
        check("v", ["a", "b"], answers, users)


def test_only_the_first_worker_has_canaries() -> None:
    check(
        *("v", ["a", "b"]),
        {"a": Answer("v", 1128, "kernel", PORTS), "b": Answer("v", 1128, "kernel", PORTS, LACKS)},
        1,
    )


def test_an_answer_travels() -> None:
    answer = Answer("v", 5, "kernel", PORTS, LACKS)
    assert Answer(**answer.to_message()) == answer


def test_the_version_changes_with_the_code_and_the_packages_and_not_with_the_place(tmp_path: Path) -> None:
    packages = {"locust": "2.47.0"}
    here = digest_of(ROOT, packages)
    for room in roll_call._ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room)
    for file in ("errors.py", "locustfile.py"):
        shutil.copy(ROOT / file, tmp_path / file)
    assert digest_of(tmp_path, packages) == here
    assert digest_of(tmp_path, {"locust": "2.47.1"}) != here
    (tmp_path / "users" / "viewer.py").write_text("# changed\n")
    assert digest_of(tmp_path, packages) != here
