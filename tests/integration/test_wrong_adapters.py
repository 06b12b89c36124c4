"""Adapters that are wrong, in whole runs: the verdict names each in one line, without a traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loadtest.exit_codes import ExitCode

from ..chat_server import chat
from ..support import run_locust, summary_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

_ADAPTER = """
from examples.chat import Chat, Reader
from loadtest.measurement.sighting import Keyed, Untraced

class OwnReader(Reader):
    {reader}

class Own(Chat):
    reader = OwnReader()
    {adapter}

BACKEND = Own()
"""
_NOTHING = "pass"


def run(folder: Path, *more: str, reader: str = _NOTHING, adapter: str = _NOTHING) -> tuple[dict[str, Any], str]:
    (folder / "own_adapter.py").write_text(_ADAPTER.format(reader=reader, adapter=adapter), encoding="utf-8")
    results = folder / "results"
    with chat() as url:
        ended = run_locust(
            url,
            *("--backend", "own_adapter", "--monitor", "none", "--no-report", "--rooms", "2", "--rate", "20"),
            *("-u", "12", "-r", "100", "-t", "4s", "--results-dir", str(results), *more),
            environment={"PYTHONPATH": str(folder)},
        )
    assert "Traceback" not in ended.stderr, ended.stderr[-3000:]
    summary = summary_of(results)
    assert summary["validity"]["verdict"] == "invalid"
    assert ended.returncode == ExitCode.RUN_INVALID
    (line,) = (why for why in summary["validity"]["reasons"] if "adapter own_adapter" in why)
    return summary, line


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (
            {"reader": "def read(self, event, frame): raise KeyError('x')"},
            "`read` raised KeyError('x') for the frame '42[",
        ),
        (
            {"reader": "def read(self, event, frame): return Keyed(1, frame[-9:])"},
            "`read` returned Keyed(slot=1, key=b'",
        ),
        (
            {"adapter": "def key_of(self, answer): return 'm-' + str(answer['id'])"},
            "none of the ids in",
        ),
        (
            {"adapter": "def trigger(self, room, title): return room.nothing"},
            "`trigger` raised AttributeError(\"'Room' object has no attribute 'nothing'\")",
        ),
        (
            {"adapter": "def is_about(self, room_id, answer): return answer['project'] == room_id"},
            "`is_about` raised KeyError('project') for {'room': '",
        ),
    ],
    ids=["read raises", "wrong key", "keys never match", "trigger raises", "is_about raises"],
)
def test_the_adapter_is_named_in_one_line(tmp_path: Path, parts: dict[str, str], words: str) -> None:
    _, line = run(tmp_path, **parts)  # type: ignore[arg-type]
    assert line.startswith("invalid: adapter own_adapter: ")
    assert words in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("more", "cause"),
    [
        (["--publishers", "0"], "no trigger was sent: --publishers is 0 (users started: 12 Viewer)"),
        (["Viewer"], "no trigger was sent: there was no Publisher among the users started (12 Viewer)"),
    ],
)
def test_that_nothing_was_measured_has_a_cause(tmp_path: Path, more: list[str], cause: str) -> None:
    with chat() as url:
        run_locust(
            url,
            *("--backend", "examples.chat", "--monitor", "none", "--no-report", "--results-dir", str(tmp_path)),
            *("-u", "12", "-r", "100", "-t", "4s", *more),
        )
    reasons = summary_of(tmp_path)["validity"]["reasons"]
    assert f"nothing was measured, because no user expected a broadcast: {cause}" in " ".join(reasons)
