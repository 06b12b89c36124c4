"""Fresh tokens: by the adapter, by a command, and when they are due."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loadtest.backends.plan import Room
from loadtest.backends.token_command import TokenCommand
from loadtest.backends.tokens import Mint
from loadtest.errors import Fault
from loadtest.run.master.token_renewal import TokenRenewal

if TYPE_CHECKING:
    from collections.abc import Callable

ROOMS = [Room("a", "", "old"), Room("b", "", "another's"), Room("c", "", "old")]


class Adapter:
    """Its way to make rooms; only `refresh` is asked for."""

    def __init__(self, refresh: Callable[[], list[str]]) -> None:
        self.refresh = refresh

    def create(self, count: int) -> tuple[Room, ...]:
        raise NotImplementedError

    def foreign(self) -> Room | None:
        raise NotImplementedError

    def remove(self) -> None:
        raise NotImplementedError


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_opaque_tokens_end_with_their_lifetime_and_the_fresh_ones_with_theirs() -> None:
    clock = Clock()
    renewal = TokenRenewal("", None, 60, clock)
    clock.now_s = 1010
    renewal.begin(may_be_opaque=True)
    clock.now_s = 1030
    assert renewal.end_in_s(ROOMS) == 40
    assert renewal.fresh(Adapter(lambda: ["x", "y", "z"]), ROOMS) == ["x", "y", "z"]
    assert renewal.end_in_s(ROOMS) == 60
    clock.now_s = 1050
    assert renewal.fresh(Adapter(list), ROOMS) == []
    assert renewal.end_in_s(ROOMS) == 40, "none were made"


def test_a_token_s_own_end_counts_before_the_option() -> None:
    renewal = TokenRenewal("", None, 60, lambda: 1000.0)
    token = Mint("s" * 32).token("id", "a@b.c", 1000, 20)
    assert renewal.end_in_s([Room("a", "", token), *ROOMS]) == 20
    assert renewal.end_in_s([Room("a", "", "")]) is None


def test_a_command_s_token_takes_the_place_of_its_last_one_where_the_adapter_knows_of_none(tmp_path: Path) -> None:
    count = tmp_path / "count"
    renewal = TokenRenewal("", TokenCommand(f"date >> {count}; echo token-$(wc -l < {count})"), 60)
    renewal.begin(may_be_opaque=False)
    assert renewal.token == "token-1"
    rooms = [Room("a", "", "token-1"), Room("b", "", "another's")]
    assert renewal.fresh(Adapter(list), rooms) == ["token-2", "another's"]
    assert renewal.fresh(Adapter(lambda: [renewal.new(), "b"]), rooms) == ["token-3", "b"]


def test_a_command_is_not_run_for_tokens_that_it_did_not_give(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    renewal = TokenRenewal("", TokenCommand(f"touch {ran}; echo token"), 60)
    assert renewal.fresh(Adapter(list), [Room("a", "", "the adapter's own")]) == []
    assert not ran.exists()


def test_a_given_token_has_to_be_good() -> None:
    with pytest.raises(Fault, match="not a JWT"):
        TokenRenewal("garbage", None, 60).begin(may_be_opaque=False)
    TokenRenewal("garbage", None, 60).begin(may_be_opaque=True)
