"""Records of all versions, and what is left of damaged ones."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.bench.big_record import make as simulate
from loadtest.reports.load import Record, load, load_side, load_summary
from loadtest.reports.page import render
from loadtest.reports.schema import SCHEMA, RecordError, complete

from ..measurement.runs import fleet_of
from ..support import ROOT
from .records import write


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("whole"), 90, 2)


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def cut(path: Path, share: float = 0.5) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def test_a_whole_record_lacks_nothing(whole: Path) -> None:
    record = load(whole)
    assert record.missing == []
    assert record.summary["validity"]["verdict"] == "valid"
    assert record.events == ["agentLog", "taskStatusUpdate"]


@pytest.mark.parametrize("schema", [1, SCHEMA + 1, 99])
def test_a_record_of_another_version_is_refused_in_one_line(copy: Path, schema: int) -> None:
    summary = json.loads((copy / "summary.json").read_text()) | {"schema": schema}
    (copy / "summary.json").write_text(json.dumps(summary))
    ended = subprocess.run(
        [sys.executable, "-m", "loadtest.reports", str(copy)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2
    assert ended.stderr == (
        f"reports: {copy} has schema {schema}, this version reads {SCHEMA}. "
        "Use the version of the package that wrote it.\n"
    )


def test_a_record_that_cannot_be_drawn_is_refused_in_one_line(copy: Path) -> None:
    """What its fields hold beside the outcome is only looked at while it is drawn."""
    summary = json.loads((copy / "summary.json").read_text())
    summary["canaries"] = [3]
    (copy / "summary.json").write_text(json.dumps(summary))
    ended = subprocess.run(
        [sys.executable, "-m", "loadtest.reports", str(copy)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert "If nobody has changed the record, this is our fault." in ended.stderr
    assert not (copy / "report.html").exists()


@pytest.mark.parametrize("schema", [None, "2", 0, -1])
def test_a_schema_that_is_none(schema: object) -> None:
    with pytest.raises(RecordError, match="no run's record"):
        complete({"schema": schema}, "x")


def test_a_folder_that_is_no_record(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no run's record"):
        load(tmp_path)
    (tmp_path / "summary.json").write_text("[1]")
    with pytest.raises(RecordError, match="no object"):
        load(tmp_path)
    (tmp_path / "summary.json").write_text("{")
    with pytest.raises(RecordError, match="no run's record"):
        load(tmp_path)


def still_has_latencies(record: Record) -> bool:
    return record.summary["latency_ms"]["agentLog"]["count"] > 0


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no summary": (lambda where: (where / "summary.json").unlink(), "no summary.json"),
    "summary cut off early": (lambda where: cut(where / "summary.json", 0.02), "summary.json is damaged"),
    "summary cut off late": (lambda where: cut(where / "summary.json", 0.9), "summary.json is cut off"),
    "summary is no text": (
        lambda where: (where / "summary.json").write_bytes(b"\xff\x00"),
        "summary.json is damaged",
    ),
    "no time line": (lambda where: (where / "timeline.csv").unlink(), "no timeline.csv"),
    "time line cut off": (lambda where: cut(where / "timeline.csv"), "timeline.csv is cut off"),
    "no rooms": (lambda where: (where / "rooms.csv").unlink(), "no rooms.csv"),
    "rooms empty": (lambda where: (where / "rooms.csv").write_text(""), "rooms.csv is empty"),
    "workers cut off": (lambda where: cut(where / "workers.csv", 0.7), "workers.csv is cut off"),
    "workers are no table": (
        lambda where: (where / "workers.csv").write_bytes(b"\xff\xfe\x00\n"),
        "workers.csv is damaged",
    ),
    "no log": (lambda where: (where / "latency.hlog").unlink(), "no latency.hlog"),
    "log cut off": (lambda where: cut(where / "latency.hlog", 0.51), "1 lines of latency.hlog are damaged"),
    "no histograms": (lambda where: shutil.rmtree(where / "histograms"), ""),
    "a histogram cut off": (lambda where: cut(where / "histograms" / "agentLog.hdr"), ""),
    "nothing but the log": (
        lambda where: [path.unlink() for path in where.glob("*.csv")] + [(where / "summary.json").unlink()],
        "no summary.json",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_what_can_be_saved_of_a_damaged_record(copy: Path, damage: str) -> None:
    do, said = DAMAGES[damage]
    do(copy)
    record = load(copy)
    assert still_has_latencies(record)
    if said:
        assert any(said in line for line in record.missing), record.missing
        assert record.summary["validity"]["verdict"] != "valid"
    page = render(record)
    assert ("This record is not whole" in page) == bool(said)
    assert "Latency of agentLog over time" in page


@pytest.mark.slow
def test_a_run_that_was_killed(whole: Path, tmp_path: Path) -> None:
    """All that a master leaves that was killed while it ran."""
    where = tmp_path / ".r.partial"
    where.mkdir()
    (where / "begun.json").write_text(json.dumps({"schema": 2, "run_id": "r", "target": "http://x", "rooms": 7}))
    shutil.copy(whole / "latency.hlog", where)
    record = load(where)
    assert record.summary["rooms"] == 7
    assert record.summary["duration_s"] == 90.0
    assert record.summary["validity"]["verdict"] == "invalid"
    assert record.summary["latency_ms"]["agentLog"] == load_summary(whole)["latency_ms"]["agentLog"]
    assert "was not brought to its end" in render(record)


def test_a_whole_summary_is_needed_where_nothing_else_is_read(copy: Path) -> None:
    cut(copy / "summary.json")
    with pytest.raises(RecordError, match="cannot read the record"):
        load_summary(copy)


def test_a_side_is_a_run_or_several_or_a_folder_of_runs(whole: Path, tmp_path: Path) -> None:
    other = write(tmp_path, fleet_of())
    assert [record.where for record in load_side([str(whole), str(other)])] == [whole, other]
    (whole.parent / "latest").unlink(missing_ok=True)
    (whole.parent / "latest").symlink_to(whole.name)
    assert [record.where for record in load_side([str(whole.parent)])] == [whole]
    with pytest.raises(RecordError, match="names no run"):
        load_side([""])
