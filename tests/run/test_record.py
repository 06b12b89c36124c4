from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from run import record

TABLES = {"timeline": [{"at_s": 1, "x": None}, {"at_s": 2, "y": 3}], "rooms": []}


def write(folder: Path, run_id: str = "a") -> Path:
    return record.write(folder, {"run_id": run_id, "schema": 1}, TABLES, {"agentLog": b"HISTFAAA"})


def test_a_record_is_plain_files(tmp_path: Path) -> None:
    where = write(tmp_path / "deep" / "results")
    assert json.loads((where / "summary.json").read_text())["run_id"] == "a"
    with (where / "timeline.csv").open() as file:
        assert list(csv.DictReader(file)) == [{"at_s": "1", "x": "", "y": ""}, {"at_s": "2", "x": "", "y": "3"}]
    assert (where / "histograms" / "agentLog.hdr").read_bytes() == b"HISTFAAA\n"


def test_latest_points_to_the_newest(tmp_path: Path) -> None:
    write(tmp_path, "a")
    write(tmp_path, "b")
    assert (tmp_path / "latest").resolve() == tmp_path / "b"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "latest"]


def test_a_record_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_results_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "results").touch()
    with pytest.raises(OSError, match="exists"):
        write(tmp_path / "results")
