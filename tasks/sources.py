"""The source addresses that triggers leave from in turn. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtest.measurement.throttle import AddressBudget

if TYPE_CHECKING:
    from collections.abc import Sequence


class Source:
    """One source address and what is left of its budget.

    :param address: a local address; None for the system's choice.
    """

    __slots__ = ("address", "budget")

    def __init__(self, host: str, address: str | None) -> None:
        self.address = address
        self.budget = AddressBudget(host, address or "")


class Sources:
    """All source addresses of one worker's triggers to one instance of the backend.

    :param host: the instance's URL.
    :param addresses: local addresses; empty for the system's choice.
    :param worker: this worker's number from 0. Workers begin at different addresses, so that addresses that
        several workers share are used evenly.
    """

    def __init__(self, host: str, addresses: Sequence[str], worker: int = 0, workers: int = 1) -> None:
        self._sources = [Source(host, address) for address in addresses] or [Source(host, None)]
        self._next = worker * len(self._sources) // workers

    @property
    def budgets(self) -> list[AddressBudget]:
        """Budget of each address, as the backend's throttle treats it."""
        return [source.budget for source in self._sources]

    def take(self, now_s: float) -> Source | None:
        """Return the next address that does not have to be quiet; None if all have to.

        :param now_s: on the monotonic clock.
        """
        count = len(self._sources)
        for place in range(self._next, self._next + count):
            source = self._sources[place % count]
            if not source.budget.is_quiet(now_s):
                self._next = (place + 1) % count
                source.budget.begin_window()
                return source
        return None
