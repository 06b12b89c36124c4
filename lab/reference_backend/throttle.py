"""The backend's HTTP throttle: a budget per handler and source address, blocked for a window when spent."""

from __future__ import annotations

import math
from dataclasses import dataclass

from loadtest.backends.prometheus import contract

_PLAIN_LIMIT = 100
_PLAIN_WINDOW_S = 60


@dataclass(slots=True)
class _Budget:
    opened_s: float
    hits: int = 0
    blocked_until_s: float = 0.0


class Window:
    """One budget of `limit` requests in `window_s` seconds for each key; pure, time is an argument."""

    def __init__(self, limit: int, window_s: int) -> None:
        self._limit = limit
        self._window_s = window_s
        self._budgets: dict[tuple[str, str], _Budget] = {}

    def hit(self, key: tuple[str, str], now_s: float) -> int | None:
        """Count one request; seconds until the key is free again if it is refused, else None."""
        budget = self._budgets.get(key)
        if budget is None or now_s >= max(budget.opened_s + self._window_s, budget.blocked_until_s):
            budget = self._budgets[key] = _Budget(opened_s=now_s)
        budget.hits += 1
        if budget.hits <= self._limit:
            return None
        if not budget.blocked_until_s:
            budget.blocked_until_s = now_s + self._window_s
        # Adding and taking away a moment may leave a hair more than the window.
        return min(math.ceil(budget.blocked_until_s - now_s), self._window_s)


class Throttle:
    """The backend's two windows: `auth` (5 in 15 minutes as built) and a plain one (100 in a minute).

    :param limit: requests in the `auth` window; 0 switches both windows off. A raised limit raises the
        plain window too, as an operator does on staging.
    """

    def __init__(self, limit: int) -> None:
        self.enabled = limit > 0
        plain = _PLAIN_LIMIT if limit <= contract.THROTTLE_LIMIT else max(limit, _PLAIN_LIMIT)
        self._auth = Window(limit, contract.THROTTLE_WINDOW_S)
        self._plain = Window(plain, _PLAIN_WINDOW_S)

    def hit(self, handler: str, source: str, now_s: float) -> dict[str, str] | None:
        """Count one request; the headers of the 429 if it is refused, else None."""
        if not self.enabled:
            return None
        key = (handler, source)
        headers = {}
        if (retry_s := self._plain.hit(key, now_s)) is not None:
            headers["Retry-After"] = str(retry_s)
        if (retry_s := self._auth.hit(key, now_s)) is not None:
            headers[contract.THROTTLE_RETRY_HEADER] = str(retry_s)
        return headers or None
