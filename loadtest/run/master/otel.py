"""Tells OpenTelemetry how the run goes, where Locust's `--otel` has set it up; from the master alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loadtest.measurement.names import sound
from loadtest.measurement.validity import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_QUANTILES: Final = ("p50", "p90", "p99", "p999", "max")
_OUTCOMES: Final = ("expected", "delivered", "lost", "duplicate", "reordered", "leaked")


def observe(snapshot: Callable[[], Mapping[str, Any]]) -> None:
    """Have each export read what is known then. Needs `opentelemetry-sdk`, as Locust's switch does.

    :param snapshot: see `live.snapshot`.
    """
    from opentelemetry import metrics

    meter = metrics.get_meter("loadtest")

    def gauge(name: str, unit: str, text: str, rows: Callable[[Mapping[str, Any]], Any]) -> None:
        def read(_options: Any) -> Iterator[Any]:
            for value, labels in rows(snapshot()):
                yield metrics.Observation(value, labels)

        meter.create_observable_gauge(name, callbacks=[read], unit=unit, description=text)

    gauge("loadtest.delivery.latency", "s", "From when a broadcast was due to when it was received.", _latencies)
    gauge("loadtest.deliveries", "{delivery}", "By what became of them, as last counted.", _deliveries)
    gauge("loadtest.connected_clients", "{client}", "Clients connected.", _connected)
    gauge("loadtest.validity", "1", "1 for the verdict on the run's own numbers.", _verdict)


def _latencies(shown: Mapping[str, Any]) -> Iterator[tuple[float, dict[str, str]]]:
    for event, times in shown.get("latency_ms", {}).items():
        for quantile in _QUANTILES:
            if times[quantile] is not None:
                yield times[quantile] / 1000, {"event": sound(event), "quantile": quantile}


def _deliveries(shown: Mapping[str, Any]) -> Iterator[tuple[float, dict[str, str]]]:
    for row in shown["rooms"]:
        for outcome in _OUTCOMES:
            yield row[outcome], {"event": sound(row["event"]), "room_class": row["room_class"], "outcome": outcome}


def _connected(shown: Mapping[str, Any]) -> Iterator[tuple[float, dict[str, str]]]:
    if "connections" in shown:
        yield shown["connections"]["connected"], {}


def _verdict(shown: Mapping[str, Any]) -> Iterator[tuple[float, dict[str, str]]]:
    for name in VERDICTS:
        yield float(shown["verdict"] == name), {"verdict": name}
