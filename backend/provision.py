"""Gets a run its rooms by SQL: projects with owners, agents and tokens; and removes them when the run is over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from .plan import Room
from .rows import Rows

if TYPE_CHECKING:
    from .rows import OwnedRoom
    from .tokens import Mint


class Provision(Protocol):
    """A way to make rooms."""

    def create(self, count: int) -> tuple[Room, ...]:
        """Make rooms; all of them, or a fault and none."""
        ...

    def foreign(self) -> Room | None:
        """One more room, of somebody who owns none of the others; None if there is no way to."""
        ...

    def refresh(self) -> list[str]:
        """Fresh tokens for the owners of the rooms, in their order; none if there is no way to.

        :raises Fault: if it fails.
        """
        ...

    def remove(self) -> None:
        """Remove what was made."""
        ...


class SqlProvision:
    """Makes rows in the backend's database and mints tokens with the backend's secret.

    :param lifetime_s: how long tokens are good for.
    :param rooms_each: how many rooms in a row have the same owner.
    """

    def __init__(
        self,
        database_url: str,
        mint: Mint,
        run_id: str,
        lifetime_s: int,
        *,
        rooms_each: int = 1,
        tasks_each: int = 0,
        keep: bool = False,
    ) -> None:
        self._rows = Rows(database_url, run_id, keep=keep)
        self._mint = mint
        self._lifetime_s = lifetime_s
        self._rooms_each = rooms_each
        self._tasks_each = tasks_each
        self._owned: list[OwnedRoom] = []

    def create(self, count: int) -> tuple[Room, ...]:
        """Sweep what cut-off runs left, then make rooms."""
        self._rows.sweep()
        self._owned = self._rows.create_rooms(count, self._tasks_each, self._rooms_each)
        return tuple(map(self._room, self._owned))

    def foreign(self) -> Room | None:
        """One more, with an owner of its own."""
        (owned,) = self._rows.create_rooms(1)
        return self._room(owned)

    def refresh(self) -> list[str]:
        """Mint again."""
        return [self._token(owned) for owned in self._owned]

    def remove(self) -> None:
        """Remove this run's rows, unless they shall be kept."""
        try:
            self._rows.remove()
        finally:
            self._rows.close()

    def _room(self, owned: OwnedRoom) -> Room:
        return Room(owned.project_id, owned.agent_id, self._token(owned), owned.user_id)

    def _token(self, owned: OwnedRoom) -> str:
        return self._mint.token(owned.user_id, owned.email, int(time.time()), self._lifetime_s)
