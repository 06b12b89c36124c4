"""Tests of the terminal's lines on the data that runs leave in the backend."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from loadtest.run.master.data_left import DataLeft, lines_of
from loadtest.run.master.record import amend

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_is_said_of_nothing() -> None:
    assert lines_of([DataLeft(), DataLeft(kept=True)]) == []


def test_users_are_named_with_what_leaves_none() -> None:
    lines = lines_of([DataLeft(("a@x", "b@x"))])
    assert lines[0] == (
        "Left in the backend: 2 users that signed up, as no call deletes one (the rest was removed): a@x, b@x"
    )
    assert "--accounts-file" in lines[1]
    assert "--database-url" in lines[1]


def test_what_stays_beside_them_is_told() -> None:
    assert "(the rest stays too: --keep-data)" in lines_of([DataLeft(("a@x",), kept=True)])[0]
    lines = lines_of([DataLeft(("a@x",), not_removed="2 of 3 projects and agents stay: 500")])
    assert lines[0] == "Not removed: 2 of 3 projects and agents stay: 500"
    assert "1 user that signed up" in lines[1]
    assert "(the rest in part)" in lines[1]


def test_many_are_not_all_named() -> None:
    users = tuple(f"{number}@x" for number in range(25))
    (line, _) = lines_of([DataLeft(users[:20]), DataLeft(users[20:])])
    assert "25 users" in line
    assert line.endswith("8@x, 9@x and 15 more")


def test_a_record_can_be_amended(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text('{"schema": 2, "data_left": {}}', encoding="utf-8")
    left = DataLeft(("a@x",), not_removed="x").to_json()
    amend(tmp_path, {"data_left": left})
    assert json.loads((tmp_path / "summary.json").read_text(encoding="utf-8")) == {"schema": 2, "data_left": left}
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]
