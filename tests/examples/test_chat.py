"""Another backend by one small module: exact accounts of a chat, and the faults that they find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from examples.chat import Reader
from loadtest.backends.base import load
from loadtest.errors import Fault
from loadtest.exit_codes import ExitCode
from loadtest.measurement.sighting import Corrupt, Keyed, Traced, Untraced
from loadtest.measurement.trace import Trace, encode

from ..chat_server import chat
from ..support import csv_rows, run_locust, summary_of

if TYPE_CHECKING:
    from pathlib import Path

TRACE = Trace("0123abcd", 4, 5, 6, 7)


def run(url: str, results: Path, *more: str) -> dict[str, Any]:
    options = ["--backend", "examples.chat", "--monitor", "none", "--no-report", "--rooms", "2", "--rate", "20"]
    size = ["-u", "24", "-r", "100", "-t", "6s", "--results-dir", str(results)]
    run_locust(url, *options, *size, *more)
    return summary_of(results)


@pytest.mark.parametrize(
    ("event", "frame", "sighting"),
    [
        ("message", f'42["message",{{"text":"Load test {encode(TRACE)}"}}]', Traced(0, TRACE)),
        ("message", f'42["message",{{"text":"Load test {encode(TRACE)[:-3]}0~"}}]', Corrupt()),
        ("message", '42["message",{"text":"hello"}]', Untraced("message of somebody else")),
        ("counted", '42["counted",{"room":"r","id":"m7","messages":3}]', Keyed(1, "m7")),
        ("counted", '42["counted",{"room":"r"}]', Corrupt()),
    ],
)
def test_what_a_frame_is(event: str, frame: str, sighting: object) -> None:
    assert Reader().read(event, frame.encode()) == sighting


@pytest.mark.slow
def test_every_message_is_accounted_for(tmp_path: Path) -> None:
    with chat() as url:
        summary = run(url, tmp_path, "--mix", "Viewer=3,Audience=1", "--audience-size", "5")
    deliveries = summary["deliveries"]
    assert deliveries["delivered"] == deliveries["expected"] > 1000
    assert deliveries["lost"] == deliveries["leaked"] == deliveries["corrupt"] == deliveries["foreign"] == 0
    assert summary["latency_ms"]["message"]["count"] == summary["latency_ms"]["counted"]["count"] > 500
    assert summary["profile"] == "a small one"
    assert summary["conformance"] == summary["findings"] == []


@pytest.mark.slow
def test_a_message_that_is_not_sent_is_lost_and_its_count_is_not(tmp_path: Path) -> None:
    with chat("--forgets", "10") as url:
        summary = run(url, tmp_path)
    rows = csv_rows(tmp_path, "rooms")
    lost = {
        event: sum(int(row["lost"]) for row in rows if row["event"] == event)
        / sum(int(row["expected"]) for row in rows if row["event"] == event)
        for event in ("message", "counted")
    }
    assert 0.07 < lost["message"] < 0.13, summary["deliveries"]
    assert lost["counted"] == 0


def test_a_backend_that_nobody_knows() -> None:
    with pytest.raises(Fault, match="there is no backend json: .*docs/another-backend.md"):
        load("json")


@pytest.mark.slow
def test_a_backend_that_nobody_knows_ends_a_run_before_it_begins(tmp_path: Path) -> None:
    ended = run_locust(
        "http://127.0.0.1:1", "--backend", "nobody.knows", "-t", "1s", "--results-dir", str(tmp_path)
    )
    assert ended.returncode == ExitCode.USAGE
    assert "there is no backend nobody.knows: No module named 'nobody'" in ended.stderr
