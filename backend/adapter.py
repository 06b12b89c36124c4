"""What the load has to know of a backend. Another backend is another module with a `BACKEND`: `--backend NAME`."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from faults import Fault, Owner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from measure.sighting import FrameReader

    from .accounts import Account
    from .plan import Room
    from .provision import Provision
    from .rest import RestClient
    from .tokens import Mint

PROMETHEUS: Final = "backend.prometheus"


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
    or None where they were not given. lifetime_s: of minted tokens. rooms_each: rooms in a row with one owner.
    tasks_each: tasks that each room has before the load. keep: whether it stays when the run is over.
    """

    run_id: str
    client: RestClient
    database_url: str = ""
    mint: Mint | None = None
    token: str = ""
    accounts: Sequence[Account] = ()
    lifetime_s: int = 0
    rooms_each: int = 1
    tasks_each: int = 0
    keep: bool = False


class Adapter(Protocol):
    """See the module.

    reader: how its broadcasts carry traces. words: see `Words`. trigger_name: of its triggers, in Locust's
    statistics. plays_scenarios: whether `scenarios` are about it.
    """

    reader: FrameReader
    words: Words
    trigger_name: str
    plays_scenarios: bool

    def check(self, client: RestClient) -> str:
        """Make sure that it answers; how it calls its build.

        :raises Fault: if it does not, or something else does.
        """
        ...

    def provision(self, wanted: Wanted) -> Provision:
        """What makes rooms, and removes them."""
        ...

    def check_rooms(self, client: RestClient, rooms: tuple[Room, ...]) -> None:
        """Make sure that it takes the tokens, and knows the rooms.

        :raises Fault: if it does not.
        """
        ...

    def is_about(self, room_id: str, answer: Any) -> bool:
        """Whether the first argument of a `joined` or a `left` speaks of this room."""
        ...

    def trigger(self, room: Room, title: str) -> Call:
        """What makes it broadcast to a room.

        :param title: has the trace: some broadcast of each trigger has to have it, as it is.
        """
        ...

    def key_of(self, answer: Any) -> str:
        """Of the answer to a trigger: the id in those broadcasts that have no trace; empty if there are none.

        An answer that it cannot be read from may raise what reading it raises: such a trigger has failed.
        """
        ...


@lru_cache
def load(name: str) -> Adapter:
    """A module's adapter.

    :raises Fault: if there is none.
    """
    try:
        found: Adapter = importlib.import_module(name).BACKEND
    except (ImportError, AttributeError) as error:
        raise Fault(
            Owner.USER,
            f"there is no backend {name}: {error}",
            "--backend names a module with a BACKEND that can be imported from here: docs/another-backend.md.",
        ) from error
    return found
