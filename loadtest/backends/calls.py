"""What an adapter deals in: event names, REST calls, and the data that a run wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loadtest.backends.accounts import Account
    from loadtest.backends.rest import RestClient
    from loadtest.backends.tokens import Mint


@dataclass(frozen=True, slots=True)
class Words:
    """The names of the events by which a client gets into a room and out of it, and of their answers."""

    join: str
    joined: str
    leave: str
    left: str
    refused: str


@dataclass(frozen=True, slots=True)
class Call:
    """One REST call; body: as JSON."""

    method: str
    path: str
    body: Any


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run wants its data to be; what of it a backend has no use for, it leaves.

    run_id: names what is made. client: for REST calls. database_url, mint, token, accounts: of the options; empty
    or None where they were not given. new_token: gives a fresh token in place of `token`, by `--token-command`;
    None without it. lifetime_s: how long minted tokens are good, and those that do not say. rooms_each: rooms in a
    row with one owner. tasks_each: tasks that each room has before the load. keep: whether it stays when the run
    is over.
    """

    run_id: str
    client: RestClient
    database_url: str = ""
    mint: Mint | None = None
    token: str = ""
    new_token: Callable[[], str] | None = None
    accounts: Sequence[Account] = ()
    lifetime_s: int = 0
    rooms_each: int = 1
    tasks_each: int = 0
    keep: bool = False
