"""Which clients of a process have their packets logged: the first of all, or the first of a user class."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Final

from loadtest.transport.packet_log import PacketLog

if TYPE_CHECKING:
    from collections.abc import Mapping

LOGGER: Final = logging.getLogger("loadtest.packets")
"""Takes a line for each packet; shown whatever the level of other loggers."""
ANYBODY: Final = ""
"""Stands for all user classes."""


class DebugClients:
    """Gives logs to the first clients that are made, and none to all others.

    :param numbers: user class -> how many of its clients; `ANYBODY` -> how many of all.
    """

    def __init__(self, numbers: Mapping[str, int]) -> None:
        self._left = +Counter(numbers)
        self._made: Counter[str] = Counter()

    def log_for(self, name: str) -> PacketLog | None:
        """Return where a new client logs its packets; None if it does not.

        :param name: of the class of its user.
        """
        if not self._left:
            return None
        self._made[name] += 1
        chosen = name if self._left[name] else ANYBODY
        if not self._left[chosen]:
            return None
        self._left[chosen] -= 1
        self._left = +self._left
        return packet_log(f"{name} {self._made[name]}")


def packet_log(name: str) -> PacketLog:
    """Return a log of one client's packets, into `LOGGER`.

    :param name: of the client; each line has it.
    """
    LOGGER.setLevel(logging.DEBUG)
    return PacketLog(name, LOGGER.debug)
