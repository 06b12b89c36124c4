"""A record whose events, instances, reasons and evidence have every name that somebody may send."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

import msgpack
import numpy as np
import pytest
from markupsafe import escape
from prometheus_client.parser import text_string_to_metric_families

from loadtest.exit_codes import ExitCode
from loadtest.measurement import names, tables
from loadtest.measurement.by_class import ByClass
from loadtest.measurement.clock import Estimate
from loadtest.measurement.clocks import Clock, ClockTable, publisher_number
from loadtest.measurement.fleet import Fleet
from loadtest.measurement.meter import Meter
from loadtest.measurement.objectives import Objective
from loadtest.measurement.outcome import outcome_of
from loadtest.measurement.recorded_outcome import judged_run
from loadtest.measurement.report import Totals, WorkerReport
from loadtest.measurement.sighting import Sighting, Slot, Traced, Untraced
from loadtest.measurement.summary import WITHOUT_SCENARIOS, build, with_outcome
from loadtest.measurement.trace import Trace, encode, find
from loadtest.measurement.triggers import Outcome, Trigger
from loadtest.reports.__main__ import main
from loadtest.reports.csv_files import parse
from loadtest.reports.load import Record, load
from loadtest.reports.make import make
from loadtest.reports.markdown import cell
from loadtest.run.master import console
from loadtest.run.master.record import Draft

from ..measurement.metering import RUN, S
from ..measurement.odd_names import OWN
from ..measurement.runs import FACTS
from .checked_html import check

if TYPE_CHECKING:
    from pathlib import Path

EVENTS: Final = (
    *("agentLog", "", "a/b", "..", "a\0b", "a\nb", "=cmd|' /C calc'!A0", "-1", "x@class1@across", r"$\frac{x$"),
    *(
        '"><script>alert(1)</script>',
        "x" * 300,
        "🎉",
        "\ud800",
        "con",
        "%74rigger",
        "\x1b[31mred\u202e",
        "_p",
        "007",
    ),
    *("a.b", "#010203", "connect", "trigger", "fan_out", "fan-out", "workers_cpu_percent", "canary_x"),
)
"""One of each kind: all names of `NAMES` would be pictures of a quarter of an hour."""
BASE_S: Final = 1_000_000
FIRST: Final = publisher_number(0, 1)
CLASSES: Final = (2, 0)
OBJECTIVES: Final = [Objective(f"p99 of {event}", f"latency_ms.{event}.p99", "below", 50.0) for event in EVENTS]
FORMULA: Final = tuple("=+-@\t\r\n")


class Reader:
    """Each trigger makes one broadcast of each event; what has no trace is a step by its event's name."""

    slots = tuple(Slot(event, event) for event in EVENTS)
    events = EVENTS
    untraced: tuple[str, ...] = EVENTS

    def read(self, event: str, frame: bytes) -> Sighting:
        trace = find(frame)
        return Untraced(event) if trace is None else Traced(EVENTS.index(event), trace)


def packet(place: int, trace: Trace) -> bytes:
    return f'42["e","{place} {encode(trace)}"]'.encode()


class Worker:
    """Three members of both rooms, one with each instance; its clock is not the other's."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.clock = Clock(number, f"=machine{number}", Estimate(BASE_S * S, 0, 0.0, 1000, 0.0))
        self.table = ClockTable(self.clock)
        self.meter = Meter(RUN, Reader(), self.table, S // 2, CLASSES)
        self.members = []
        for instance in ("", "canary_x", "=i", "at_s"):
            account = self.meter.open_account()
            account.instance = instance
            for room in range(len(CLASSES)):
                account.joined(room, BASE_S * S)
            self.members.append(account)
        self.canary = self.meter.open_account("x")
        self.canary.joined(0, BASE_S * S)
        self.meter.canaries.open("x").joined = True

    def hear(self, seq: int, at_ms: int) -> None:
        """All members get all events of one trigger to each room; the event's place is its latency in ms."""
        due_ns = BASE_S * S + at_ms * 1_000_000
        for room in range(len(CLASSES)):
            for place, event in enumerate(EVENTS):
                frame = packet(place, Trace(RUN, room, FIRST, seq, due_ns))
                came_ns = due_ns + (place + 1) * 1_000_000
                for account in self.members:
                    self.meter.at(account.instance).observe(account.number, event, frame, came_ns)
        for event in EVENTS:
            frame = packet(EVENTS.index(event), Trace(RUN, 0, FIRST, seq, due_ns))
            self.meter.apart("x").observe(self.canary.number, event, frame, due_ns + 777_000_000)

    def report(self, at_ms: int) -> WorkerReport:
        health = {"cpu_percent": 10.0, "rss_bytes": 5e7, "publishing_since_s": float(BASE_S)}
        own_us = {"loop_lag": [500_000], "generator_delay": [500_000], "gc_pause": [500_000]}
        more_us = {name: np.array(values) for name, values in own_us.items()}
        report, _ = self.meter.take_report(BASE_S * S + at_ms * 1_000_000, health, more_us)
        return WorkerReport.from_message(sent(report.to_message()))


