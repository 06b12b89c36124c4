"""A run's `metrics.prom`: for a node exporter's folder of text files, or a push gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.registry import Collector

from loadtest.measurement import families
from loadtest.measurement.families import PREFIX, by, gauge
from loadtest.measurement.latency import QUANTILES_PER_100K
from loadtest.measurement.names import sound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prometheus_client.core import Metric

    from loadtest.measurement.objective_results import ObjectiveResult
    from loadtest.measurement.outcome import Outcome

_TIMES: Final = (
    "fan_out_ms",
    "completion_ms",
    "completion_lag_ms",
    "replay_ms",
    "connect_ms",
    "join_ms",
    "trigger_ms",
    "loop_lag_ms",
    "generator_delay_ms",
)


def render(summary: dict[str, Any], outcome: Outcome, objectives: Sequence[ObjectiveResult]) -> str:
    """The text format, in base units: seconds, and counts."""
    registry = CollectorRegistry()
    registry.register(_Run(summary, outcome, objectives))
    return generate_latest(registry).decode()


class _Run(Collector):
    """One run's summary as metrics."""

    def __init__(self, summary: dict[str, Any], outcome: Outcome, objectives: Sequence[ObjectiveResult]) -> None:
        self._summary = summary
        self._outcome = outcome
        self._objectives = objectives

    def collect(self) -> Iterator[Metric]:
        """See `Collector`."""
        summary = self._summary
        labels = {"run_id": summary["run_id"], "target": summary["target"], "profile": summary["profile"]}
        info = GaugeMetricFamily(PREFIX + "run_info", "What was run against what.", labels=list(labels))
        info.add_metric([sound(str(value)) for value in labels.values()], 1)
        yield info
        yield from families.outcome(self._outcome.word, self._outcome.code)
        yield families.verdict(summary["validity"]["verdict"])
        yield gauge("duration_seconds", "How long the run took.", summary["duration_s"])
        yield gauge("clients_connected_most", "Clients connected at once.", summary["connections"]["most"])
        yield by("deliveries", "Deliveries, by what became of them.", "outcome", summary["deliveries"])
        yield by("triggers", "Triggers, by what became of them.", "outcome", summary["triggers"])
        yield from families.objectives(result.to_json() for result in self._objectives)
        yield _times("delivery_latency_seconds", "From due to received.", "event", summary["latency_ms"])
        yield _times("connect_phase_seconds", "Phases of a connect.", "phase", summary["connect_phases_ms"])
        for name in _TIMES:
            seconds = name.removesuffix("_ms") + "_seconds"
            yield _times(seconds, "See docs/run-record.md.", None, {"": summary[name]})
        for whose in ("backend", "generator"):
            if (memory := summary["memory"][whose]) is not None:
                yield gauge(f"{whose}_memory_bytes", "Median resident memory.", memory["mb"] * 1e6)


def _times(name: str, text: str, label: str | None, rows: dict[str, dict[str, Any]]) -> SummaryMetricFamily:
    family = SummaryMetricFamily(PREFIX + name, text, labels=[label] if label else [])
    for key, times in rows.items():
        labels = {label: sound(key)} if label else {}
        count = times["count"]
        family.add_sample(PREFIX + name + "_count", labels, count)
        family.add_sample(PREFIX + name + "_sum", labels, (times["mean"] or 0.0) * count / 1000)
        for quantile, per_100k in QUANTILES_PER_100K.items():
            if times[quantile] is not None:
                of = {**labels, "quantile": f"{per_100k / 100_000:g}"}
                family.add_sample(PREFIX + name, of, times[quantile] / 1000)
    return family
