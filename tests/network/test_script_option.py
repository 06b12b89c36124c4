from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faults import Fault
from network.script_option import script_text

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
