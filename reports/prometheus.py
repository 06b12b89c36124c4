"""A run's `metrics.prom`: for a node exporter's folder of text files, or a push gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.registry import Collector

from measure.latency import QUANTILES_PER_100K

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

_PREFIX: Final = "loadtest_"
_VERDICTS: Final = ("valid", "suspect", "invalid")
_TIMES: Final = (
    "fan_out_ms",
    "replay_ms",
    "connect_ms",
    "join_ms",
    "trigger_ms",
    "loop_lag_ms",
    "generator_delay_ms",
)


def render(summary: dict[str, Any]) -> str:
    """The text format, in base units: seconds, and counts."""
    registry = CollectorRegistry()
    registry.register(_Run(summary))
    return generate_latest(registry).decode()


class _Run(Collector):
    """One run's summary as metrics."""

    def __init__(self, summary: dict[str, Any]) -> None:
        self._summary = summary

    def collect(self) -> Iterator[Metric]:
        """See `Collector`."""
        summary = self._summary
        labels = {"run_id": summary["run_id"], "target": summary["target"], "profile": summary["profile"]}
        info = GaugeMetricFamily(_PREFIX + "run_info", "What was run against what.", labels=list(labels))
        info.add_metric([str(value) for value in labels.values()], 1)
        yield info
        verdict = GaugeMetricFamily(
            _PREFIX + "validity", "1 for the verdict that the run got.", labels=["verdict"]
        )
        for name in _VERDICTS:
            verdict.add_metric([name], float(summary["validity"]["verdict"] == name))
        yield verdict
        yield _gauge("duration_seconds", "How long the run took.", summary["duration_s"])
        yield _gauge("clients_connected_most", "Clients connected at once.", summary["connections"]["most"])
        yield _by("deliveries", "Deliveries, by what became of them.", "outcome", summary["deliveries"])
        yield _by("triggers", "Triggers, by what became of them.", "outcome", summary["triggers"])
        yield from self._objectives()
        yield _times("delivery_latency_seconds", "From due to received.", "event", summary["latency_ms"])
        yield _times("connect_phase_seconds", "Phases of a connect.", "phase", summary["connect_phases_ms"])
        for name in _TIMES:
            seconds = name.removesuffix("_ms") + "_seconds"
            yield _times(seconds, "See docs/run-record.md.", None, {"": summary[name]})
        for whose in ("backend", "generator"):
            if (memory := summary["memory"][whose]) is not None:
                yield _gauge(f"{whose}_memory_bytes", "Median resident memory.", memory["mb"] * 1e6)

    def _objectives(self) -> Iterator[Metric]:
        rows = self._summary["slo"]
        names = ["name", "figure", "phase"]
        passed = GaugeMetricFamily(_PREFIX + "objective_passed", "1 if it holds on a valid run.", labels=names)
        value = GaugeMetricFamily(_PREFIX + "objective_value", "In the figure's own unit.", labels=names)
        for row in rows:
            labels = [row[name] for name in names]
            if row["passed"] is not None:
                passed.add_metric(labels, float(row["passed"]))
            if row["value"] is not None:
                value.add_metric(labels, row["value"])
        yield passed
        yield value


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, text, value=value)


def _by(name: str, text: str, label: str, values: dict[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(_PREFIX + name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _times(name: str, text: str, label: str | None, rows: dict[str, dict[str, Any]]) -> SummaryMetricFamily:
    family = SummaryMetricFamily(_PREFIX + name, text, labels=[label] if label else [])
    for key, times in rows.items():
        labels = {label: key} if label else {}
        count = times["count"]
        family.add_sample(_PREFIX + name + "_count", labels, count)
        family.add_sample(_PREFIX + name + "_sum", labels, (times["mean"] or 0.0) * count / 1000)
        for quantile, per_100k in QUANTILES_PER_100K.items():
            if times[quantile] is not None:
                of = {**labels, "quantile": f"{per_100k / 100_000:g}"}
                family.add_sample(_PREFIX + name, of, times[quantile] / 1000)
    return family
