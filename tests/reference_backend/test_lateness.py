from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from lab.reference_backend.fault_options import Stop
from lab.reference_backend.injection import Delivery
from lab.reference_backend.lateness import Lateness


def sent_by(deliveries: list[Delivery], wait_s: float = 0.1) -> list[tuple[str, Any, float]]:
    """(member, payload, after so many seconds)."""
    sent: list[tuple[str, Any, float]] = []

    async def run() -> None:
        began_s = time.monotonic()

        async def emit(_event: str, payload: Any, member: str) -> None:
            sent.append((member, payload, time.monotonic() - began_s))

        lateness = Lateness(emit)
        for delivery in deliveries:
            await lateness.send("e", delivery)
        await asyncio.sleep(wait_s)

    asyncio.run(run())
    return sent


def test_what_is_not_late_goes_out_at_once() -> None:
    sent = sent_by([Delivery("a", {"n": 1}), Delivery("b", {"n": 2})], wait_s=0.0)
    assert [(member, payload["n"]) for member, payload, _ in sent] == [("a", 1), ("b", 2)]


def test_a_member_gets_everything_in_order_and_not_before_its_delay() -> None:
    sent = sent_by([Delivery("a", {"n": n}, late_s) for n, late_s in enumerate((0.05, 0.01, 0.0, 0.02))])
    assert [payload["n"] for _, payload, _ in sent] == [0, 1, 2, 3]
    assert all(after_s >= 0.05 for _, _, after_s in sent)


def test_everything_stands_still_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stood_s: list[float] = []
    monkeypatch.setattr(time, "sleep", stood_s.append)

    async def run() -> None:
        lateness = Lateness(lambda *_: asyncio.sleep(0))
        for _ in range(2):
            lateness.stop_once(Stop(0.01, 0.2))
        await asyncio.sleep(0.05)

    asyncio.run(run())
    assert stood_s == [0.2]
