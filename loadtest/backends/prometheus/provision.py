"""Gets a run its rooms by SQL: projects with owners, agents and tokens; and removes them when the run is over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from loadtest.backends.plan import Room
from loadtest.backends.prometheus.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtest.backends.prometheus.rows import OwnedRoom
    from loadtest.backends.tokens import Mint


class Provision(Protocol):
    """A way to make rooms.

    A provision that makes users and cannot remove them has a further method, `users_left`, which returns their
    e-mail addresses.
    """

    def create(self, count: int) -> tuple[Room, ...]:
        """Make rooms; all of them, or a fault and none."""
        ...

    def foreign(self) -> Room | None:
        """One more room, of somebody who owns none of the others; None if there is no way to."""
        ...

    def refresh(self) -> list[str]:
        """Return fresh tokens for the owners of the rooms, in their order; none if there is no way to get any.

        The master calls it when half of the first token's time is over, again and again. A token that does not say
        when it ends, as an opaque one, is taken to be good for `Wanted.lifetime_s` from when it was made.

        :raises Fault: if it fails; it is called again after a while.
        """
        ...

    def remove(self) -> None:
        """Remove everything that was made and can be removed.

        :raises Fault: if some of it stays.
        """
        ...


class CompletionSource(Protocol):
    """Optional part of a provision that knows which triggers' work is done."""

    def finished(self, triggers: Mapping[str, Room]) -> Mapping[str, float | None]:
        """Return the triggers whose work is done, by the backend's own data.

        Each comes with how many seconds ago its work was done, or None if the data does not say.

        :param triggers: the triggers' keys, see `Adapter.key_of`, with their rooms.
        :raises Fault: if the data is not available; the caller does not ask again.
        """
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

    def finished(self, triggers: Mapping[str, Room]) -> dict[str, float | None]:
        """Return the triggers whose work is done, by the tasks' rows."""
        return self._rows.finished(list(triggers))

    def _room(self, owned: OwnedRoom) -> Room:
        return Room(owned.project_id, owned.agent_id, self._token(owned), owned.user_id)

    def _token(self, owned: OwnedRoom) -> str:
        return self._mint.token(owned.user_id, owned.email, int(time.time()), self._lifetime_s)
