from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hdrh.log import HistogramLogReader

from loadtest.measurement.latency import fold, new_histogram
from loadtest.measurement.second import Second
from loadtest.run.master.record import Draft

TABLES = {"timeline": [{"at_s": 1, "x": None}, {"at_s": 2, "y": 3}], "rooms": []}


def draft(folder: Path, run_id: str = "a") -> Draft:
    return Draft(folder, {"run_id": run_id, "schema": 2}, 1.5)


def finish(made: Draft, run_id: str = "a") -> Path:
    return made.finish({"run_id": run_id, "schema": 2}, TABLES, {"agentLog": b"HISTFAAA"})


def second(at_s: int, *values_us: int) -> Second:
    found = Second(at_s)
    for name in ("agentLog", "gc_pause"):
        fold(found.latencies.setdefault(name, new_histogram()), values_us)
    return found


def test_a_record_is_plain_files(tmp_path: Path) -> None:
    where = finish(draft(tmp_path / "deep" / "results"))
    assert json.loads((where / "summary.json").read_text())["run_id"] == "a"
    with (where / "timeline.csv").open() as file:
        assert list(csv.DictReader(file)) == [{"at_s": "1", "x": "", "y": ""}, {"at_s": "2", "x": "", "y": "3"}]
    assert (where / "histograms" / "agentLog.hdr").read_bytes() == b"HISTFAAA\n"
    assert not (where / "begun.json").exists()


def test_latest_points_to_the_newest(tmp_path: Path) -> None:
    finish(draft(tmp_path, "a"), "a")
    finish(draft(tmp_path, "b"), "b")
    assert (tmp_path / "latest").resolve() == tmp_path / "b"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "latest"]


def test_the_log_is_there_while_the_run_goes_on(tmp_path: Path) -> None:
    made = draft(tmp_path)
    made.log(second(7, 1000, 3000))
    made.log(second(8, 5000))
    # By the package's own reader: what the usual plotters read.
    reader = HistogramLogReader(str(made.where / "latency.hlog"), new_histogram())
    found = [reader.get_next_interval_histogram() for _ in range(3)]
    assert [(one.get_tag(), one.get_total_count(), one.get_max_value() // 8) for one in found[:2]] == [
        ("agentLog", 2, 3000 // 8),
        ("agentLog", 1, 5000 // 8),
    ]
    assert found[2] is None
    assert reader.get_start_time_sec() == 1.5
    reader.close()


def test_a_run_that_could_not_begin_leaves_nothing(tmp_path: Path) -> None:
    made = draft(tmp_path)
    made.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space"):
            draft(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_at_the_end_keeps_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    made = draft(tmp_path)
    made.log(second(7, 1000))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space"):
            finish(made)
    assert "Tag=agentLog,7" in (made.where / "latency.hlog").read_text()
    assert not (tmp_path / "latest").exists()


def test_a_log_that_cannot_be_written_is_said_once_and_ends_no_run(tmp_path: Path) -> None:
    made = draft(tmp_path)
    made._log.close()
    made._log = Path("/dev/full").open("w")  # noqa: SIM115 - it is the draft's
    assert "No space left" in made.log(second(7, 1000))
    assert made.log(second(8, 1000)) == ""


def test_a_results_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "results").touch()
    with pytest.raises(OSError, match="exists"):
        draft(tmp_path / "results")
