"""Sends later, to each member in order; and stands still."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from lab.reference_backend.fault_options import Stop
    from lab.reference_backend.injection import Delivery


class Lateness:
    """What an `Injector` wants to go out late.

    :param emit: sends (event, payload, member) at once.
    """

    def __init__(self, emit: Callable[[str, Any, str], Coroutine[Any, Any, None]]) -> None:
        self._emit = emit
        self._last_s: dict[str, float] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._stopped = False

    async def send(self, event: str, delivery: Delivery) -> None:
        """Send now, or have it sent: after its delay, and after all that this member is to get before it."""
        member, payload, delay_s = delivery
        if not delay_s and member not in self._last_s:
            await self._emit(event, payload, member)
            return
        loop = asyncio.get_running_loop()
        # Timers of one time have no order.
        at_s = max(loop.time() + delay_s, self._last_s.get(member, 0.0) + 1e-6)
        self._last_s[member] = at_s
        loop.call_at(at_s, self._start, event, payload, member)

    def _start(self, event: str, payload: Any, member: str) -> None:
        sending = asyncio.create_task(self._emit(event, payload, member))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    def stop_once(self, stop: Stop) -> None:
        """From the first call on, count the time to when everything stands still."""
        if stop.for_s and not self._stopped:
            self._stopped = True
            asyncio.get_running_loop().call_later(stop.after_s, time.sleep, stop.for_s)