def sent(message: dict[str, Any]) -> dict[str, Any]:
    """As it arrives by Locust's channel."""
    found: dict[str, Any] = msgpack.loads(
        msgpack.dumps(message, use_bin_type=True), raw=False, strict_map_key=False
    )
    return found


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of a run of two workers, by the ways of a real one."""
    draft = Draft(tmp_path_factory.mktemp("results"), {"run_id": "odd", "schema": 2}, float(BASE_S))
    fleet = Fleet(lambda _: "=phase", draft.log, ByClass(CLASSES, EVENTS))
    workers = [Worker(0), Worker(1)]
    for worker, other in (workers, reversed(workers)):
        worker.table.update([other.clock])
        fleet.enlist(f"@worker {worker.number}").clock = worker.clock
    first = workers[0].meter
    # Our own times are half a second each: none of an event's is.
    first.connected(0, S // 2, {"tcp": S // 8, "socketio": S // 2 - S // 8})
    first.join_answered(S // 2)
    first.answered("ping", 500.0)
    first.connect_failed("=refused\n\x1b[31m \ud800")
    first.checks.count("a scenario", "a check", False, "=evidence \x1b[31m \ud800")
    for event in EVENTS:
        first.viewpoints[""].untraced[event] += 7
    for second in range(1, 9):
        for room in range(len(CLASSES)):
            due_ns = BASE_S * S + (second * 1000 - 900) * 1_000_000
            first.trigger_due()
            first.trigger_sent(FIRST, room, second - 1, due_ns)
            trigger = Trigger(room, FIRST, second - 1, due_ns, due_ns, Outcome.ACCEPTED, "", "=i")
            first.trigger_answered(trigger, 500.0)
            workers[1].meter.learn([trigger])
        for worker in workers:
            worker.hear(second - 1, second * 1000 - 900)
            fleet.take(f"@worker {worker.number}", worker.report(second * 1000), float(second))
    for worker in workers:
        worker.meter.close()
        fleet.take(f"@worker {worker.number}", worker.report(9000), 9.0)
        fleet.finish(f"@worker {worker.number}", Totals.from_message(sent(worker.meter.settle().to_message())))
    fleet.close()
    backend = [{"at_s": BASE_S + at, "instance": "=i", "cpu_percent": 1.0, "rss_mb": 80.0} for at in range(8)]
    facts = replace(FACTS, run_id="odd", rooms=2, backend=backend, options={"rate": "=1"}, target="http://=\x1b")
    conformance = [
        {"scenario": "s", "check": "=c", "outcome": "failed", "passed": 0, "evidence": "=e \x1b \ud800"}
    ]
    checks = {"conformance": [{**row, "failed": 1} for row in conformance], "conformance_holds": False}
    summary = with_outcome({**build(facts, fleet, Reader(), OBJECTIVES, {}), **WITHOUT_SCENARIOS, **checks})
    more = {"backend": backend, "conformance": conformance}
    histograms = {key: histogram.encode() for key, histogram in fleet.latencies.items()}
    return draft.finish(summary, tables.all_of(fleet, Reader()) | more, histograms)


@pytest.fixture(scope="module")
def made(where: Path) -> Path:
    make(where)
    return where


@pytest.fixture(scope="module")
def record(where: Path) -> Record:
    return load(where)


def test_the_record_is_whole(record: Record) -> None:
    assert record.missing == []
    assert record.events == list(EVENTS)
    deliveries = record.summary["deliveries"]
    assert deliveries["delivered"] == deliveries["expected"] > 0
    assert deliveries["lost"] == deliveries["corrupt"] == deliveries["foreign"] == 0


def test_every_event_has_its_own_times_and_nobody_elses(record: Record) -> None:
    for place, event in enumerate(EVENTS):
        times = record.summary["latency_ms"][event]
        assert times["count"] == 8 * 2 * 2 * 4, event
        assert times["p50"] == times["max"] == pytest.approx(place + 1, rel=1e-3), event
        assert record.summary["latency_across_clocks_ms"][event]["count"] == times["count"] / 2
        assert record.summary["phases"]["=phase"]["latency_ms"][event]["count"] == times["count"]
        whole, logged = (
            record.histogram(names.key_of(event)),
            record.counts([names.key_of(event)], [0, 2 * BASE_S]),
        )
        assert whole is not None
        assert whole.sum() == logged.sum() == times["count"]
    by_class = {(row["event"], row["room_class"]): row for row in record.summary["room_classes"]}
    assert len(by_class) == 2 * len(EVENTS)
    assert {row["latency_ms"]["count"] for row in by_class.values()} == {8 * 2 * 4}


def test_our_own_times_are_without_events(record: Record) -> None:
    summary = record.summary
    for name in ("connect_ms", "join_ms", "trigger_ms", "loop_lag_ms", "generator_delay_ms", "gc_pause_ms"):
        assert summary[name]["p50"] == summary[name]["max"] == pytest.approx(500, rel=1e-3), name
    assert list(summary["connect_phases_ms"]) == ["tcp", "socketio", "generator"]
    assert list(summary["answers_ms"]) == ["ping"]
    assert summary["replay_ms"]["count"] == 0
    assert set(summary["instances"]["members"]) == {"", "canary_x", "=i", "at_s"}
    assert {step: row["received"] for step, row in summary["untraced"].items()} == dict.fromkeys(EVENTS, 7)


def test_tables_are_read_back_as_they_were(record: Record) -> None:
    tables_ = record.tables
    for stem in ("rooms", "streams"):
        assert (
            list(dict.fromkeys(tables_[stem]["event"]))
            == list(dict.fromkeys(tables_[stem]["label"]))
            == list(EVENTS)
        )
    assert set(tables_["instances"]["instance"]) == {"", "canary_x", "=i", "at_s"}
    assert list(tables_["workers"]["id"]) == ["@worker 0", "@worker 1"]
    assert set(tables_["timeline"]["phase"]) == {"=phase"}
    for event in EVENTS:
        assert tables_["timeline"][f"{names.key_of(event)}_count"].sum() == 8 * 2 * 2 * 4
    for column in ("workers_cpu_percent_max", "workers_rss_mb_max"):
        assert tables_["timeline"][column].max() in (10.0, 50.0)


def test_objectives_name_any_event(record: Record) -> None:
    found = {row["figure"]: row for row in record.summary["slo"]}
    for place, event in enumerate(EVENTS):
        assert found[f"latency_ms.{event}.p99"]["value"] == pytest.approx(place + 1, rel=1e-3)


def test_files_and_tables_do_no_harm(made: Path) -> None:
    files = [path for path in made.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} == {made.name, "histograms", "percentiles"}
    assert len(list((made / "percentiles").iterdir())) == len(EVENTS) + 2
    for path in files:
        assert re.fullmatch(r"[A-Za-z0-9_%][A-Za-z0-9_.@%~-]*", path.name), path
    for path in made.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            no_formulas(file)


def no_formulas(file: io.TextIOBase) -> None:
    for row in csv.reader(file):
        for value in row:
            assert not value.startswith(FORMULA) or re.fullmatch(r"-?[\d.]+(e-?\d+)?", value), value
            assert "\x1b" not in value


def test_a_run_that_was_not_finished_has_all_events(where: Path, tmp_path: Path) -> None:
    partial = tmp_path / ".odd.partial"
    partial.mkdir()
    (partial / "latency.hlog").write_bytes((where / "latency.hlog").read_bytes())
    (partial / "begun.json").write_text('{"run_id": "odd"}')
    found = load(partial)
    assert sorted(found.events) == sorted(EVENTS)
    assert found.summary["trigger_ms"]["p50"] == pytest.approx(500, rel=1e-3)
    for place, event in enumerate(EVENTS):
        assert found.summary["latency_ms"][event]["max"] == pytest.approx(place + 1, rel=1e-3)


def test_a_table_that_is_cut_off_in_a_name_keeps_its_whole_rows(where: Path, tmp_path: Path) -> None:
    for name in ("summary.json", "latency.hlog"):
        (tmp_path / name).write_bytes((where / name).read_bytes())
    data = (where / "rooms.csv").read_bytes()
    (tmp_path / "rooms.csv").write_bytes(data[: data.index(b'"a\nb"') + 3])
    found = load(tmp_path)
    assert "rooms.csv is cut off" in found.missing
    assert list(found.tables["rooms"]["event"]) == list(EVENTS[: EVENTS.index("a\nb")])


def test_the_page_is_valid_and_names_all_events(made: Path) -> None:
    page = (made / "report.html").read_text(encoding="utf-8")
    check(page)
    assert not set(page) & {chr(code) for code in (*range(9), *range(11, 32), *range(127, 160), 0x202E, 0xFEFF)}
    assert "<script" not in page
    assert "<img" not in page.replace("<image", "")
    text = re.sub(r"\s+", " ", page)
    for event in EVENTS:
        assert re.sub(r"\s+", " ", f"Latency of {escape(names.shown(event))} over time") in text
    ids = re.findall(r'<h2 id="([^"]*)"', page)
    assert len(ids) == len(set(ids)) > len(EVENTS)
    assert not [one for one in ids if re.search(r"\s", one)]
    for link in re.findall(r'<a href="#([^"]*)"', page):
        assert f'id="{link}"' in page
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ET.fromstring(svg)


def test_downloads_of_the_page_do_no_harm(made: Path) -> None:
    page = (made / "report.html").read_text(encoding="utf-8")
    downloads = re.findall(r"data:text/csv;base64,([^\"]+)", page)
    assert len(downloads) > len(EVENTS)
    for data in downloads:
        no_formulas(io.StringIO(base64.b64decode(data).decode(), newline=""))


def test_a_picture_shows_names_as_they_are(made: Path) -> None:
    page = (made / "report.html").read_text(encoding="utf-8")
    assert r"p99 of $\frac{x$ &lt; 50 ms" in page, "no formula of matplotlib's"
    assert "p99 of #010203 &lt; 50 ms" in page, "not the page's own colour"


def test_markdown_names_all_events(made: Path) -> None:
    text = (made / "report.md").read_text(encoding="utf-8")
    for event in EVENTS:
        assert f"| {cell(names.label(event))} |" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {4, 5, 9, *range(10, 20)}
    assert "<script" not in text
    assert "\x1b" not in text


def test_junit_parses(made: Path) -> None:
    root = ET.parse(made / "junit.xml").getroot()
    assert len(root.findall(".//testcase[@classname='objectives']")) == len(EVENTS)


def test_prometheus_reads_all_events(made: Path) -> None:
    text = (made / "metrics.prom").read_bytes().decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = families["loadtest_delivery_latency_seconds"].samples
    assert {sample.labels["event"] for sample in samples} == set(map(names.sound, EVENTS))


@pytest.mark.slow
def test_compare_and_trend(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = tmp_path / "results"
    for number in range(3):
        folder = results / f"run{number}"
        folder.mkdir(parents=True)
        for path in made.glob("*.*"):
            (folder / path.name).write_bytes(path.read_bytes())
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        validity = {"verdict": "valid", "reasons": [], "doubts": [], "by_overload": True}
        summary |= {"run_id": f"run{number}", "validity": validity}
        summary["started"] = f"2026-01-0{number + 1}T00:00:00.000Z"
        summary["outcome"] = outcome_of(judged_run(summary)).to_json()
        (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    assert main(["compare", str(results / "run0"), str(results / "run1")]) == ExitCode.PASSED
    said = capsys.readouterr().out
    page = (results / "run1" / "compare.html").read_text(encoding="utf-8")
    check(page)
    assert main(["trend", str(results)]) == ExitCode.PASSED
    said += capsys.readouterr().out
    assert "\x1b" not in said
    for own in set(OWN) & set(EVENTS):
        assert f"{own} (event) p99" in said
    assert re.search(r"^trigger answered p99 +(499|500)", said, re.MULTILINE)
    check((results / "trend.html").read_text(encoding="utf-8"))
    with (results / "trend.csv").open(encoding="utf-8", newline="") as file:
        no_formulas(file)
    trend = parse((results / "trend.csv").read_bytes())
    for place, event in enumerate(EVENTS):
        assert trend[f"{names.key_of(event)} p99"].tolist() == pytest.approx([place + 1] * 3, rel=1e-3)
    assert trend["connect p99"].tolist() == pytest.approx([500] * 3, rel=1e-3)


def test_the_terminal_is_told_plain_text(record: Record, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console.say(console.summary_text(record.summary, record.outcome, made, None, ""))
    said = capsys.readouterr().out
    said.encode()
    assert not set(said) & {chr(code) for code in (*range(9), *range(11, 32), *range(127, 160), 0x202E)}
    assert re.search(r"^connect {19} +1 ", said, re.MULTILINE)
    assert re.search(r"^connect \(event\) +128 ", said, re.MULTILINE)
    assert max(map(len, said.splitlines())) < 500
