from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loadtest.errors import Fault
from loadtest.network.script_options import StepLog, script_text

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "script", ["", "5 cut", "0 latency/none", "; ".join(f"{at} up latency=40ms" for at in range(99))]
)
def test_what_is_no_file_s_name_is_the_script(script: str) -> None:
    assert script_text(script) == script


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "rough").write_text("5 cut\n", encoding="utf-8")
    assert script_text(str(tmp_path / "rough")) == "5 cut\n"
    assert script_text(str(tmp_path / "rough" / "er")).endswith("rough/er"), "inside of a file there is none"


def test_a_file_that_is_no_text_is_the_user_s_fault(tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\x89PNG")
    for unreadable in (tmp_path, tmp_path / "picture"):
        with pytest.raises(Fault, match=f"--script {unreadable} cannot be read: .*fault of the command line"):
            script_text(str(unreadable))


def test_steps_are_added_to_what_there_is(tmp_path: Path) -> None:
    file = tmp_path / "log"
    StepLog(file).add({"act": "cut"})
    assert StepLog(file).add({"act": "end"}) == '{"act": "end"}'
    assert file.read_text(encoding="utf-8") == '{"act": "cut"}\n{"act": "end"}\n'
    assert StepLog(None).add({"act": "cut"}) == '{"act": "cut"}'


def test_a_log_that_cannot_be_written_is_said_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=f"--log {tmp_path} cannot be written: Is a directory"):
        StepLog(tmp_path)
    log = StepLog(tmp_path / "log")
    (tmp_path / "log").unlink()
    (tmp_path / "log").mkdir()
    with pytest.raises(Fault, match="cannot be written"):
        log.add({"act": "cut"})
