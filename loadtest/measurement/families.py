"""What the Prometheus metrics of a run under way, and of one that is over, have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prometheus_client.core import GaugeMetricFamily

from loadtest.measurement.names import sound
from loadtest.measurement.outcome import OutcomeWord
from loadtest.measurement.validity import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PREFIX: Final = "loadtest_"


def gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    """One value."""
    return GaugeMetricFamily(PREFIX + name, text, value=value)


def by(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    """Several, by a label."""
    family = GaugeMetricFamily(PREFIX + name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([sound(key)], value)
    return family


def verdict(name: str) -> GaugeMetricFamily:
    """1 for the verdict."""
    values = {each: float(each == name) for each in VERDICTS}
    return by("validity", "1 for the verdict on the run's own numbers.", "verdict", values)


def outcome(word: OutcomeWord, exit_code: int) -> Iterator[GaugeMetricFamily]:
    """Give 1 for the outcome of a run that is over, and its exit code."""
    values = {each.value: float(each is word) for each in OutcomeWord}
    yield by("outcome", "1 for how the run came out.", "word", values)
    yield gauge("exit_code", "Exit code of the run: 0 only if it passed.", exit_code)


def objectives(rows: Iterable[Mapping[str, Any]]) -> Iterator[GaugeMetricFamily]:
    """Give whether each passed, and what was measured."""
    names = ["name", "figure", "phase"]
    passed = GaugeMetricFamily(PREFIX + "objective_passed", "1 if it passed, 0 if it failed.", labels=names)
    value = GaugeMetricFamily(PREFIX + "objective_value", "In the figure's own unit.", labels=names)
    for row in rows:
        labels = [sound(row[name]) for name in names]
        if row["passed"] is not None:
            passed.add_metric(labels, float(row["passed"]))
        if row["value"] is not None:
            value.add_metric(labels, row["value"])
    yield passed
    yield value
