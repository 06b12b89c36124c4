"""Turns at an even rate. Pure: the time comes in as an argument.

Locust starts users in batches, one a second; a whole batch that connects at once waits in its own process's queue,
and would take that for the backend's time.
"""

from __future__ import annotations

from typing import Final

AT_ONCE: Final = 20
"""Turns that are given together after a pause: as many as the guide wants to see connect at the same time."""


class Pace:
    """Gives turns: `AT_ONCE` together, then one after the other; by the generic cell rate algorithm (ITU-T I.371).

    :param per_s: how many a second; 0 for as many as want one.
    """

    def __init__(self, per_s: float) -> None:
        self._every_s = 1 / per_s if per_s else 0.0
        self._together_s = (AT_ONCE - 1) * self._every_s
        self._due_s = 0.0

    def wait_s(self, now_s: float, most_s: float = float("inf")) -> float:
        """How long to wait for the next turn, which is taken with that.

        :param now_s: monotonic time.
        :param most_s: who would wait longer goes then, together with others.
        """
        due_s = min(max(self._due_s, now_s), now_s + self._together_s + most_s)
        self._due_s = due_s + self._every_s
        return max(due_s - self._together_s - now_s, 0.0)
