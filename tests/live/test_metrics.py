from __future__ import annotations

import json
import math
import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from loadtest.live import metrics, snapshot
from loadtest.measurement.latency import fold, new_histogram
from loadtest.measurement.objectives import Objective

from ..support import ROOT
from .courses import course, fleet_of


def samples_of(text: bytes) -> dict[tuple[str, ...], float]:
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            found[(sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items())))] = (
                sample.value
            )
    return found


def test_a_run_under_way_can_be_scraped() -> None:
    fleet = fleet_of()
    found = samples_of(metrics.render(snapshot.of_course(course(fleet)), dict(fleet.latencies)))
    assert found["loadtest_running", "run_id=run-1"] == 1
    assert found["loadtest_validity", "verdict=valid"] == 1
    assert found["loadtest_delivery_latency_seconds_bucket", "event=agentLog", "le=0.005"] == 6
    assert found["loadtest_delivery_latency_seconds_count", "event=agentLog"] == 12
    assert found["loadtest_deliveries", "event=agentLog", "outcome=lost", "room_class=20–99"] == 2
    assert found["loadtest_worker_clock_offset_seconds", "worker=1"] == 0.002
    assert found["loadtest_worker_cpu_ratio", "worker=0"] == 0.2
    assert found["loadtest_worker_resident_memory_bytes", "worker=0"] == 5e7
    assert found["loadtest_connected_clients",] == 60


def test_where_there_is_no_run_it_says_so() -> None:
    for state in (snapshot.idle(), snapshot.preparing(), snapshot.failed("why")):
        found = samples_of(metrics.render(state, {}))
        assert found["loadtest_validity", "verdict=valid"] == 0
        assert not [name for name, *_ in found if name.startswith("loadtest_running")]


@given(st.lists(st.integers(1, 10**8)))
def test_buckets_count_what_is_no_longer_than_their_bound(values_us: list[int]) -> None:
    histogram = new_histogram()
    fold(histogram, values_us)
    buckets, total_s = metrics.buckets_of(histogram)
    counts = [count for _, count in buckets]
    assert counts == sorted(counts)
    assert buckets[-1] == ("+Inf", len(values_us))
    for bound, count in buckets[:-1]:
        bound_us = float(bound) * 1e6
        # To three digits: what is that near to the bound may be on either side of it.
        assert sum(value <= bound_us * 0.999 for value in values_us) <= count
        assert count <= sum(value <= bound_us for value in values_us)
    assert math.isclose(total_s, np.sum(values_us, dtype=float) / 1e6, rel_tol=1e-3, abs_tol=1e-9)


def test_the_dashboard_asks_for_what_there_is() -> None:
    dashboard = json.loads((ROOT / "examples" / "grafana" / "load-test.json").read_text(encoding="utf-8"))
    fleet = fleet_of()
    objectives = (Objective("p99", "latency_ms.agentLog.p99", "below", 50.0),)
    there = samples_of(
        metrics.render(snapshot.of_course(course(fleet, objectives=objectives)), dict(fleet.latencies))
    )
    names = {name for name, *_ in there}
    labels = {label.partition("=")[0] for _, *own in there for label in own} | {"job"}
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            asked = set(re.findall(r"\bloadtest_\w+", target["expr"]))
            assert asked
            assert asked <= names, panel["title"]
            assert set(re.findall(r"(\w+)(?:=~|!~|!=|=)\"", target["expr"])) <= labels
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels
    spots = [tuple(panel["gridPos"].values()) for panel in dashboard["panels"]]
    assert len(set(spots)) == len(spots)
