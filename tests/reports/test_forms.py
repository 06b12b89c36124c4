"""The other forms of a report: Markdown, JUnit, Prometheus, percentile distributions."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from loadtest.measurement.fleet import Fleet
from loadtest.measurement.latency import QUANTILES_PER_100K, counts_of, fold, new_histogram, quantiles_us
from loadtest.reports import junit, markdown, percentiles, prometheus
from loadtest.reports.load import Record, load
from loadtest.reports.make import make
from loadtest.reports.markdown import cell
from loadtest.scenarios import hints

from ..measurement.runs import fleet_of
from .records import write


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return load(write(tmp_path, fleet_of()))


def junit_of(record: Record) -> str:
    return junit.render(record.summary, record.outcome, record.objectives)


def suites(record: Record) -> dict[str, dict[str, str]]:
    """Suite -> case -> passed, failure or skipped; and the counts are right."""
    root = ET.fromstring(junit_of(record))
    found = {}
    for suite in root:
        outcomes = {case.get("name", ""): (case[0].tag if len(case) else "passed") for case in suite}
        assert suite.get("tests") == str(len(suite))
        assert suite.get("failures") == str(sum(outcome == "failure" for outcome in outcomes.values()))
        assert suite.get("skipped") == str(sum(outcome == "skipped" for outcome in outcomes.values()))
        found[suite.get("name", "")] = outcomes
    assert root.get("tests") == str(sum(len(outcomes) for outcomes in found.values()))
    return found


def test_junit_has_validity_objectives_and_checks(record: Record) -> None:
    found = suites(record)
    assert found == {
        "outcome": {"the run passed": "failure"},
        "validity": {"the run can be trusted": "passed"},
        "objectives": {
            "maximum latency": "failure",
            "x <&>": "passed",
            "p99 in the storm (storm)": "skipped",
            "the last release's p99": "skipped",
        },
        "scenario.bad tokens": {"none of them connects": "failure", "the refusal says why": "passed"},
        # Never played, and so not checked: that is no pass.
        "scenario.a foreign project": dict.fromkeys(
            ("it is not shown", "nothing can be made or changed in it"), "failure"
        ),
        "scenario.a token whose time is over": {
            "it is let in before": "failure",
            "it is refused after": "failure",
        },
        "scenario.slow input": {"others are served meanwhile": "failure"},
        "scenario.a flood of connections": {"others are served meanwhile": "failure"},
        **{name: cases for name, cases in found.items() if set(cases.values()) == {"skipped"}},
    }


def test_junit_says_what_to_do_about_a_failed_check(record: Record) -> None:
    assert "failed: let in: &lt;b&gt;garbage&lt;/b&gt;. Verify &lt;tokens&gt;." in junit_of(record)
    assert f"not checked: the run ended before its turn came. {hints.NOT_CHECKED}" in junit_of(record)


def test_junit_and_markdown_name_canaries_that_saw_something_else(record: Record) -> None:
    rows = [
        {"name": name, "client": "socket.io-client", "outcome": outcome, "evidence": "why"}
        for name, outcome in (
            *(("node-4", "sees the same"), ("node-3", "differs")),
            *(("node-2", "not supported"), ("chromium", "was not there")),
        )
    ]
    record.summary["canaries"] = rows
    assert suites(record)["canaries"] == {
        "node-4 sees what the others see": "passed",
        "node-3 sees what the others see": "failure",
        "node-2 sees what the others see": "skipped",
        "chromium sees what the others see": "failure",
    }
    assert "- canary node-3 (socket.io-client): **differs**, why" in markdown.render(record)


def test_junit_of_a_run_that_cannot_be_trusted(record: Record) -> None:
    record.summary["validity"] = {
        "verdict": "invalid",
        "reasons": ["bad \x00 luck"],
        "doubts": [],
        "by_overload": True,
    }
    assert suites(record)["validity"] == {"the run can be trusted": "failure"}
    assert "bad \ufffd luck" in junit_of(record)


def test_all_forms_of_a_run_that_passed_have_no_failure(tmp_path: Path) -> None:
    record = load(write(tmp_path, fleet_of(calm=True), objectives=[]))
    assert record.outcome.word == "PASSED"
    assert suites(record)["outcome"] == {"the run passed": "passed"}
    assert ET.fromstring(junit_of(record)).get("failures") == "0"
    assert markdown.render(record).startswith("## PASSED: load test r\n")


def test_markdown_for_a_pull_request(record: Record) -> None:
    text = markdown.render(record)
    assert text.startswith("## FAILED: load test r\n")
    assert "Objectives: 1 of 4 passed, 1 failed, 2 not measured." in text
    assert "- maximum latency: 4.001, limit &lt; 1" in text
    assert "- check failed: bad tokens: none of them connects" in text
    assert "| maximum latency | < 1 | 4 | ❌ FAILED |" in text
    assert "| x &lt;&amp;&gt; | < 9 | 5 | ✅ passed |" in text
    assert "let in: &lt;b&gt;garbage&lt;/b&gt; | Verify &lt;tokens&gt;. |" in text
    # Every table has as many cells in each row as in its head.
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_markdown_of_a_run_that_delivered_nothing(tmp_path: Path) -> None:
    fleet = Fleet()
    fleet.enlist("died")
    text = markdown.render(load(write(tmp_path, fleet)))
    assert text.startswith("## INVALID: load test r\n")
    assert "(invalid run)" in text


@pytest.mark.parametrize(
    ("text", "safe"),
    [("a|b", r"a\|b"), ("two\nlines", "two lines"), ("<img>", "&lt;img&gt;"), ("`x` [y](z)", r"\`x\` \[y\](z)")],
)
def test_what_others_wrote_means_nothing_in_markdown(text: str, safe: str) -> None:
    assert cell(text) == safe


def test_prometheus_reads_the_metrics(record: Record) -> None:
    families = {
        family.name: family
        for family in text_string_to_metric_families(
            prometheus.render(record.summary, record.outcome, record.objectives)
        )
    }
    deliveries = {sample.labels["outcome"]: sample.value for sample in families["loadtest_deliveries"].samples}
    assert (deliveries["expected"], deliveries["lost"]) == (1800, 10)
    verdicts = {sample.labels["verdict"]: sample.value for sample in families["loadtest_validity"].samples}
    assert verdicts == {"valid": 1, "suspect": 0, "invalid": 0}
    words = {sample.labels["word"]: sample.value for sample in families["loadtest_outcome"].samples}
    assert words == {"PASSED": 0, "FAILED": 1, "SUSPECT": 0, "INVALID": 0}
    assert families["loadtest_exit_code"].samples[0].value == 7
    latency = families["loadtest_delivery_latency_seconds"]
    assert latency.type == "summary"
    p99 = [
        sample.value
        for sample in latency.samples
        if sample.labels.get("quantile") == "0.99" and sample.labels["event"] == "agentLog"
    ]
    assert p99 == [0.004001]
    passed = {sample.labels["name"]: sample.value for sample in families["loadtest_objective_passed"].samples}
    assert passed == {"maximum latency": 0, "x <&>": 1}


def test_percentile_distributions() -> None:
    histogram = new_histogram()
    fold(histogram, np.random.default_rng(1).lognormal(9, 1, 20_000).astype(np.int64))
    text = percentiles.render(counts_of(histogram))
    rows = [
        [float(part) for part in line.split()[:3]]
        for line in text.splitlines()[2:]
        if line and not line.startswith("#")
    ]
    values, shares, counted = zip(*rows, strict=True)
    assert list(values) == sorted(values)
    assert list(shares) == sorted(shares)
    assert shares[-1] == 1.0
    assert counted[-1] == 20_000
    for value_ms, share, _ in rows:
        if 0 < share < 1 and (share * 100_000).is_integer():
            assert value_ms == quantiles_us(histogram, [int(share * 100_000)])[0] / 1000
    assert f"Total count    = {20_000:12d}]" in text


def test_the_percentiles_of_one_value() -> None:
    histogram = new_histogram()
    fold(histogram, [5000])
    rows = percentiles.render(counts_of(histogram)).splitlines()
    assert [line.split()[1] for line in rows[2:-2]] == ["0.000000000000", "1.000000000000"]


@pytest.mark.slow
def test_all_forms_lie_beside_the_record(tmp_path: Path) -> None:
    where = write(tmp_path, fleet_of())
    assert make(where) == where / "report.html"
    assert {path.name for path in where.iterdir()} >= {"report.html", "report.md", "junit.xml", "metrics.prom"}
    assert [path.name for path in sorted((where / "percentiles").iterdir())] == ["agentLog.hgrm", "connect.hgrm"]
    assert not list(where.glob(".*"))
    assert len(QUANTILES_PER_100K) == 7
