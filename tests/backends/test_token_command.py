"""The command that prints a token: what it may print, and what is wrong with it in one line."""

from __future__ import annotations

import pytest

from loadtest.backends.token_command import TokenCommand
from loadtest.errors import Fault, Owner


def test_it_prints_a_token_each_time_anew(tmp_path) -> None:  # type: ignore[no-untyped-def]
    command = TokenCommand(f"date >> {tmp_path}/count; wc -l < {tmp_path}/count; echo complaint >&2")
    assert [command.token(), command.token()] == ["1", "2"]


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("echo 'hidden'; echo 'no such user' >&2; exit 3", "ended with 3: no such user"),
        ("exit 1", "ended with 1: no error output"),
        ("no-such-command-at-all", "ended with 127"),
        ("true", "printed nothing"),
        ("echo; echo ' '", "printed nothing"),
        ("echo hidden; echo hidden", "printed 2 lines"),
        ("kill -9 $$", "ended with -9"),
    ],
)
def test_what_is_wrong_is_one_line_without_what_may_be_secret(command: str, what: str) -> None:
    with pytest.raises(Fault) as raised:
        TokenCommand(command).token()
    assert raised.value.owner is Owner.USER
    text = str(raised.value)
    assert f"--token-command {what}" in text
    assert "\n" not in text
    assert "hidden" not in text


def test_one_that_hangs_is_ended_with_all_that_it_has_started() -> None:
    with pytest.raises(Fault, match=r"no token within 0\.3 s"):
        TokenCommand("sleep 100 & sleep 100; echo late", timeout_s=0.3).token()
