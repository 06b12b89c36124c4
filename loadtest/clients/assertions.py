"""Assertions that say what was expected and what came instead; the guide's `WebSocketAssertions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loadtest.clients.client import Client
    from loadtest.clients.helper import BroadcastResult
    from loadtest.clients.latency import Latency


def assert_connected(*clients: Client) -> None:
    """All of them are connected."""
    gone = [(number, client.end_reason) for number, client in enumerate(clients) if not client.connected]
    assert not gone, f"{len(gone)} of {len(clients)} clients are not connected: {gone[:10]}"


def assert_disconnected(*clients: Client) -> None:
    """None of them is connected."""
    there = [number for number, client in enumerate(clients) if client.connected]
    assert not there, f"{len(there)} of {len(clients)} clients are still connected: numbers {there[:10]}"


def assert_event(client: Client, event: str, **fields: Any) -> None:
    """The client has heard an event whose payload has these fields; it has to `listen` to it before."""
    heard = [one.data for one in client.heard if one.event == event]
    assert any(_has(data, fields) for data in heard), f"no {event} with {fields} among {heard[-5:]}"


def assert_silent(client: Client, event: str, **fields: Any) -> None:
    """The client has heard no such event."""
    heard = [one.data for one in client.heard if one.event == event and _has(one.data, fields)]
    assert not heard, f"{len(heard)} {event} with {fields}, and there should be none: {heard[-5:]}"


def assert_order(client: Client, event: str, field: str, expected: Sequence[Any]) -> None:
    """Of the events of a name, one field took these values, in this order."""
    heard = [one.data.get(field) for one in client.heard if one.event == event and isinstance(one.data, dict)]
    assert heard == list(expected), f"{event}.{field} was {heard}, and should be {list(expected)}"


def assert_broadcast(result: BroadcastResult) -> None:
    """Everybody got the same event, and each of them once."""
    assert result.exact, str(result)


def assert_latency(latency: Latency, *, average_ms: float = 50.0, max_ms: float = 200.0) -> None:
    """Below the guide's limits, or these."""
    assert latency.average_ms < average_ms, f"{latency}; the mean has to be below {average_ms:g} ms"
    assert latency.max_ms < max_ms, f"{latency}; the longest has to be below {max_ms:g} ms"


def assert_throughput(events_per_s: float, *, above: float = 100.0) -> None:
    """Above the guide's limit, or this."""
    assert events_per_s > above, f"{events_per_s:.0f} events a second, and it has to be more than {above:g}"


def _has(data: Any, fields: Mapping[str, Any]) -> bool:
    return not fields or (
        isinstance(data, dict) and all(data.get(name) == value for name, value in fields.items())
    )
