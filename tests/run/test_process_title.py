from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from loadtest.run.options import options
from loadtest.run.process_title import without

SECRETS = options.SECRETS_AS_GIVEN


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["locust", "--jwt-secret", "s", "--rooms", "3"], ["locust", "--jwt-secret", "…", "--rooms", "3"]),
        (["locust", "--database-url=p"], ["locust", "--database-url=…"]),
        (
            ["locust", "--jwt-s", "s", "--data=p", "--acc", "a"],
            ["locust", "--jwt-s", "…", "--data=…", "--acc", "…"],
        ),
        (["locust", "--rooms", "3"], ["locust", "--rooms", "3"]),
        (["locust", "--token-lifetime", "3"], ["locust", "--token-lifetime", "3"]),
        (["locust", "--accounts-file", "a"], ["locust", "--accounts-file", "a"]),
    ],
)
def test_values_of_secrets_are_left_out(given: list[str], shown: list[str]) -> None:
    assert without(given, SECRETS) == shown


def test_others_on_the_machine_do_not_see_them() -> None:
    code = (
        "import sys; from loadtest.run import process_title; from loadtest.run.options import options;"
        "process_title.hide(sys.argv, options.SECRETS_AS_GIVEN); print(flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, "--jwt-secret", "the-secret", "--rooms", "3"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        shown = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.communicate()
    assert b"--jwt-secret" in shown
    assert b"the-secret" not in shown
