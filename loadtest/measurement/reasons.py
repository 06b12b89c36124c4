"""Why things failed, counted by one-line reason; a backend that words each failure anew fills no memory."""

from __future__ import annotations

from collections import Counter
from typing import Final

from loadtest.measurement.names import visible

_MOST: Final = 100
_OTHERS: Final = "other reasons"


class Reasons(Counter[str]):
    """Reason -> how often."""

    def note(self, reason: str) -> None:
        """It happened once more."""
        reason = visible(reason)
        self[reason if reason in self or len(self) < _MOST else _OTHERS] += 1
